# A server that fails or lies: every read gives the right bytes or an I/O error, never other bytes, never an early end.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
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

# Three files under a lie: one of many blocks, a log and a small page.
LIED=(amd-llvm_lib_generic.tar.xz "logs/$GROUP/sub001_build.log" manifests/index.html)

# lies FAULT: while every answer for LIED has that fault, each reads right or fails; prints right-or-error's two lines.
lies() {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=3"
  faults '{"match":"amd-llvm_lib|sub001_build|manifests/index","'"$1"'":1}'
  run "$TESTS/mount/right-or-error" "$ORIGINAL" "$MNT" "${LIED[@]}"
  echo "$output"
  [ "$status" -eq 0 ] || return
  hits 1 || fail 'the fault was never met'
}

# always_refused FAULT: the lie can be seen, but no right answer can be had.
always_refused() {
  lies "$1"
  [[ $output == $'right 0\nerrors 3' ]] || fail "an answer with $1 was taken for right"
  # Once the server is honest again, so is the file.
  faults '[]'
  wait_until 30 cmp -s "$ORIGINAL/${LIED[0]}" "$MNT/${LIED[0]}"
}

@test "503 SlowDown for ever" { always_refused p503; }
@test "500 for ever" { always_refused p500; }
@test "connections closed without an answer" { always_refused preset; }
@test "bodies that end half-way" { always_refused ptrunc; }
@test "ranges seven bytes off, honestly labelled" { always_refused pshift; }
@test "a Content-Range with wrong positions" { always_refused prange; }
@test "a Content-Range with a wrong total" { always_refused ptotal; }
@test "garbage with status 200" { always_refused pgarbage; }

@test "answers for half of the range asked for" { lies pshort; }
@test "answers for more than the range asked for" { lies plong; }
@test "the whole object with status 200 instead of a range" { lies p200; }

@test "refused objects are EACCES, the others go on" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=3"
  faults '{"match":"manifests/index","p403":1}'
  run cat "$MNT/manifests/index.html"
  [[ $output == *'Permission denied'* ]]
  cmp "$ORIGINAL/index.html" "$MNT/index.html"
}

@test "a fault that passes is not seen at all" {
  local fault
  for fault in p503 p500 preset ptrunc; do
    mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=20,no-cache"
    faults '{"match":"sub001_build","first":2,"'$fault'":1}'
    cmp "$ORIGINAL/${LIED[1]}" "$MNT/${LIED[1]}" || fail "seen: $fault"
    hits 2 || fail "the fault was never met: $fault"
    faults '[]'
    unmount_below "$MNT"
  done
}

@test "all faults in turn, over every file, by many readers" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=5"
  faults '{"p503":0.05,"p500":0.05,"preset":0.05,"ptrunc":0.05,"pshort":0.05,"plong":0.05,"pshift":0.05,"prange":0.05,
    "ptotal":0.05,"p200":0.05,"jitter_ms":20}'
  "$TESTS/mount/right-or-error" "$ORIGINAL" "$MNT"
}

@test "RGW that takes four requests at once and answers 503 SlowDown to the rest" {
  local rgw=$BATS_FILE_TMPDIR/rgw
  MAXREQ=4 "$SERVERS/rgw-start" "$rgw"
  fill -p -j 2 "$rgw" "$BUCKET" "$DATA/$BUCKET"
  mount_run "$SOURCE" "$MNT" "$(anonymous "http://127.0.0.1:$(cat "$rgw/port")")"
  "$TESTS/mount/right-or-error" "$ORIGINAL" "$MNT" >"$BATS_TEST_TMPDIR/verdict"
  grep -qx 'errors 0' "$BATS_TEST_TMPDIR/verdict"
}

@test "a server that takes three requests at once is asked less, and everything is copied" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY")"
  faults '{"match":"log$","most":3,"delay_ms":20}'
  cp -r "$MNT/logs" "$BATS_TEST_TMPDIR/copy"
  same_tree "$ORIGINAL/logs" "$BATS_TEST_TMPDIR/copy"
  [ "$(head -n 20 "$NGINX_DIR/at-once" | sort -n | tail -n 1)" -gt 5 ] || fail 'the server was never asked for too much'
  [ "$(tail -n 20 "$NGINX_DIR/at-once" | sort -n | tail -n 1)" -le 5 ] || fail 'the server is asked for as much as ever'
}

# listing_refused FAULT [PATTERN]: a first listing with that fault mounts nothing, in bounded time.
listing_refused() {
  mkdir "$MNT"
  faults '{"match":"list-type=2","'"$1"'":1}'
  mount_refused "${2:-$BUCKET}" "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=3"
}

@test "a listing that is no XML is refused" { listing_refused pgarbage; }
@test "a listing that ends half-way is refused" { listing_refused pxmlcut; }
@test "a listing whose body ends half-way is refused" { listing_refused ptrunc; }
@test "a listing with a DTD and entities is refused" { listing_refused pdoctype; }
@test "a listing that gives the same token for ever is refused" { listing_refused pstuck; }
@test "a listing that gives the same keys for ever is refused" { listing_refused pspin; }
@test "a listing that fails for ever is refused with the server's code" { listing_refused p503 SlowDown; }
@test "a listing that never comes is refused" { listing_refused phang; }
@test "a listing that is forbidden is refused with the server's code" { listing_refused p403 AccessDenied; }

@test "a listing that fails twice is asked for again" {
  faults '{"match":"list-type=2","first":2,"p503":1}'
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY")"
  hits 2
  same_tree "$ORIGINAL" "$MNT"
}

@test "a broken listing later never makes the tree look empty or half" {
  local fault
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),refresh=1,timeout=3"
  for fault in pgarbage pxmlcut p503 pstuck; do
    faults '{"match":"list-type=2","'$fault'":1}'
    wait_until 30 asked_again
    if ls -R "$MNT" >"$BATS_TEST_TMPDIR/listing" 2>/dev/null; then
      [ "$(grep -c . "$BATS_TEST_TMPDIR/listing")" -ge "$(find "$ORIGINAL" -type f | wc -l)" ] || fail "half a tree after $fault"
    fi
  done
  faults '[]'
  wait_until 30 ls "$MNT" >/dev/null
  same_tree "$ORIGINAL" "$MNT"
}

# asked_again: a look at the tree has made the driver ask for a listing since the last `faults`.
asked_again() {
  timeout 30 ls -R "$MNT" >/dev/null 2>&1 || true
  hits 1
}
