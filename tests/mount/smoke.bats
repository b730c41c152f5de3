# The short selection, for every build and above all those with sanitizers: a small run from a directory, from nginx and
# from RGW with signatures over TLS, read by many threads, with failures and a hanging server.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is its own process; bats sets output and stderr

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
  start_rgw
  fill "$RGW_DIR" "$BUCKET" "$DATA/$BUCKET"
  mount_run "$SOURCE" "$BATS_FILE_TMPDIR/mnt" "$(anonymous "$NGINX")"
  export MNT=$BATS_FILE_TMPDIR/mnt
}

teardown_file() { end_everything; }
setup() { faults '[]'; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

@test "a directory and its mount are the same" {
  mount_run "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt"
  same_tree "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt"
}

@test "an anonymous bucket and its mount are the same" {
  same_tree "$ORIGINAL" "$MNT"
}

@test "a private bucket, signed and over TLS, and its mount are the same" {
  credentials
  export AWS_CA_BUNDLE=$RGW_DIR/cert.pem
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(at "$RGW_TLS")"
  same_tree "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt"
}

@test "random ranges read by 16 threads are those of the originals" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  "$TESTS/mount/random-reads" "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt" 20 16 30
}

@test "64 readers at once get the right bytes" {
  local archive reader readers=()
  archive=$(cd "$ORIGINAL" && ls blas_lib_*.tar.zst)
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  for reader in {0..63}; do
    cmp --ignore-initial=$((reader * 90001)) "$ORIGINAL/$archive" "$BATS_TEST_TMPDIR/mnt/$archive" &
    readers+=($!)
  done
  for reader in "${readers[@]}"; do wait "$reader"; done
}

@test "a tree can be walked by many at once while it is refreshed" {
  local walker walkers=()
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX"),refresh=1"
  for walker in {1..8}; do
    timeout 5 sh -c "cd '$BATS_TEST_TMPDIR/mnt' && while :; do ls -lR >'$BATS_TEST_TMPDIR/$walker' || exit 9; done" &
    walkers+=($!)
  done
  for walker in "${walkers[@]}"; do wait "$walker" || [ $? -eq 124 ]; done
  same_tree "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt"
}

@test "writing is refused with EROFS" {
  run touch "$MNT/new"
  [ "$status" -ne 0 ]
  [[ $output == *'Read-only file system'* ]]
}

@test "a server that fails and lies in turn never yields wrong bytes" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$FAULTY"),timeout=4"
  faults '{"match":"/logs/|index","p503":0.1,"p500":0.1,"preset":0.05,"ptrunc":0.1,"pshort":0.05,"pshift":0.05,
    "prange":0.05,"ptotal":0.05}'
  "$TESTS/mount/right-or-error" "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt"
}

@test "a read that hangs ends with EIO and holds up nobody meanwhile" {
  local hanging
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$FAULTY"),timeout=8"
  faults '{"match":"blas_lib.*zst$","phang":1}'
  cat "$BATS_TEST_TMPDIR"/mnt/blas_lib_*.zst >/dev/null 2>"$BATS_TEST_TMPDIR/err" &
  hanging=$!
  wait_until 30 hits 1
  ls -lR "$BATS_TEST_TMPDIR/mnt" >/dev/null
  cmp "$ORIGINAL/index.html" "$BATS_TEST_TMPDIR/mnt/index.html"
  kill -0 "$hanging"
  if wait "$hanging"; then fail 'the hanging read succeeded'; fi
  grep -q 'Input/output error' "$BATS_TEST_TMPDIR/err"
}

@test "ls and cat work without a mount" {
  run runfs ls "$SOURCE" -o "$(anonymous "$NGINX")"
  [ "$status" -eq 0 ]
  [[ $output == *index.html* ]]
  runfs cat "$SOURCE" index.html -o "$(anonymous "$NGINX")" | cmp - "$ORIGINAL/index.html"
}

@test "a missing bucket is refused with the server's code" {
  mkdir "$BATS_TEST_TMPDIR/mnt"
  mount_refused NoSuchBucket "s3://no-such-bucket/$RUN" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
}

@test "umount ends the driver" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  runfs umount "$BATS_TEST_TMPDIR/mnt"
  [ -z "$(mounts_below "$BATS_TEST_TMPDIR")" ]
  no_driver "$BATS_TEST_TMPDIR/mnt"
}
