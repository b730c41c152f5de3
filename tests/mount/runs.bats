# All runs of a bucket by name: looked for when they are named, remembered, closed when unused, each by itself.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is its own process; bats sets output and stderr

load lib
load cache

# place BUCKET/PREFIX: a run of a few files, which say where they are.
place() {
  mkdir -p "$BATS_FILE_TMPDIR/data/$1/logs/g"
  printf '%s\n' "$1" | tee "$BATS_FILE_TMPDIR/data/$1/where" >"$BATS_FILE_TMPDIR/data/$1/logs/g/a.log"
}

setup_file() {
  local data=$BATS_FILE_TMPDIR/data
  place therock-ci-artifacts/111-linux
  place therock-ci-artifacts/111-windows
  place therock-ci-artifacts/222-linux
  place therock-ci-artifacts/999-linux
  place therock-artifacts/333-linux
  place therock-artifacts/444
  place therock-ci-artifacts-external/ROCm-TheRock/555-linux
  place therock-ci-artifacts-external/some-one-else/666-windows
  mkdir -p "$data/therock-artifacts-external"
  tar -C "$data/therock-ci-artifacts/222-linux" -cJf "$data/therock-ci-artifacts/222-linux/base_lib_generic.tar.xz" where
  start_nginx "$data"
  export DATA=$data
  mkdir "$BATS_FILE_TMPDIR/mnt"
  mount_run runs "$BATS_FILE_TMPDIR/mnt" "$(anonymous "$NGINX"),cache=$BATS_FILE_TMPDIR/cache"
  export ALL=$BATS_FILE_TMPDIR/mnt
}

teardown_file() { end_everything; }
setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  CACHE=$BATS_TEST_TMPDIR/cache
  OPTIONS=$(anonymous "$NGINX"),cache=$CACHE
  faults '[]'
}
teardown() {
  unmount_below "$BATS_TEST_TMPDIR"
  no_own_server
}

# is_at PLACE DIR
is_at() { [ "$(cat "$2/where")" = "$1" ] && same_tree "$DATA/$1" "$2"; }

is_open() { [ "$(runs_of "$1" open)" -eq "$2" ]; }
runs_of() { runfs status --json "$1" | jq -r ".runs.$2"; }

@test "runs are where the rules say, each of them by its name" {
  is_at therock-ci-artifacts/111-linux "$ALL/111-linux"
  is_at therock-ci-artifacts/111-windows "$ALL/111-windows"
  is_at therock-artifacts/333-linux "$ALL/333-linux"
  is_at therock-artifacts/444 "$ALL/444-linux"
  is_at therock-ci-artifacts-external/ROCm-TheRock/555-linux "$ALL/ROCm-TheRock/555-linux"
  is_at therock-ci-artifacts-external/some-one-else/666-windows "$ALL/some-one-else/666-windows"
}

@test "what is no run's name is not asked for, what is not there once" {
  local name
  mark
  for name in autorun.inf .Trash-1000 111 0111-linux local-linux 111-macos linux; do
    run ! stat "$ALL/$name"
    [[ $output == *'No such file'* ]]
  done
  [ "$(listings)" -eq 0 ]
  for name in 777-linux no-such; do
    run ! stat "$ALL/$name"
    [[ $output == *'No such file'* ]]
  done
  asked=$(listings)
  [ "$asked" -ge 2 ]
  for name in 777-linux no-such 777-linux/logs; do run ! stat "$ALL/$name"; done
  [ "$(listings)" -eq "$asked" ]
}

@test "the root shows what was used, and what is in the cache" {
  runfs ls 111-linux -o "$OPTIONS" >/dev/null
  runfs ls 555-linux -o "$OPTIONS,fork" >/dev/null
  runfs ls "s3://$BUCKET/999-linux/logs" -o "$OPTIONS" >/dev/null
  mount_run runs "$MNT" "$OPTIONS"
  [ "$(ls "$MNT")" = "$(printf '%s\n' 111-linux ROCm-TheRock)" ]
  [ "$(ls "$MNT/ROCm-TheRock")" = 555-linux ]
  is_at therock-ci-artifacts/222-linux "$MNT/222-linux"
  [ "$(ls "$MNT")" = "$(printf '%s\n' 111-linux 222-linux ROCm-TheRock)" ]
  mark
  ls -l "$MNT" "$MNT/111-linux/logs" >/dev/null
  [ "$(listings)" -eq 0 ]
}

@test "inode numbers of two runs differ, so that no program takes their files for the same" {
  local inodes
  inodes=$(find "$ALL/111-linux" "$ALL/222-linux" -printf '%i\n' | sort | uniq -d)
  [ -z "$inodes" ]
  [ "$(stat -c %i "$ALL/111-linux")" = "$(stat -c %i "$ALL/111-linux/.")" ]
  run ! diff -rq "$ALL/111-linux" "$ALL/222-linux"
  [[ $output == *'logs/g/a.log differ'* ]]
}

