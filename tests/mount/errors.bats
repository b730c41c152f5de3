# Every refusal is one clear line and exit 1, with nothing mounted and no process left behind; misuse is exit 2.
# shellcheck disable=SC2030,SC2031,SC2154

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_rgw
  fill "$RGW_DIR" "$BUCKET" "$DATA/$BUCKET"
  fill -p "$RGW_DIR" public
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  mkdir "$MNT"
}

teardown() {
  [ -z "${SILENT_PID:-}" ] || kill "$SILENT_PID" 2>/dev/null || true
  unmount_below "$BATS_TEST_TMPDIR"
}

misused() {
  run --separate-stderr runfs "$@"
  [ "$status" -eq 2 ] || fail "exit $status, not 2, of: runfs $*"
  [ -n "$stderr" ] || fail "nothing said about: runfs $*"
}

@test "no such directory" {
  mount_refused "no-such-dir.*No such file" /no-such-dir "$MNT"
}

@test "a file instead of a run directory" {
  mount_refused "Not a directory" "$ORIGINAL/index.html" "$MNT"
}

@test "no such bucket, with the server's code" {
  credentials
  mount_refused "no-such-bucket.*NoSuchBucket" "s3://no-such-bucket/$RUN" "$MNT" "$(at "$RGW")"
}

@test "no such run, naming where it was looked for" {
  credentials
  mount_refused "$BUCKET/99999999999-linux" "s3://$BUCKET/99999999999-linux" "$MNT" "$(at "$RGW")"
  mount_refused "99999999999-linux" 99999999999 "$MNT" "$(at "$RGW"),platform=linux"
}

@test "a prefix of a run's name is not that run" {
  credentials
  mount_refused "$BUCKET/1234567" "s3://$BUCKET/1234567" "$MNT" "$(at "$RGW")"
}

@test "access denied to the anonymous, with the server's code" {
  mount_refused "$BUCKET.*AccessDenied" "$SOURCE" "$MNT" "$(anonymous "$RGW")"
}

@test "access denied where no credentials are found at all" {
  mount_refused "$BUCKET.*AccessDenied" "$SOURCE" "$MNT" "$(at "$RGW")"
}

@test "access denied to another user, with the server's code" {
  credentials other
  mount_refused "$BUCKET.*AccessDenied" "$SOURCE" "$MNT" "$(at "$RGW")"
}

@test "a wrong secret, with the server's code" {
  credentials
  export AWS_SECRET_ACCESS_KEY=wrong
  mount_refused "$BUCKET.*SignatureDoesNotMatch" "$SOURCE" "$MNT" "$(at "$RGW")"
  [[ $stderr != *"$SECRET"* && $stderr != *wrong* ]]
}

@test "an unknown key, with the server's code" {
  credentials
  export AWS_ACCESS_KEY_ID=unknown
  mount_refused "$BUCKET.*InvalidAccessKeyId" "$SOURCE" "$MNT" "$(at "$RGW")"
}

@test "a server nobody runs" {
  # A port the kernel has just given out and taken back.
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  mount_refused "127.0.0.1:$port|connect" "$SOURCE" "$MNT" "$(anonymous "http://127.0.0.1:$port"),timeout=3"
}

@test "a server that takes the connection and says nothing, within bounded time" {
  python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(300)' >"$BATS_TEST_TMPDIR/port" 3>&- &
  SILENT_PID=$!
  wait_until 30 test -s "$BATS_TEST_TMPDIR/port"
  mount_refused "time" "$SOURCE" "$MNT" "$(anonymous "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")"),timeout=2"
}

@test "a TLS certificate nobody trusts" {
  credentials
  mount_refused certificate "$SOURCE" "$MNT" "$(at "$RGW_TLS"),timeout=10"
}

@test "a TLS certificate of another name" {
  credentials
  export AWS_CA_BUNDLE=$RGW_DIR/cert.pem
  mount_refused 'certificate|host ?name|subject' "$SOURCE" "$MNT" "$(at "${RGW_TLS/127.0.0.1/other.localhost}"),timeout=10"
}

@test "a CA bundle that is not there" {
  credentials
  export AWS_CA_BUNDLE=/no-such-bundle.pem
  mount_refused 'no-such-bundle|certificate' "$SOURCE" "$MNT" "$(at "$RGW_TLS"),timeout=10"
}

@test "a mountpoint that is missing" {
  mount_refused "no-such-place.*No such file" "$ORIGINAL" "$BATS_TEST_TMPDIR/no-such-place"
}

@test "a mountpoint that is a file" {
  touch "$BATS_TEST_TMPDIR/file"
  mount_refused "Not a directory" "$ORIGINAL" "$BATS_TEST_TMPDIR/file"
}

@test "a mountpoint that is a mount already, which stays as it is" {
  mount_run "$ORIGINAL" "$MNT"
  run --separate-stderr runfs mount "$ORIGINAL/logs" "$MNT"
  one_error 1 "mnt.*(mounted|mount|busy)"
  [ "$(mounts_below "$MNT" | wc -l)" -eq 1 ]
  same_tree "$ORIGINAL" "$MNT"
}

@test "unknown options, by name" {
  mount_refused nonsense "$ORIGINAL" "$MNT" nonsense
  mount_refused nonsense "$ORIGINAL" "$MNT" refresh=5,nonsense=3,timeout=3
}

@test "bad values, by the option's name" {
  local option
  for option in refresh=soon refresh=-1 refresh= timeout=x timeout=0 connections=0 connections=many connections=99999999999999999999 \
    uid=nobody-knows umask=999 endpoint=nonsense endpoint=ftp://x log-level=chatty platform=amiga; do
    mount_refused "${option%%=*}" "$ORIGINAL" "$MNT" "$option"
  done
}

@test "malformed sources" {
  local source
  for source in '' nonsense s3: s3:// s3:/bucket/x s3:///x ftp://host/x http://host/x https://example.com/x 12345678901- \
    12345678901-amiga 12x45 999999999999999999999999 s3://Bad_Bucket!/x https://github.com/ROCm/TheRock/actions/runs/ \
    https://github.com/ROCm/TheRock; do
    mount_refused . "$source" "$MNT" "timeout=3,endpoint=$RGW,path-style,no-sign-request"
  done
}

@test "a source with control characters is shown without them" {
  run --separate-stderr runfs mount $'/no\033[31m\nsuch' "$MNT"
  [ "$status" -eq 1 ]
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ $stderr != *$'\033'* ]]
}

@test "misuse is exit 2" {
  misused
  misused nonsense
  misused --nonsense
  misused mount
  misused mount "$ORIGINAL"
  misused mount --nonsense "$ORIGINAL" "$MNT"
  misused mount "$ORIGINAL" "$MNT" too many
  misused mount "$ORIGINAL" "$MNT" -o
  misused umount
  misused ls
  misused cat
  misused resolve
  [ -z "$(mounts_below "$MNT")" ]
}

@test "umount of what is no mount of ours" {
  run --separate-stderr runfs umount "$MNT"
  one_error 1 mnt
  run --separate-stderr runfs umount "$BATS_TEST_TMPDIR/no-such-place"
  one_error 1 no-such-place
  run --separate-stderr runfs umount /proc
  one_error 1 proc
  mountpoint -q /proc
}
