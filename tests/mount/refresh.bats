# What changes in the store shows in the mount after `refresh` seconds: new, changed and vanished objects.

load lib

setup_file() {
  DATA=$(small_run)
  export DATA
  start_rgw
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  BUCKET_NOW=refresh-$BATS_TEST_NUMBER
  printf one >"$BATS_TEST_TMPDIR/one"
  printf twotwo >"$BATS_TEST_TMPDIR/two"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

put() { s3 -T "$BATS_TEST_TMPDIR/$1" "/$BUCKET_NOW/$2"; }
gone() { ! ls "$1" 2>/dev/null; }
reads() { [ "$(cat "$1")" = "$2" ]; }
shows() { [ "$(cd "$MNT" && find . -type f | sort | paste -sd ' ')" = "$1" ]; }

start() { # REFRESH
  fill -p "$RGW_DIR" "$BUCKET_NOW"
  put one run/stays
  put one run/logs/a/changes
  put one run/logs/b/vanishes
  mount_run "s3://$BUCKET_NOW/run" "$MNT" "$(anonymous "$RGW"),refresh=$1"
  shows './logs/a/changes ./logs/b/vanishes ./stays'
}

@test "new, changed and vanished objects show after refresh" {
  start 1
  reads "$MNT/logs/a/changes" one
  put two run/logs/a/changes
  put two run/new/deep/file
  s3 -X DELETE "/$BUCKET_NOW/run/logs/b/vanishes"
  wait_until 30 reads "$MNT/logs/a/changes" twotwo
  wait_until 30 reads "$MNT/new/deep/file" twotwo
  wait_until 30 gone "$MNT/logs/b/vanishes"
  wait_until 30 shows './logs/a/changes ./new/deep/file ./stays'
  gone "$MNT/logs/b"
  [ "$(stat -c %s "$MNT/logs/a/changes")" -eq 6 ]
  reads "$MNT/stays" one
}

@test "a directory held open shows what has come" {
  start 1
  cd "$MNT/logs"
  put one run/logs/c/new
  wait_until 30 test -e c/new
  cd /
}

@test "an object that did not change keeps its inode number" {
  start 1
  local before
  before=$(stat -c %i "$MNT/stays" "$MNT/logs/a/changes")
  put two run/logs/a/changes
  wait_until 30 reads "$MNT/logs/a/changes" twotwo
  [ "$(stat -c %i "$MNT/stays" "$MNT/logs/a/changes")" = "$before" ]
}

@test "a file that becomes a directory, and back" {
  start 1
  put one run/stays/inside
  s3 -X DELETE "/$BUCKET_NOW/run/stays"
  wait_until 30 reads "$MNT/stays/inside" one
  s3 -X DELETE "/$BUCKET_NOW/run/stays/inside"
  put two run/stays
  wait_until 30 reads "$MNT/stays" twotwo
}

@test "a run that is deleted altogether leaves a mount that answers" {
  start 1
  for key in run/stays run/logs/a/changes run/logs/b/vanishes; do s3 -X DELETE "/$BUCKET_NOW/$key"; done
  wait_until 30 gone "$MNT/stays"
  put one run/back
  wait_until 30 reads "$MNT/back" one
}

@test "with a long refresh the tree stays as it was" {
  start 3600
  put two run/new
  gone "$MNT/new"
  shows './logs/a/changes ./logs/b/vanishes ./stays'
}

@test "refresh=0 trusts no listing: what is new shows at the next look" {
  start 0
  put two run/new
  reads "$MNT/new" twotwo
  s3 -X DELETE "/$BUCKET_NOW/run/new"
  gone "$MNT/new"
}

@test "with refresh=0 a run is still read whole and right" {
  mount_run "s3://$BUCKET/$RUN" "$MNT" "$(anonymous "$NGINX"),refresh=0"
  same_tree "$DATA/$BUCKET/$RUN" "$MNT"
}

@test "a local directory is looked at again too" {
  local run=$BATS_TEST_TMPDIR/run
  mkdir -p "$run/logs"
  printf one >"$run/logs/changes"
  mount_run "$run" "$MNT" refresh=1
  printf twotwo >"$run/logs/other"
  mv "$run/logs/other" "$run/logs/changes"
  printf new >"$run/new"
  wait_until 30 reads "$MNT/logs/changes" twotwo
  wait_until 30 reads "$MNT/new" new
  rm -r "$run/logs"
  wait_until 30 gone "$MNT/logs"
}
