# Views of a run on a mount: one tree however it is stored, an install tree to run programs from, tables with other runs and
# local files, conflicts early and late, and nothing asked that is known already.
# shellcheck disable=SC2154 # bats sets output, status and stderr

load lib

# pack FILE STAGE: the members below $TREE/STAGE as an artifact that is led by its manifest.
pack() {
  printf '%s\n' "$2" >"$TREE/artifact_manifest.txt"
  tar -C "$TREE" -cJf "$1" artifact_manifest.txt "$(cd "$TREE" && ls -d "$2"/*)"
}

make_run() {
  mkdir -p "$1/logs" "$TREE/tools/stage/bin" "$TREE/libs/stage/lib"
  echo line >"$1/logs/a.log"
  # shellcheck disable=SC2016 # it is a script
  printf '#!/bin/sh\ncat "${0%%/*}/../lib/words"\n' >"$TREE/tools/stage/bin/say"
  chmod 755 "$TREE/tools/stage/bin/say"
  echo 'from the run' >"$TREE/libs/stage/lib/words"
  pack "$1/say_run_generic.tar.xz" tools/stage
  pack "$1/words_lib_generic.tar.xz" libs/stage
}

setup_file() {
  export DATA=$BATS_FILE_TMPDIR/data TREE=$BATS_FILE_TMPDIR/tree
  export ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  make_run "$ORIGINAL"
  mkdir -p "$DATA/$BUCKET/2-linux/artifacts" "$DATA/$BUCKET/2-linux/logs"
  cp -p "$ORIGINAL"/*.tar.xz "$DATA/$BUCKET/2-linux/artifacts"
  cp -p "$ORIGINAL/logs/a.log" "$DATA/$BUCKET/2-linux/logs"
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  TABLE=$BATS_TEST_TMPDIR/table
  mkdir "$MNT"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# mount_view VIEW [OPTIONS]
mount_view() { mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX"),view=$1${2:+,$2}"; }

objects() { grep -vc 'list-type=2' "$NGINX_DIR/access.log"; }

@test "typed is one tree, wherever artifacts are stored" {
  mount_view typed archives
  mount_run "s3://$BUCKET/2-linux" "$BATS_TEST_TMPDIR/other" "$(anonymous "$NGINX"),view=typed,archives"
  [ -d "$MNT/artifacts/say_run_generic" ]
  same_tree "$MNT" "$BATS_TEST_TMPDIR/other"
  [ "$(xattr s3_uri "$MNT/artifacts/say_run_generic.tar.xz")" = "$SOURCE/say_run_generic.tar.xz" ]
  [ "$(xattr s3_uri "$BATS_TEST_TMPDIR/other/artifacts/say_run_generic")" = "s3://$BUCKET/2-linux/artifacts/say_run_generic.tar.xz" ]
}

@test "dist runs the run's own programs, and is composed without a request the second time" {
  mount_view dist
  [ "$("$MNT/bin/say")" = 'from the run' ]
  [ "$(xattr source "$MNT/lib/words")" = 'words_lib_generic.tar.xz libs/stage/lib/words' ]
  [ "$(runfs status --json "$MNT" | jq -c .composing)" = '{"directories":0,"archives":0,"ready":0,"conflicts":0,"overlaps":0}' ]
  runfs umount "$MNT"
  : >"$NGINX_DIR/access.log"
  mount_view dist offline
  [ "$(find "$MNT" -type f | wc -l)" -eq 2 ]
  [ "$("$MNT/bin/say")" = 'from the run' ]
  [ "$(objects)" -eq 0 ]
}

@test "a local file takes the place of the run's, until it changes" {
  echo 'from here' >"$BATS_TEST_TMPDIR/words"
  printf '*_{run,lib}_generic / flatten\nwords /lib/words local overlay\nother:logs /logs tree\n' >"$TABLE"
  mount_view "$TABLE" "refresh=0,bind=other=s3://$BUCKET/2-linux"
  [ "$("$MNT/bin/say")" = 'from here' ]
  [ "$(xattr source "$MNT/lib/words")" = "$BATS_TEST_TMPDIR/words" ]
  [ "$(xattr s3_uri "$MNT/logs/a.log")" = "s3://$BUCKET/2-linux/logs/a.log" ]
  echo 'from here, but longer' >"$BATS_TEST_TMPDIR/words"
  [ "$("$MNT/bin/say")" = 'from here, but longer' ]
}

@test "a conflict that shows late is EIO with its reason; it refuses the next mount, and a check tells it" {
  printf '*_generic / flatten\nlogs/a.log /lib/words tree\n' >"$TABLE"
  mount_view "$TABLE" "log=$BATS_TEST_TMPDIR/log"
  run cat "$MNT/lib/words"
  [[ $output == *'Input/output error'* ]]
  [[ $(xattr error "$MNT/lib/words") == 'lib/words: conflict: words_lib_generic.tar.xz libs/stage/lib/words [sha256:'*' and logs/a.log ['* ]]
  grep -q 'lib/words: conflict: ' "$BATS_TEST_TMPDIR/log"
  [ -x "$MNT/bin/say" ]
  runfs umount "$MNT"
  mount_refused 'lib/words: conflict: ' "$SOURCE" "$MNT" "$(anonymous "$NGINX"),view=$TABLE"
  run --separate-stderr runfs ls --check "$SOURCE" -o "$(anonymous "$NGINX"),view=$TABLE"
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == 'lib/words: conflict: '* ]]
  [ "${lines[1]}" = '1 conflicts, 0 overlaps' ]
  run runfs ls --check "$SOURCE" -o "$(anonymous "$NGINX")"
  [ "$status" -eq 0 ]
}

@test "an archive that was replaced before anybody looked into it shows anew, not in a minute" {
  cp -r "$ORIGINAL" "$BATS_TEST_TMPDIR/own"
  mount_run "$BATS_TEST_TMPDIR/own" "$MNT" view=dist,archives,no-cache,refresh=600
  mount_run "$BATS_TEST_TMPDIR/own" "$BATS_TEST_TMPDIR/other" archives,no-cache,refresh=600
  cp "$BATS_TEST_TMPDIR/own/words_lib_generic.tar.xz" "$BATS_TEST_TMPDIR/own/say_run_generic.tar.xz"
  [ "$(cat "$MNT/lib/words")" = 'from the run' ]
  [ ! -e "$MNT/bin" ]
  [ "$(ls "$BATS_TEST_TMPDIR/other/say_run_generic")" = "$(printf 'artifact_manifest.txt\nlibs')" ]
}

@test "a table that is wrong is refused with its line, and nothing is mounted" {
  printf 'logs /l tree\nnothing /n tree\n' >"$TABLE"
  mount_refused "$TABLE:2: missing source" "$SOURCE" "$MNT" "$(anonymous "$NGINX"),view=$TABLE"
  printf 'b:logs /l tree\n' >"$TABLE"
  mount_refused "$TABLE:1: bind=b: cycle: b, b" "$SOURCE" "$MNT" "$(anonymous "$NGINX"),view=$TABLE,bind=b=b"
}

@test "commands without a mount work on views" {
  printf '*_generic /opt flatten\n' >"$TABLE"
  [ "$(runfs cat "$SOURCE" opt/lib/words -o "$(anonymous "$NGINX"),view=$TABLE")" = 'from the run' ]
  [ "$(runfs ls -R "$SOURCE" opt -o "$(anonymous "$NGINX"),view=$TABLE" | paste -sd ' ')" = 'opt/bin opt/bin/say opt/lib opt/lib/words' ]
  run runfs cache prefetch "$SOURCE" opt -o "$(anonymous "$NGINX"),view=$TABLE"
  [[ $output == '2 files, '* ]]
}
