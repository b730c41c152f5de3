# The views typed and dist: one logical tree however a run is stored, and the install tree that unpacking its artifacts gives.
# shellcheck disable=SC2030,SC2031,SC2154 # bats sets output, status and stderr

load lib

setup_file() {
  DATA=$(fixture views make-views)
  export DATA RUNS=$DATA/views ORACLE=$BATS_FILE_TMPDIR/oracle
  mkdir "$ORACLE"
  "$TESTS/mount/flatten" "$RUNS/root" "$ORACLE/root"
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  MNT=$BATS_TEST_TMPDIR/mnt
  mkdir "$MNT"
  LOG=$NGINX_DIR/access.log
}

teardown() {
  cd /
  unmount_below "$BATS_TEST_TMPDIR"
}

# mount_view VIEW RUN [OPTIONS [MOUNTPOINT]]: mounts a run of the fixture, by nginx.
mount_view() {
  mount_run "s3://views/$2" "${4:-$MNT}" "$(anonymous "$NGINX"),view=$1${3:+,$3}"
}

# installed DIR: what find says of an install tree: types, modes, sizes, targets, and which names are one file.
installed() {
  (cd "$1" && find . -type d -printf '%p %y %m\n' -o -printf '%p %y %m %s %n %l\n' | LC_ALL=C sort)
}

same_install() {
  diff -r --no-dereference "$1" "$2" || fail "$2 is not what unpacking gives" || return
  diff <(installed "$1") <(installed "$2") || fail "find says something else of $2"
}

# unpacked RUN [OPTION...]: prints a new directory that the artifacts of a run are unpacked into.
unpacked() {
  "$TESTS/mount/flatten" "${@:2}" "$RUNS/$1" "$BATS_TEST_TMPDIR/unpacked" >"$BATS_TEST_TMPDIR/unplaced"
  printf '%s\n' "$BATS_TEST_TMPDIR/unpacked"
}

@test "typed: a run that is stored either way is the same tree" {
  mount_view typed root
  mount_view typed subdir '' "$MNT.subdir"
  same_tree "$MNT" "$MNT.subdir"
  same_tree "$RUNS/subdir" "$MNT"
}

@test "typed: of a run that is stored both ways artifacts/ wins, and the rest shows, too" {
  local run=$BATS_TEST_TMPDIR/run
  mkdir -p "$run/artifacts" "$run/logs/g" "$BATS_TEST_TMPDIR/expected"
  echo root | tee "$run/a_lib_generic.tar.xz" "$run/b_lib_generic.tar.xz" "$run/index.html" >"$run/index-g.html"
  echo subdir | tee "$run/artifacts/a_lib_generic.tar.xz" >"$run/artifacts/index.html"
  echo log | tee "$run/logs/g/a_lib_generic.tar.xz" >"$run/logs/old.log"
  cp -r "$run/artifacts" "$run/logs" "$BATS_TEST_TMPDIR/expected"
  cp "$run/b_lib_generic.tar.xz" "$run/index-g.html" "$BATS_TEST_TMPDIR/expected/artifacts"
  mount_run "$run" "$MNT" view=typed
  same_tree "$BATS_TEST_TMPDIR/expected" "$MNT"
}

@test "typed: archives show as directories where they are shown" {
  mount_view typed root archives
  same_members "$RUNS/root/greet_lib_generic.tar.xz" "$MNT/artifacts/greet_lib_generic"
  same_members "$RUNS/root/part1_run_generic.tar.zst" "$MNT/artifacts/part1_run_generic"
}

@test "dist: a run that is stored either way is what unpacking gives" {
  mount_view dist root
  mount_view dist subdir '' "$MNT.subdir"
  same_install "$ORACLE/root" "$MNT"
  same_install "$ORACLE/root" "$MNT.subdir"
}

@test "dist: the same of a local directory and without a cache" {
  mount_run "$RUNS/root" "$MNT" view=dist,no-cache,include=part1
  same_install "$(unpacked root --take part1)" "$MNT"
}

@test "dist: of the artifacts that are chosen" {
  mount_view dist root 'target=gfx942,exclude=_dbg_'
  [ "$(cat "$MNT/lib/kernels.bin")" = gfx942:xnack+ ]
  same_install "$(unpacked root --target gfx942 --take '^((?!_dbg_).)*$')" "$MNT"
}

@test "dist: of twins the zst is taken, the xz where only that is chosen" {
  mount_view dist root 'include=^twin'
  [ "$(cat "$MNT/share/which")" = zst ]
  [ ! -e "$MNT/share/only-xz" ]
  mount_view dist root 'include=^twin.*xz$' "$MNT.xz"
  [ "$(cat "$MNT.xz/share/which")" = xz ]
}

