# Every form of SOURCE leads to the run it names, through the bucket rules of the layout where it is a number or a URL.

load lib

setup_file() {
  local data=$BATS_FILE_TMPDIR/data run
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN
  run=$ORIGINAL
  mkdir -p "$data"/{therock-ci-artifacts,therock-nightly-artifacts,therock-artifacts,therock-ci-artifacts-external/some-one-else}
  ln -s "$run" "$data/therock-ci-artifacts/$RUN"
  ln -s "$run" "$data/therock-nightly-artifacts/222-linux"
  ln -s "$run" "$data/therock-artifacts/333-linux"
  ln -s "$run" "$data/therock-ci-artifacts-external/some-one-else/444-windows"
  mkdir -p "$data/therock-ci-artifacts/v3/artifacts"
  ln -s "$run" "$data/therock-ci-artifacts/v3/artifacts/555-linux"
  start_nginx "$data"
  export OPTIONS
  OPTIONS=$(anonymous "$NGINX")
}

teardown_file() { end_everything; }
setup() { MNT=$BATS_TEST_TMPDIR/mnt; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# leads_to_the_run SOURCE [OPTIONS]
leads_to_the_run() {
  mount_run "$1" "$MNT" "$OPTIONS${2:+,$2}"
  same_tree "$ORIGINAL" "$MNT"
  unmount_below "$MNT"
}

@test "a run's number, and its number with the platform" {
  leads_to_the_run 12345678901 platform=linux
  leads_to_the_run 12345678901-linux
}

@test "the address of a run on GitHub" {
  leads_to_the_run https://github.com/ROCm/TheRock/actions/runs/12345678901 platform=linux
  leads_to_the_run https://github.com/ROCm/TheRock/actions/runs/12345678901/job/5?pr=6 platform=linux
  leads_to_the_run https://github.com/some/one-else/actions/runs/444 platform=windows
}

@test "the address of a run in S3, with and without its region and index page" {
  leads_to_the_run "https://$BUCKET.s3.amazonaws.com/$RUN"
  leads_to_the_run "https://$BUCKET.s3.amazonaws.com/$RUN/index.html"
  leads_to_the_run "https://$BUCKET.s3.us-east-2.amazonaws.com/$RUN/"
}

@test "s3:// with and without a slash at the end" {
  leads_to_the_run "s3://$BUCKET/$RUN"
  leads_to_the_run "s3://$BUCKET/$RUN/"
}

@test "release types, other repositories and windows have their own places" {
  leads_to_the_run 222 platform=linux,release-type=nightly
  leads_to_the_run 222-linux release-type=nightly-bkc
  leads_to_the_run 444 platform=windows,repo=some/one-else
}

@test "a key prefix stands before the whole run" {
  leads_to_the_run 555-linux key-prefix=v3/artifacts/
}

@test "a run of before the cut-over is in the old bucket" {
  leads_to_the_run 333-linux updated-at=2025-11-11T16:18:48Z
}

@test "where the computed place is empty, the other side of the cut-over is tried" {
  leads_to_the_run 333-linux
}

@test "with THEROCK_LOCAL_STAGING_DIR a number means a directory there" {
  export THEROCK_LOCAL_STAGING_DIR=$DATA/$BUCKET
  mount_run 12345678901 "$MNT" platform=linux
  same_tree "$ORIGINAL" "$MNT"
}

@test "the environment of a workflow names the repository and the release type" {
  GITHUB_REPOSITORY=some/one-else leads_to_the_run 444 platform=windows
  RELEASE_TYPE=nightly leads_to_the_run 222-linux
}

@test "a subdirectory of a run, by its prefix or its path" {
  mount_run "s3://$BUCKET/$RUN/logs" "$MNT" "$OPTIONS"
  same_tree "$ORIGINAL/logs" "$MNT"
  unmount_below "$MNT"
  mount_run "$ORIGINAL/logs/odd names" "$MNT"
  same_tree "$ORIGINAL/logs/odd names" "$MNT"
}

@test "options may stand before, between and after the operands, and more than once" {
  mkdir "$MNT"
  runfs mount -o "$OPTIONS" "s3://$BUCKET/$RUN" -o refresh=5 "$MNT" -o uid=7 >"$BATS_TEST_TMPDIR/out" 2>&1
  [ "$(stat -c %u "$MNT/index.html")" -eq 7 ]
}
