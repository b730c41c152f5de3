# A silent or stalled server: reads that hang end with EIO by `timeout`, and meanwhile nobody else waits for them.
# That something ended while a read was still hanging is a fact the test can see; nothing here is measured.
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

# read_hanging FILE...: starts a reader of each FILE; their process ids go to HANGING, what they say to hung.*.
read_hanging() {
  local file
  HANGING=()
  for file in "$@"; do
    cat "$file" >/dev/null 2>"$BATS_TEST_TMPDIR/hung.${#HANGING[@]}" &
    HANGING+=($!)
  done
}

still_hanging() {
  local pid
  for pid in "${HANGING[@]}"; do kill -0 "$pid" || fail 'a read that should hang has ended'; done
}

ended_with_eio() {
  local pid
  for pid in "${HANGING[@]}"; do
    if wait "$pid"; then fail 'a read that should hang succeeded'; fi
  done
  for pid in "${!HANGING[@]}"; do grep -q 'Input/output error' "$BATS_TEST_TMPDIR/hung.$pid"; done
}

@test "while one read hangs, ls and other reads are answered; it ends with EIO" {
  local start
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=10"
  faults '{"match":"blas_lib.*zst$","phang":1}'
  start=$SECONDS
  read_hanging "$MNT"/blas_lib_*.zst
  wait_until 30 hits 1
  ls -lR "$MNT" >/dev/null
  diff -r "$ORIGINAL/logs" "$MNT/logs"
  still_hanging
  ended_with_eio
  # The kernel asks again for what its read-ahead did not get: that must fail at once, not after a second timeout.
  [ $((SECONDS - start)) -lt 19 ] || fail "the read hung for $((SECONDS - start)) s where timeout is 10"
}

@test "twenty hanging reads hold up neither ls nor another read" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=8"
  faults '{"match":"/sub0.*log$","phang":1}'
  mapfile -t files < <(find "$MNT/logs/$GROUP" -name 'sub0*.log' | head -n 20)
  read_hanging "${files[@]}"
  wait_until 30 hits 20
  ls -lR "$MNT" >/dev/null
  cmp "$ORIGINAL/index.html" "$MNT/index.html"
  still_hanging
  ended_with_eio
}

@test "more readers of one hanging object than there are workers hold up nobody" {
  local file=$MNT/logs/$GROUP/sub001_build.log
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=8"
  faults '{"match":"sub001_build.log$","phang":1}'
  mapfile -t files < <(yes "$file" | head -n 60)
  read_hanging "${files[@]}"
  wait_until 30 hits 1
  ls -lR "$MNT" >/dev/null
  cmp "$ORIGINAL/index.html" "$MNT/index.html"
  still_hanging
  ended_with_eio
}

@test "a body that never comes after its headers ends with EIO too" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=4"
  faults '{"match":"blas_lib.*zst$","pstall":1}'
  read_hanging "$MNT"/blas_lib_*.zst
  ended_with_eio
}

@test "a body of a byte a second is given up" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=4"
  faults '{"match":"blas_lib.*zst$","ptrickle":1}'
  read_hanging "$MNT"/blas_lib_*.zst
  ended_with_eio
}

@test "the same file reads right once the server speaks again" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=3"
  faults '{"match":"/index.html$","phang":1}'
  read_hanging "$MNT/index.html"
  ended_with_eio
  faults '[]'
  wait_until 30 cmp -s "$ORIGINAL/index.html" "$MNT/index.html"
}

@test "a slow but steady server is no failure, however long it takes" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=2"
  faults '{"match":"prim_lib.*zst$","rate":"20k"}'
  cmp "$ORIGINAL/prim_lib_generic.tar.zst" "$MNT/prim_lib_generic.tar.zst"
}

@test "a killed reader does not wait for the server" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=60"
  faults '{"match":"/index.html$","phang":1}'
  read_hanging "$MNT/index.html"
  wait_until 30 hits 1
  kill -KILL "${HANGING[0]}"
  wait "${HANGING[0]}" || [ $? -eq 137 ]
}

@test "a killed ls does not wait for a listing" {
  local pid name pids=()
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=600,refresh=0"
  faults '{"match":"list-type","phang":1}'
  for name in logs manifests index.html; do # the kernel itself has lookups of one name wait for each other
    stat "$MNT/$name" >/dev/null 2>&1 &
    pids+=($!)
  done
  wait_until 30 hits 1
  for pid in "${pids[@]}"; do
    kill -KILL "$pid"
    wait "$pid" || [ $? -eq 137 ]
  done
}

@test "umount does not wait for a hanging read that was killed" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=60"
  faults '{"match":"/index.html$","phang":1}'
  read_hanging "$MNT/index.html"
  wait_until 30 hits 1
  kill -KILL "${HANGING[0]}"
  wait "${HANGING[0]}" || true
  runfs umount "$MNT"
  [ -z "$(mounts_below "$MNT")" ]
  wait_until 30 no_driver "$MNT"
}

has_open_files() { [ "$(runfs status --json "$MNT" | jq .open_files)" -ge "$1" ]; }

@test "64 readers that wait hold up nothing else, nor the end of the driver" {
  local pid
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=600"
  mapfile -t files < <(find "$MNT" -type f -size +0 ! -name index.html | head -n 64)
  cmp "$ORIGINAL/index.html" "$MNT/index.html"
  faults '{"match":"linux/","phang":1}'
  read_hanging "${files[@]}"
  wait_until 30 has_open_files 64
  wait_until 30 hits 20
  stat "$MNT/logs/index.html" "${files[0]}" >/dev/null
  ls -lR "$MNT" >/dev/null
  stat -f "$MNT" >/dev/null
  getfattr --absolute-names -d "$MNT/index.html" | grep -q user.runfs.s3_uri
  cmp "$ORIGINAL/index.html" "$MNT/index.html"
  runfs status "$MNT" >/dev/null
  still_hanging
  pid=$(getfattr --absolute-names --only-values -n user.runfs.pid "$MNT")
  kill "$pid"
  wait_until 30 no_driver "$MNT"
  [ -z "$(mounts_below "$MNT")" ]
  for pid in "${HANGING[@]}"; do
    if wait "$pid"; then fail 'a read that should hang succeeded'; fi
  done
}
