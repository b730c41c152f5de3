# A prefix of 100,000 objects.

load lib

setup_file() {
  local data=$BATS_FILE_TMPDIR/data
  "$TESTS/fixtures/make-many-keys" "$data" many "$RUN" 100000
  start_nginx "$data"
  export DATA=$data MNT=$BATS_FILE_TMPDIR/mnt
  mount_run "s3://many/$RUN" "$MNT" "$(anonymous "$NGINX")"
}

teardown_file() { end_everything; }

@test "find ends and shows every key" {
  find "$MNT" -type f -printf "$RUN/%P\n" | LC_ALL=C sort >"$BATS_TEST_TMPDIR/found"
  cut -f1 "$DATA/many.keys" | LC_ALL=C sort | cmp - "$BATS_TEST_TMPDIR/found"
}

@test "sizes are those of the listing" {
  [ "$(find "$MNT" -type f -size -1c | wc -l)" -eq 10000 ]
  [ "$(find "$MNT" -type f -printf '%s\n' | awk '{sum += $1} END {print sum}')" -eq 4500000 ]
}

@test "files of the last page read right" {
  local name
  for name in 0000000 0000999 0099990 0099999; do
    cmp "$MNT/logs/part00${name:2:2}/log${name}_build.log" "$DATA/contents/${name: -1}"
  done
}

@test "inode numbers are unique" {
  [ "$(find "$MNT" -printf '%i\n' | sort -u | wc -l)" -eq "$(find "$MNT" | wc -l)" ]
}

@test "ls lists as many without a mount" {
  [ "$(runfs ls -R "s3://many/$RUN" -o "$(anonymous "$NGINX")" | grep -c '_build\.log')" -eq 100000 ]
}

@test "the listing is asked for once within refresh" {
  local before
  before=$(grep -c 'list-type=2' "$NGINX_DIR/access.log")
  find "$MNT" -type f | wc -l
  [ "$(grep -c 'list-type=2' "$NGINX_DIR/access.log")" -eq "$before" ]
}