@test "dist: a program of the run runs with the library of the run" {
  mount_view dist subdir 'include=^greet'
  [ "$(LD_LIBRARY_PATH=$MNT/lib PATH=$MNT/bin:$PATH greet)" = 'hello from a run' ]
  [ "$(runfs cat "$RUNS/root" bin/greet -o view=dist | sha256sum)" = "$(sha256sum <"$ORACLE/root/bin/greet")" ]
}

@test "dist: ls --check tells every overlap" {
  run --separate-stderr runfs ls --check "s3://views/overlaps" -o "$(anonymous "$NGINX"),view=dist"
  [ "$status" -eq 0 ]
  python3 - >expected <<'PYTHON'
import hashlib
for i in range(99):
    path = f"lib/file{i:02}"
    contents = [f"{name} {i}".encode() for name in "ab"]
    old, new = [f"sha256:{hashlib.sha256(c).hexdigest()}:{len(c)}:f" for c in contents]
    print(f"{path}: overlap: a_lib_generic.tar.xz s/{path} [{old}] replaced by b_lib_generic.tar.xz s/{path} [{new}]")
PYTHON
  echo '0 conflicts, 99 overlaps' >>expected
  diff expected - <<<"$output"
}

@test "dist: what cannot be placed is told of and cannot be opened, everything else is there" {
  local path
  mount_view dist hostile
  (cd "$MNT" && find . -type f -empty | sed 's,^./,,' | LC_ALL=C sort) >problems
  printf '%s\n' device dir elsewhere/stray hard pipe plain | diff - problems
  while read -r path; do
    run cat "$MNT/$path"
    [ "$status" -ne 0 ]
    [[ $output == *'Input/output error' ]]
    xattr error "$MNT/$path" | grep "^$path: "
  done <problems
  [ "$(xattr error "$MNT/pipe")" = 'pipe: c_lib_generic.tar.zst s/pipe [-:0:f]: a fifo cannot be flattened' ]
  [ "$(xattr error "$MNT/hard")" = 'hard: c_lib_generic.tar.zst s/hard [-:0:f]: a hard link to what is not there' ]
  cp -r --no-dereference "$(unpacked hostile)" expected
  (cd expected && rm -r dir plain)
  diff -r --no-dereference -x device -x dir -x elsewhere -x hard -x pipe -x plain expected "$MNT"
  (cd "$MNT" && for path in $(<"$BATS_TEST_TMPDIR/problems"); do xattr error "$path" && echo; done) >reasons
  runfs umount "$MNT"
  run --separate-stderr runfs mount s3://views/hostile "$MNT" -o "$(anonymous "$NGINX"),view=dist"
  [ "$status" -eq 1 ]
  diff <(sed 's/^/runfs: /' reasons) - <<<"$stderr"
  [ -z "$(mounts_below "$MNT")" ]
}

@test "dist: of many archives a mount is there at once, and a second one asks for nothing" {
  : >"$LOG"
  mount_view dist many
  [ "$(grep -vc 'list-type=2' "$LOG")" -eq 0 ]
  same_install "$(unpacked many)" "$MNT"
  runfs umount "$MNT"
  : >"$LOG"
  mount_view dist many
  installed "$MNT" >"$BATS_TEST_TMPDIR/second"
  diff <(installed "$BATS_TEST_TMPDIR/unpacked") "$BATS_TEST_TMPDIR/second"
  [ ! -s "$LOG" ]
}

# pack FILE [NAME CONTENT]...: an archive of these members.
pack() {
  local file=$PWD/$1
  mkdir members
  shift
  while [ $# -gt 0 ]; do
    mkdir -p "members/$(dirname "$1")"
    printf '%s\n' "$2" >"members/$1"
    printf '%s\n' "$1" >>order
    shift 2
  done
  tar -C members -cJf "$file" -T order
  rm -r members order
}

@test "dist: an archive that is damaged, or whose manifest is missing or bad, fails what is composed of it, saying why" {
  local bad
  mkdir run
  pack run/a_lib_generic.tar.xz artifact_manifest.txt s s/fine fine
  pack run/b_lib_generic.tar.xz s/one two
  pack run/c_lib_generic.tar.xz artifact_manifest.txt ../s s/one two
  head -c 100 run/a_lib_generic.tar.xz >run/d_lib_generic.tar.xz
  for bad in 'b has no manifest' "c artifact_manifest.txt:1: '../s': has a '..'" 'd xz: the data ends at byte 100, before its end'; do
    run --separate-stderr runfs ls ./run -o "view=dist,include=^[a${bad%% *}]"
    one_error 1 "${bad%% *}_lib_generic.tar.xz: ${bad#* }"
    mount_run ./run "$MNT" "view=dist,include=^[a${bad%% *}]"
    run ls "$MNT"
    [[ $status -ne 0 && $output == *'Input/output error' ]]
    xattr error "$MNT" | grep -qF "${bad#* }"
    runfs umount "$MNT"
  done
  [ "$(runfs ls ./run -o 'view=dist,include=^a')" = fine ]
}
