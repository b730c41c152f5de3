# Objects replaced or deleted while they are read: an open file goes on with its old bytes or fails with ESTALE or EIO;
# old and new are never mixed, and the next listing shows the new one.
# shellcheck disable=SC2030,SC2031,SC2154

load lib

setup_file() {
  local data=$BATS_FILE_TMPDIR/data
  mkdir -p "$data"/{old,new}/run
  python3 - "$data" <<'PYTHON'
import os, random, sys
for bucket in ("old", "new"):
    path = f"{sys.argv[1]}/{bucket}/run/object"
    with open(path, "wb") as file:
        file.write(random.Random(bucket).randbytes(24000000))
    os.utime(path, (1700000000, 1700000000 + (bucket == "new")))
PYTHON
  export OLD=$data/old/run/object NEW=$data/new/run/object
  start_nginx "$data"
  start_rgw
  fill -p "$RGW_DIR" old "$data/old"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  MNT=$BATS_TEST_TMPDIR/mnt
}

teardown() {
  faults '[]'
  unmount_below "$BATS_TEST_TMPDIR"
}

# swap JSON: what read-while-replaced runs to make the fault proxy serve the other bucket's object.
swap() { printf 'echo %q >%q' "$1" "$NGINX_DIR/fault.json"; }

@test "the object is replaced under an open file, and the server honours If-Match" {
  mount_run s3://old/run "$MNT" "$(anonymous "$FAULTY")"
  "$TESTS/mount/read-while-replaced" "$OLD" "$MNT/object" sh -c "$(swap '{"match":"object","swap":"new"}')"
}

@test "the same where the server ignores If-Match and sends the new bytes" {
  mount_run s3://old/run "$MNT" "$(anonymous "$FAULTY")"
  "$TESTS/mount/read-while-replaced" "$OLD" "$MNT/object" sh -c "$(swap '{"match":"object","swap":"new","if_match":false}')"
}

@test "the same where the object has vanished" {
  mount_run s3://old/run "$MNT" "$(anonymous "$FAULTY")"
  "$TESTS/mount/read-while-replaced" "$OLD" "$MNT/object" sh -c "$(swap '{"match":"object","swap":"nowhere"}')"
}

@test "on RGW: the old file fails, a new open after the listing has the new bytes and size" {
  local place
  for place in longer shorter equal; do
    s3 -T "$OLD" /old/run/object
    case $place in
      longer) cat "$NEW" "$NEW" ;;
      shorter) head -c 3000000 "$NEW" ;;
      equal) cat "$NEW" ;;
    esac >"$BATS_TEST_TMPDIR/new"
    mount_run s3://old/run "$MNT" "$(anonymous "$RGW"),refresh=1,cache=$BATS_TEST_TMPDIR/cache-$place"
    "$TESTS/mount/read-while-replaced" "$OLD" "$MNT/object" "$SERVERS/s3-curl" "$RGW_DIR" -T "$BATS_TEST_TMPDIR/new" /old/run/object
    wait_until 30 cmp -s "$BATS_TEST_TMPDIR/new" "$MNT/object"
    [ "$(stat -c %s "$MNT/object")" -eq "$(stat -c %s "$BATS_TEST_TMPDIR/new")" ]
    unmount_below "$MNT"
  done
}

@test "a reader that stays while the object is replaced again and again sees whole versions only" {
  mount_run s3://old/run "$MNT" "$(anonymous "$RGW"),refresh=1"
  for size in 300000 600000 900000; do head -c $size "$NEW" >"$BATS_TEST_TMPDIR/v$size"; done
  s3 -T "$BATS_TEST_TMPDIR/v300000" /old/run/turning
  wait_until 30 test -e "$MNT/turning"
  (for _ in 1 2 3; do for size in 600000 900000 300000; do
    s3 -T "$BATS_TEST_TMPDIR/v$size" /old/run/turning
    sleep 0.4
  done; done) 3>&- &
  local writer=$! whole=0
  while kill -0 $writer 2>/dev/null; do
    if cat "$MNT/turning" >"$BATS_TEST_TMPDIR/got" 2>/dev/null; then
      cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/v$(stat -c %s "$BATS_TEST_TMPDIR/got")"
      whole=$((whole + 1))
    fi
  done
  wait $writer
  [ "$whole" -ge 1 ]
}
