# Who we are and where the bucket is: credentials from all places AWS's own tools look in, regions and redirects, TLS,
# and that no secret ever shows.
# shellcheck disable=SC2030,SC2031

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_rgw
  start_nginx "$DATA" "127.0.0.1:$RGW_PORT" # the fault proxy stands before RGW, which checks every signature
  fill "$RGW_DIR" "$BUCKET" "$DATA/$BUCKET"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  MNT=$BATS_TEST_TMPDIR/mnt
  export AWS_CONFIG_FILE=$BATS_TEST_TMPDIR/config AWS_SHARED_CREDENTIALS_FILE=$BATS_TEST_TMPDIR/credentials
}

teardown() {
  faults '[]'
  unmount_below "$BATS_TEST_TMPDIR"
}

# reads_right [OPTIONS]: the private run can be mounted with OPTIONS and is the original.
reads_right() {
  mount_run "$SOURCE" "$MNT" "${1:-$(at "$RGW")}"
  same_tree "$ORIGINAL" "$MNT"
}

profile_lines() { printf 'aws_access_key_id = %stestaccesskey\naws_secret_access_key=%s%s\n' "$1" "$1" "$SECRET"; }

@test "credentials from the environment" {
  credentials
  reads_right
}

@test "credentials from the shared file" {
  { echo '[default]'; profile_lines ''; } >"$AWS_SHARED_CREDENTIALS_FILE"
  reads_right
}

@test "credentials of a profile named by the option" {
  { echo '[default]'; profile_lines other; echo '[owner]'; profile_lines ''; } >"$AWS_SHARED_CREDENTIALS_FILE"
  reads_right "$(at "$RGW"),profile=owner"
}

@test "credentials of a profile named by AWS_PROFILE, in the config file" {
  { echo '[default]'; profile_lines other; echo '[profile owner]'; profile_lines ''; } >"$AWS_CONFIG_FILE"
  export AWS_PROFILE=owner
  reads_right
}

@test "a profile that is not there is refused by name" {
  mkdir "$MNT"
  mount_refused nobody "$SOURCE" "$MNT" "$(at "$RGW"),profile=nobody"
}

@test "credentials from credential_process" {
  printf '#!/bin/sh\necho %q\n' '{"Version":1,"AccessKeyId":"testaccesskey","SecretAccessKey":"'"$SECRET"'"}' >"$BATS_TEST_TMPDIR/helper"
  chmod +x "$BATS_TEST_TMPDIR/helper"
  printf '[default]\ncredential_process = %s --flag\n' "$BATS_TEST_TMPDIR/helper" >"$AWS_CONFIG_FILE"
  reads_right
}

@test "a credential_process that fails is one clear line" {
  mkdir "$MNT"
  printf '[default]\ncredential_process = /bin/false\n' >"$AWS_CONFIG_FILE"
  mount_refused 'credential_process|/bin/false' "$SOURCE" "$MNT" "$(at "$RGW")"
}

@test "credentials from the files of the home directory" {
  unset AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
  export HOME=$BATS_TEST_TMPDIR
  mkdir "$HOME/.aws"
  { echo '[default]'; profile_lines ''; } >"$HOME/.aws/credentials"
  reads_right
}

@test "the endpoint from AWS_ENDPOINT_URL_S3, and from the config file" {
  credentials
  AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_ENDPOINT_URL_S3=$RGW reads_right path-style
  unmount_below "$MNT"
  printf '[default]\nendpoint_url = %s\n' "$RGW" >"$AWS_CONFIG_FILE"
  reads_right path-style
}

redirects() { awk -F'\t' '$3 == 301 || $3 == 400' "$NGINX_DIR/fault.log" | wc -l; }

@test "the region from the environment and from the config file" {
  local before
  before=$(redirects)
  credentials
  faults '{"region":"eu-west-1"}'
  AWS_REGION=eu-west-1 reads_right "endpoint=$FAULTY,path-style"
  unmount_below "$MNT"
  unset AWS_REGION
  printf '[default]\nregion = eu-west-1\n' >"$AWS_CONFIG_FILE"
  reads_right "endpoint=$FAULTY,path-style"
  [ "$(redirects)" -eq "$before" ]
}

@test "a redirect to another region is followed: 301 with x-amz-bucket-region" {
  credentials
  faults '{"region":"eu-west-1"}'
  reads_right "$(at "$FAULTY")"
}

@test "a redirect to another region is followed: 400 AuthorizationHeaderMalformed with Region" {
  credentials
  faults '{"region":"eu-west-1","region_form":"400"}'
  reads_right "$(at "$FAULTY")"
}

@test "the redirect is learnt: later requests are signed for the right region at once" {
  local before
  credentials
  faults '{"region":"eu-west-1"}'
  mount_run "$SOURCE" "$MNT" "$(at "$FAULTY")"
  cat "$MNT/index.html" >/dev/null
  before=$(redirects)
  same_tree "$ORIGINAL" "$MNT"
  [ "$(redirects)" -eq "$before" ]
}

@test "a server that sends us from region to region is given up" {
  credentials
  mkdir "$MNT"
  faults '{"region":"eu-west-1","region_next":"ap-south-1"}'
  mount_refused "$BUCKET" "$SOURCE" "$MNT" "$(at "$FAULTY"),timeout=5"
}

@test "no-sign-request sends no signature even where there are credentials" {
  credentials
  mkdir "$MNT"
  mount_refused AccessDenied "$SOURCE" "$MNT" "$(anonymous "$RGW")"
}

@test "secrets stand neither in the command line, nor in the log, nor in the mount table" {
  credentials
  mount_run "$SOURCE" "$MNT" "$(at "$FAULTY"),log=$BATS_TEST_TMPDIR/log,log-level=debug"
  cat "$MNT/index.html" >/dev/null
  faults '{"match":"manifests","p403":1}'
  cat "$MNT/manifests/index.html" 2>/dev/null || true
  local place
  for place in "$BATS_TEST_TMPDIR/log" "/proc/$(drivers_of "$MNT")/cmdline" /proc/self/mountinfo; do
    if grep -qaE "$SECRET|Signature=[0-9a-f]" "$place"; then fail "a secret stands in $place"; fi
  done
}