@test "options are those of each run" {
  mount_run runs "$MNT" "$OPTIONS,archives,repo=some/one-else"
  [ "$(cat "$MNT/666-windows/where")" = therock-ci-artifacts-external/some-one-else/666-windows ]
  unmount_below "$MNT"
  mount_run runs "$MNT" "$OPTIONS,archives"
  [ "$(cat "$MNT/222-linux/base_lib_generic/where")" = therock-ci-artifacts/222-linux ]
  [ "$(xattr s3_uri "$MNT/222-linux/logs")" = s3://therock-ci-artifacts/222-linux/logs ]
  [ "$(xattr s3_uri "$MNT/222-linux")" = s3://therock-ci-artifacts/222-linux ]
  run ! xattr s3_uri "$MNT"
}

@test "each run is shown by the view, whose table may have a relative path" {
  mkdir "$MNT"
  cd "$BATS_TEST_TMPDIR"
  printf 'logs/g /l tree -\nbase_lib_generic /opt archive -\n' >table
  mount_run runs "$MNT" "$OPTIONS,view=table,log=log"
  [ "$(cat "$MNT/222-linux/l/a.log" "$MNT/222-linux/opt/where")" = "$(printf '%s\n' therock-ci-artifacts/222-linux{,})" ]
  run ! stat "$MNT/111-linux" # it has no such archive
  [[ $output == *'Input/output error'* ]]
  grep -q 's3://therock-ci-artifacts/111-linux: .*table:2: ' log
  unmount_below "$MNT"
  echo 'logs /l/../.. tree' >table
  mount_refused 'table:1: ' runs "$MNT" "$OPTIONS,view=table"
}

@test "a staging directory of its own: tools use the mount, the mount ignores the variable" {
  export THEROCK_LOCAL_STAGING_DIR=$MNT
  mount_run runs "$MNT" "$OPTIONS"
  is_at therock-ci-artifacts/111-linux "$MNT/111-linux"
  [ "$(runfs cat 111-linux where)" = therock-ci-artifacts/111-linux ]
}

@test "a run that fails or is slow does not stop others" {
  local slow
  mount_run runs "$MNT" "$(anonymous "$FAULTY"),no-cache"
  faults '[{"match": "prefix=[^&]*111-linux", "delay_ms": 2500}, {"match": "prefix=[^&]*999-linux", "p403": 1}]'
  cat "$MNT/111-linux/where" >"$BATS_TEST_TMPDIR/slow" &
  slow=$!
  wait_until 20 hits 1
  is_at therock-ci-artifacts/222-linux "$MNT/222-linux"
  run ! stat "$MNT/999-linux"
  [[ $output == *'Permission denied'* ]]
  [ "$(ls "$MNT")" = 222-linux ]
  kill -0 "$slow"
  wait "$slow"
  [ "$(cat "$BATS_TEST_TMPDIR/slow")" = therock-ci-artifacts/111-linux ]
}

@test "each run is listed anew by itself" {
  mkdir -p "$BATS_TEST_TMPDIR/data/$BUCKET"
  cp -r "$DATA/$BUCKET"/{111,222}-linux "$BATS_TEST_TMPDIR/data/$BUCKET"
  own_server "$BATS_TEST_TMPDIR/data"
  mount_run runs "$MNT" "$(anonymous "$NGINX"),refresh=1,no-cache"
  cat "$MNT/111-linux/where" "$MNT/222-linux/where" >/dev/null
  cp "$MNT/111-linux/where" "$BATS_TEST_TMPDIR/data/$BUCKET/111-linux/new"
  own_server "$BATS_TEST_TMPDIR/data" "${NGINX##*:}"
  wait_until 20 test -e "$MNT/111-linux/new"
  settled
  run ! grep -q 222-linux <<<"$(asked)"
}

@test "what is unused is closed, and opened again when it is used" {
  mount_run runs "$MNT" "$OPTIONS,refresh=0"
  exec 5<"$MNT/111-linux/where"
  (cd "$MNT/222-linux/logs/g" && cat a.log) >/dev/null
  cat "$MNT/333-linux/where" >/dev/null
  [ "$(runs_of "$MNT" named)" -eq 3 ]
  wait_until 20 is_open "$MNT" 1
  [ "$(cat <&5)" = therock-ci-artifacts/111-linux ]
  exec 5<&-
  is_at therock-ci-artifacts/222-linux "$MNT/222-linux"
  [ "$(runfs status --json "$MNT" | jq '.requests.list.ok >= 4')" = true ]
}

@test "without a server what is in the cache is there" {
  mount_run runs "$MNT" "$OPTIONS"
  is_at therock-ci-artifacts/111-linux "$MNT/111-linux"
  unmount_below "$MNT"
  mount_run runs "$MNT" "$(anonymous http://127.0.0.1:1),cache=$CACHE,offline"
  [ -z "$(ls "$MNT")" ]
  unmount_below "$MNT"
  mount_run runs "$MNT" "$OPTIONS,offline"
  [ "$(ls "$MNT")" = 111-linux ]
  is_at therock-ci-artifacts/111-linux "$MNT/111-linux"
  run ! stat "$MNT/222-linux" "$MNT/some-one-else"
}

@test "all runs can only be mounted" {
  run --separate-stderr runfs ls runs
  one_error 1 'runs: all of them can only be mounted; name one'
  run --separate-stderr runfs resolve runs root
  one_error 1 'runs: all of them can only be mounted; name one'
}

notifies() { grep -qs fuse_reverse_inval "/proc/$1/task/"*/wchan; }

# The kernel holds a notification up while a name is looked up in the same directory.
@test "the driver of runs ends while it asks the kernel to forget names, and a lookup waits" {
  local pid lookup
  mount_run runs "$MNT" "$(anonymous "$FAULTY"),no-cache,refresh=0,timeout=600"
  pid=$(getfattr --absolute-names --only-values -n user.runfs.pid "$MNT")
  exec 7<"$MNT/111-linux/where"
  faults '{"match":"list-type","phang":1}'
  stat "$MNT/111-linux/logs" >/dev/null 2>&1 &
  lookup=$!
  wait_until 30 notifies "$pid"
  exec 7<&-
  kill "$pid"
  wait_until 30 no_driver "$MNT"
  if wait "$lookup"; then fail 'a lookup that should hang succeeded'; fi
}
