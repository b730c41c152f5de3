# The disk cache in trouble: damaged, full, read-only, broken, taken away, left by killed drivers and held by stopped ones.
# Whatever it is, reads give the original bytes and go on, and the log says it once.
# shellcheck disable=SC2030,SC2031,SC2154

load lib
load cache

setup_file() {
  DATA=$(full_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  SMALL=$(small_run)/$BUCKET/$RUN
  mkdir -p "$BATS_FILE_TMPDIR/data/small"
  ln -s "$DATA/$BUCKET" "$BATS_FILE_TMPDIR/data/$BUCKET"
  ln -s "$SMALL" "$BATS_FILE_TMPDIR/data/small/$RUN"
  export SMALL SMALL_SOURCE=s3://small/$RUN
  start_nginx "$BATS_FILE_TMPDIR/data"
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  CACHE=$BATS_TEST_TMPDIR/cache
  LOG=$BATS_TEST_TMPDIR/log
  LOGS=logs/$GROUP
}

teardown() {
  [ -z "${HOLDER:-}" ] || kill "$HOLDER" 2>/dev/null || true
  [ -z "${STOPPED:-}" ] || kill -CONT "$STOPPED" 2>/dev/null || true
  unmount_below "$BATS_TEST_TMPDIR"
  rm -rf "$CACHE"
}

# kill_driver: as kill -9 does, at any moment.
kill_driver() {
  kill -KILL "$(drivers_of "$MNT")"
  umount -l "$MNT"
}

@test "drivers killed in the midst of 100 rounds of reads leave a cache that reads right" {
  SOURCE=$SMALL_SOURCE
  for round in {1..100}; do
    mount_cached "$MNT" refresh=3600,cache-size=16M
    (find "$MNT" -type f -print0 | shuf -z --random-source=<(yes "$round") | xargs -0 -P 4 -n 10 cat >/dev/null 2>&1) 3>&- &
    sleep "0.0$((round * 7 % 10))$((round % 10))"
    kill_driver
    wait $! || true
  done
  mount_cached "$MNT" refresh=3600
  same_tree "$SMALL" "$MNT"
}

@test "a cache that was damaged while nobody used it reads right" {
  SOURCE=$SMALL_SOURCE
  for round in {1..16}; do
    mount_cached "$MNT" refresh=3600
    same_tree "$SMALL" "$MNT"
    runfs umount "$MNT"
    "$TESTS/mount/damage" "$CACHE" 10 "$round" >/dev/null
  done
  mount_cached "$MNT" refresh=3600
  same_tree "$SMALL" "$MNT"
}

@test "a cache that is being damaged while it is used reads right" {
  local name=blas_lib_$GROUP.tar.zst
  mount_cached "$MNT"
  cmp "$ORIGINAL/$name" "$MNT/$name"
  "$TESTS/mount/reread" "$ORIGINAL/$name" "$MNT/$name" "$CACHE" 40 1
}

@test "a cache that is removed while it is used is done without" {
  mount_cached "$MNT"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  cmp --bytes=60000000 "$ORIGINAL/blas_lib_$GROUP.tar.zst" "$MNT/blas_lib_$GROUP.tar.zst"
  wait_until 20 rm -rf "$CACHE" # the driver may be making a file in it
  cmp "$ORIGINAL/blas_lib_$GROUP.tar.zst" "$MNT/blas_lib_$GROUP.tar.zst"
  same_tree "$ORIGINAL/manifests" "$MNT/manifests"
}

@test "a full disk is said once, and everything reads right" {
  mkdir -m 700 "$CACHE"
  mount -t tmpfs -o size=32m,mode=700 none "$CACHE"
  mount_cached "$MNT" "cache-size=1G,cache-min-free=0,log=$LOG"
  "$TESTS/mount/right-or-error" "$ORIGINAL" "$MNT" >"$BATS_TEST_TMPDIR/verdict"
  grep -qx 'errors 0' "$BATS_TEST_TMPDIR/verdict"
  [ "$(warnings "$LOG")" -le 1 ] || fail "$(cat "$LOG")"
  unmount_below "$BATS_TEST_TMPDIR"
}

@test "a disk with no room at all is said once" {
  mkdir -m 700 "$CACHE"
  mount -t tmpfs -o size=64k,mode=700 none "$CACHE"
  mount_cached "$MNT" "cache-size=1G,cache-min-free=0,log=$LOG"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  [ "$(warnings "$LOG")" -eq 1 ] || fail "$(cat "$LOG")"
  unmount_below "$BATS_TEST_TMPDIR"
}

@test "a read-only cache gives what it has, takes nothing and says so once" {
  local before
  mount_cached "$MNT" refresh=3600
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  runfs umount "$MNT"
  before=$(cd "$CACHE" && find . -type f -printf '%p %s %T@\n' | sort)
  mount --bind "$CACHE" "$CACHE"
  mount -o remount,bind,ro "$CACHE"
  mark
  mount_cached "$MNT" "refresh=3600,log=$LOG"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  [ "$(listings)" -eq 0 ]
  [ "$(objects)" -eq 0 ]
  cmp "$ORIGINAL/fft_lib_$GROUP.tar.xz" "$MNT/fft_lib_$GROUP.tar.xz"
  runfs umount "$MNT"
  [ "$(warnings "$LOG")" -eq 1 ] || fail "$(cat "$LOG")"
  umount "$CACHE"
  [ "$(cd "$CACHE" && find . -type f -printf '%p %s %T@\n' | sort)" = "$before" ]
}

# goes_on_without PATTERN: a mount with that cache reads right, keeps nothing and says why in one line.
goes_on_without() {
  rm -f "$LOG"
  mount_cached "$MNT" "log=$LOG"
  same_tree "$ORIGINAL/manifests" "$MNT/manifests"
  runfs umount "$MNT"
  [ "$(warnings "$LOG")" -eq 1 ] || fail "$(cat "$LOG")" || return
  grep -qE "$1" "$LOG" || fail "$(cat "$LOG")"
}

@test "while another process holds the count everything reads right, and is kept after that" {
  SOURCE=$SMALL_SOURCE
  mount_cached "$MNT" refresh=3600,cache-size=16M
  python3 -c 'import fcntl, sys, time
fcntl.lockf(open(sys.argv[1], "r+"), fcntl.LOCK_EX)
print(flush=True)
time.sleep(600)' "$CACHE/space" >"$BATS_TEST_TMPDIR/holds" 3>&- &
  HOLDER=$!
  wait_until 10 test -s "$BATS_TEST_TMPDIR/holds"
  same_tree "$SMALL" "$MNT"
  kill "$HOLDER"
  wait "$HOLDER" || true
  runfs umount "$MNT"
  mount_cached "$MNT" refresh=3600
  same_tree "$SMALL" "$MNT"
  runfs umount "$MNT"
  mark
  mount_cached "$MNT" refresh=3600
  same_tree "$SMALL" "$MNT"
  [ "$(objects)" -eq 0 ]
}

@test "a cache that is not safe to use is not used" {
  mkdir "$BATS_TEST_TMPDIR/target"
  printf 'not a directory' >"$CACHE"
  goes_on_without 'not a directory'
  rm "$CACHE"
  ln -s "$BATS_TEST_TMPDIR/target" "$CACHE"
  goes_on_without 'symbolic link'
  rm "$CACHE"
  mkdir "$CACHE"
  chown nobody "$CACHE"
  goes_on_without 'must be yours'
  chown root "$CACHE"
  chmod 777 "$CACHE"
  goes_on_without 'nobody else may write'
  [ -z "$(find "$BATS_TEST_TMPDIR/target" "$CACHE" -mindepth 1)" ]
}

@test "a stopped driver that holds claims does not stop another one for long" {
  local name=blas_lib_$GROUP.tar.zst
  faults '{"match":"'"$name"'","rate":"200k"}'
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),cache=$CACHE,refresh=3600"
  timeout 60 cat "$MNT/$name" >/dev/null 3>&- &
  local reader=$!
  wait_until 20 hits 8
  STOPPED=$(drivers_of "$MNT")
  kill -STOP "$STOPPED"
  faults '[]'
  mount_run "$SOURCE" "$MNT-2" "$(anonymous "$FAULTY"),cache=$CACHE,refresh=3600"
  timeout 40 cmp "$ORIGINAL/$name" "$MNT-2/$name"
  kill -CONT "$STOPPED"
  kill $reader || true
}
