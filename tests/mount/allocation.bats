# Allocations that fail: an error that passes, never an archive that shows less than it holds.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(archive_bucket)
  export DATA ARCHIVES=$DATA/archives/good
  export SHIM=$BATS_FILE_TMPDIR/fail-malloc.so FAIL_MALLOC_SIZE=60000
  "${CC:-cc}" -shared -fPIC -O1 -o "$SHIM" "$TESTS/mount/fail-malloc.c"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# with_failure N COMMAND...: COMMAND, whose Nth large allocation fails.
with_failure() { LD_PRELOAD=$SHIM FAIL_MALLOC_NTH=$1 timeout -k 5 60 "${@:2}" 3>&- 4>&-; }

# one_archive NAME: a run in $BATS_TEST_TMPDIR/run that holds this archive alone, and its listing in whole.
one_archive() {
  mkdir -p "$BATS_TEST_TMPDIR/run"
  cp "$ARCHIVES/$1" "$BATS_TEST_TMPDIR/run/"
  SHOWN=${1%.tar*}
  runfs ls -R "$BATS_TEST_TMPDIR/run" "$SHOWN" -o archives,no-cache >"$BATS_TEST_TMPDIR/whole"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/whole")" -gt 5 ]
}

# The listing is whole or an error, wherever an allocation fails.
whole_or_error() {
  local n failed=0
  one_archive "$1"
  for n in $(seq 1 20); do
    if with_failure "$n" "$RUNFS" ls -R "$BATS_TEST_TMPDIR/run" "$SHOWN" -o archives,no-cache \
      >"$BATS_TEST_TMPDIR/listed" 2>"$BATS_TEST_TMPDIR/errors"; then
      cmp "$BATS_TEST_TMPDIR/whole" "$BATS_TEST_TMPDIR/listed" || fail "allocation $n"
    else
      failed=$((failed + 1))
      [ -s "$BATS_TEST_TMPDIR/errors" ] || fail "no message where allocation $n fails"
    fi
  done
  [ "$failed" -ge 1 ]
}

@test "xz: whatever allocation fails, the listing is whole or an error" { whole_or_error blocks_lib_generic.tar.xz; }
@test "zstd: whatever allocation fails, the listing is whole or an error" { whole_or_error frame_lib_generic.tar.zst; }

@test "on a mount an archive shows whole once there is memory again" {
  local n failed=0 driver
  one_archive frame_lib_generic.tar.zst
  mkdir "$BATS_TEST_TMPDIR/mnt"
  for n in 12 13 14 15; do # those behind are of the FUSE session
    with_failure "$n" "$RUNFS" mount -f "$BATS_TEST_TMPDIR/run" "$BATS_TEST_TMPDIR/mnt" -o archives,no-cache &
    driver=$!
    wait_until 20 mountpoint -q "$BATS_TEST_TMPDIR/mnt"
    ls -R "$BATS_TEST_TMPDIR/mnt/$SHOWN" >/dev/null 2>&1 || failed=$((failed + 1))
    wait_until 20 ls -R "$BATS_TEST_TMPDIR/mnt/$SHOWN"
    [ "$(find "$BATS_TEST_TMPDIR/mnt/$SHOWN" -mindepth 1 -printf '%P\n' | wc -l)" = "$(wc -l <"$BATS_TEST_TMPDIR/whole")" ]
    runfs umount "$BATS_TEST_TMPDIR/mnt"
    wait "$driver"
  done
  [ "$failed" -ge 1 ]
}

@test "what a cache holds stays where a walk through it has no memory" {
  local n cache=$BATS_TEST_TMPDIR/cache map refused=0
  one_archive frame_lib_generic.tar.zst
  runfs ls -R "$BATS_TEST_TMPDIR/run" "$SHOWN" -o "archives,cache=$cache" >/dev/null
  map=$(find "$cache/objects" -name '*.map')
  FAIL_MALLOC_SIZE=$(stat -c %s "$map") # it is read whole
  for n in $(seq 1 30); do
    with_failure "$n" "$RUNFS" cache prune -o "cache=$cache" >/dev/null 2>&1 || refused=$((refused + 1))
    [ -e "$map" ] || fail "allocation $n"
  done
  [ "$refused" -ge 1 ]
}
