# What becomes of a mount whose driver has ended, by its own will or by force.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(small_run)
  export ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  mkdir "$MNT"
}

teardown() {
  [ -z "${HOLDER:-}" ] || kill "$HOLDER" 2>/dev/null || true
  unmount_below "$BATS_TEST_TMPDIR"
}

kill_driver() {
  kill -KILL "$(drivers_of "$MNT")"
  wait_until 30 no_driver "$MNT"
  mounts_below "$MNT" | grep -q .
}

# hold FILE: a process, HOLDER, that keeps FILE open.
hold() {
  python3 -c 'import sys, time; held = open(sys.argv[1]); print("open", flush=True); time.sleep(300)' "$1" >"$BATS_TEST_TMPDIR/held" 3>&- &
  HOLDER=$!
  wait_until 30 test -s "$BATS_TEST_TMPDIR/held"
}

@test "a killed driver leaves no endless hang" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  kill_driver
  run timeout 60 ls "$MNT"
  [ "$status" -eq 2 ]
  [[ $output == *'Transport endpoint is not connected'* ]]
}

@test "umount clears a dead mount" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  kill_driver
  runfs umount "$MNT"
  [ -z "$(mounts_below "$MNT")" ]
}

@test "umount clears a dead mount somebody stands in" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  hold "$MNT/index.html"
  kill_driver
  runfs umount "$MNT"
  [ -z "$(mounts_below "$MNT")" ]
  kill "$HOLDER"
}

@test "the next mount clears a dead mount" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  kill_driver
  mount_run "$ORIGINAL" "$MNT"
  [ "$(mounts_below "$MNT" | wc -l)" -eq 1 ]
  same_tree "$ORIGINAL" "$MNT"
}

@test "a refused mount in the place of a dead one says why it was refused" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  kill_driver
  run --separate-stderr runfs mount /no-such-dir "$MNT"
  one_error 1 no-such-dir
}

@test "umount waits for the driver to end" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  runfs umount "$MNT"
  no_driver "$MNT"
}

@test "umount of a mount in use is refused, and it goes on working" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  hold "$MNT/index.html"
  run --separate-stderr runfs umount "$MNT"
  kill "$HOLDER"
  one_error 1 busy
  cmp "$ORIGINAL/index.html" "$MNT/index.html"
}

@test "umount(8) and fusermount3 end the driver too" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  umount "$MNT"
  wait_until 30 no_driver "$MNT"
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  fusermount3 -u "$MNT"
  wait_until 30 no_driver "$MNT"
}

@test "SIGTERM and SIGINT unmount" {
  local signal
  for signal in TERM INT; do
    mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
    kill "-$signal" "$(drivers_of "$MNT")"
    wait_until 30 no_driver "$MNT"
    [ -z "$(mounts_below "$MNT")" ]
  done
}

@test "in the foreground it logs to stderr and ends with exit 0 when unmounted" {
  "$RUNFS" mount -f "$SOURCE" "$MNT" -o "$(anonymous "$NGINX")" 2>"$BATS_TEST_TMPDIR/log" 3>&- 4>&- &
  local driver=$!
  wait_until 30 mountpoint -q "$MNT"
  wait_until 30 cmp -s "$ORIGINAL/index.html" "$MNT/index.html"
  kill -0 $driver
  runfs umount "$MNT"
  wait $driver
}

@test "in the foreground a refusal is one line and exit 1 as well" {
  run --separate-stderr runfs mount -f /no-such-dir "$MNT"
  one_error 1 no-such-dir
  [ -z "$(mounts_below "$MNT")" ]
}

@test "two mounts of one run live side by side" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/other" "$(anonymous "$NGINX")"
  runfs umount "$MNT"
  same_tree "$ORIGINAL" "$BATS_TEST_TMPDIR/other"
}

@test "the driver stands in / and has let go of the terminal" {
  local driver
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  driver=$(drivers_of "$MNT")
  [ "$(readlink "/proc/$driver/cwd")" = / ]
  for descriptor in 0 1 2; do [ "$(readlink "/proc/$driver/fd/$descriptor")" = /dev/null ]; done
}
