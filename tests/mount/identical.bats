# A run of 680 files and 500 MB (xz, zst and gz archives, logs, awkward names) and its mount do not differ, whatever it
# is mounted from. Each mount is compared with diff -r, which reads every byte.
# shellcheck disable=SC2030,SC2031

load lib

setup_file() {
  DATA=$(full_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
  start_rgw
  fill -p "$RGW_DIR" "$BUCKET" "$DATA/$BUCKET"
  fill "$RGW_DIR" private "$DATA/$BUCKET"
}

teardown_file() { end_everything; }

setup() { MNT=$BATS_TEST_TMPDIR/mnt; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

@test "the run is as large as the tests promise" {
  [ "$(find "$ORIGINAL" -type f | wc -l)" -ge 600 ]
  [ "$(du -sb "$ORIGINAL" | cut -f1)" -ge 500000000 ]
}

@test "from a directory" {
  mount_run "$ORIGINAL" "$MNT"
  same_tree "$ORIGINAL" "$MNT"
}

@test "from a directory named relative to where we stand" {
  cd "$DATA/$BUCKET"
  mount_run "./$RUN" "$MNT"
  cd /
  same_tree "$ORIGINAL" "$MNT"
}

@test "from RGW, anonymous" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$RGW")"
  same_tree "$ORIGINAL" "$MNT"
}

@test "from RGW, signed, out of a private bucket" {
  credentials
  mount_run "s3://private/$RUN" "$MNT" "$(at "$RGW")"
  same_tree "$ORIGINAL" "$MNT"
}

@test "from RGW as a virtual host" {
  credentials
  mount_run "s3://private/$RUN" "$MNT" "endpoint=http://s3.localhost:$RGW_PORT,region=us-east-1"
  same_tree "$ORIGINAL" "$MNT"
}

@test "from RGW over TLS" {
  credentials
  export AWS_CA_BUNDLE=$RGW_DIR/cert.pem
  mount_run "s3://private/$RUN" "$MNT" "$(at "$RGW_TLS")"
  same_tree "$ORIGINAL" "$MNT"
}

@test "from nginx" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  same_tree "$ORIGINAL" "$MNT"
}

@test "by the number of the run, through the bucket rules" {
  mount_run 12345678901 "$MNT" "$(anonymous "$NGINX"),platform=linux,repo=ROCm/TheRock,release-type=ci"
  same_tree "$ORIGINAL" "$MNT"
}

@test "the whole bucket, where the prefix is empty" {
  mount_run "s3://$BUCKET" "$MNT" "$(anonymous "$NGINX")"
  same_tree "$DATA/$BUCKET" "$MNT"
}
