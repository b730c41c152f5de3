# Reading: random ranges by many threads, many readers at once, the ends of huge and of empty objects.

load lib

setup_file() {
  local made=$BATS_FILE_TMPDIR/data/big/run position
  DATA=$(full_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN
  mkdir -p "$made"
  ln -s "$DATA/$BUCKET" "$BATS_FILE_TMPDIR/data/$BUCKET"
  truncate -s 6G "$made/sparse"
  for position in 0 2147483640 4294967290 6442450900; do
    printf 'here stands %s' $position | dd of="$made/sparse" bs=1 seek=$position conv=notrunc status=none
  done
  : >"$made/empty"
  printf x >"$made/one"
  start_nginx "$BATS_FILE_TMPDIR/data"
  mkdir "$BATS_FILE_TMPDIR/full" "$BATS_FILE_TMPDIR/big"
  mount_run "s3://$BUCKET/$RUN" "$BATS_FILE_TMPDIR/full" "$(anonymous "$NGINX")"
  mount_run s3://big/run "$BATS_FILE_TMPDIR/big" "$(anonymous "$NGINX")"
  export FULL=$BATS_FILE_TMPDIR/full BIG=$BATS_FILE_TMPDIR/big SPARSE=$made/sparse
}

teardown_file() { end_everything; }

@test "random offsets and lengths of 20 files, by 16 threads, equal the originals" {
  "$TESTS/mount/random-reads" "$ORIGINAL" "$FULL" 20 16 100
}

@test "the same in a mount of the directory" {
  mount_run "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt"
  "$TESTS/mount/random-reads" "$ORIGINAL" "$BATS_TEST_TMPDIR/mnt" 20 16 100
  unmount_below "$BATS_TEST_TMPDIR"
}

@test "64 readers at once, of one archive and of many logs, get the right bytes" {
  local reader readers=() logs=("$ORIGINAL/logs/$GROUP"/*.log) log
  mount_run "s3://$BUCKET/$RUN" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  for reader in {0..31}; do
    cmp --ignore-initial=$((reader * 3000001)) --bytes=4000000 {"$ORIGINAL","$BATS_TEST_TMPDIR/mnt"}/blas_lib_gfx94X-dcgpu.tar.zst &
    readers+=($!)
    log=logs/$GROUP/${logs[reader * 9]##*/}
    cmp "$ORIGINAL/$log" "$BATS_TEST_TMPDIR/mnt/$log" &
    readers+=($!)
  done
  for reader in "${readers[@]}"; do wait "$reader"; done
  unmount_below "$BATS_TEST_TMPDIR"
}

@test "an object of 6 GiB has its size and reads right at its end and beyond 2 and 4 GiB" {
  local position
  [ "$(stat -c %s "$BIG/sparse")" -eq 6442450944 ]
  tail -c 3000000 "$BIG/sparse" | cmp - <(tail -c 3000000 "$SPARSE")
  for position in 2147483640 4294967290 6442450900; do
    run dd if="$BIG/sparse" bs=22 count=1 iflag=skip_bytes skip=$position status=none
    [ "$output" = "here stands $position" ]
  done
}

@test "reading at and beyond the end gives nothing, and no error" {
  run dd if="$BIG/sparse" bs=1 count=5 iflag=skip_bytes skip=6442450944 status=none
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  run dd if="$BIG/one" bs=10 count=5 iflag=skip_bytes skip=1000 status=none
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "an empty object is an empty file, from every store" {
  [ "$(stat -c %s "$BIG/empty")" -eq 0 ]
  [ -z "$(cat "$BIG/empty")" ]
  [ -f "$FULL/logs/$GROUP/empty_install.log" ]
  cmp "$FULL/logs/$GROUP/empty_install.log" /dev/null
}

@test "a mapped file has the bytes of the original" {
  python3 - "$ORIGINAL" "$FULL" <<'PYTHON'
import mmap, sys
maps = []
for root in sys.argv[1:]:
    with open(root + "/fft_lib_gfx94X-dcgpu.tar.xz", "rb") as file:
        maps.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
assert maps[0][:] == maps[1][:]
PYTHON
}

@test "archives unpack straight from the mount" {
  tar -xf "$FULL/base_lib_generic.tar.xz" -C "$BATS_TEST_TMPDIR"
  tar -df "$ORIGINAL/base_lib_generic.tar.xz" -C "$BATS_TEST_TMPDIR"
  (cd "$FULL" && for sum in *.sha256sum; do sha256sum "${sum%.sha256sum}" | cut -c1-64 | cmp - "$sum"; done)
}
