# Common ground of the mount tests: the programs under test, real runs to mount, real servers, and clean endings.
#
# RUNFS and MOUNT_RUNFS name the programs (default: those of the debug preset). RUNFS_FIXTURES names a directory in which
# the generated runs are kept between test runs; without it they live as long as one call of bats.
# Every file calls `end_everything` in teardown_file and `unmount_below "$BATS_TEST_TMPDIR"` in teardown, so that neither
# mounts nor servers outlive a failed test.

if [ -n "${BATS_VERSION:-}" ]; then bats_require_minimum_version 1.5.0; fi

TESTS=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
SERVERS=$TESTS/servers
RUNFS=${RUNFS:-$TESTS/../build/debug/src/cli/runfs}
MOUNT_RUNFS=${MOUNT_RUNFS:-$TESTS/../build/debug/mount-helpers/mount.runfs}
# shellcheck disable=SC2034 # the tests use these
BUCKET=therock-ci-artifacts RUN=12345678901-linux GROUP=gfx94X-dcgpu
SECRET=testsecretkey0123456789
export RUNFS MOUNT_RUNFS

# Nothing of the caller's may decide what a test sees: no credentials, no proxies, no certificates, no language.
clean_environment() {
  local name
  for name in $(compgen -e); do
    case $name in
      AWS_* | *_PROXY | *_proxy | *CA_BUNDLE | SSL_CERT_* | GITHUB_* | GH_TOKEN | THEROCK_* | RELEASE_TYPE | IS_PR_FROM_FORK)
        unset "$name"
        ;;
    esac
  done
  export AWS_EC2_METADATA_DISABLED=true LC_ALL=C.UTF-8
  if [ -n "${BATS_FILE_TMPDIR:-}" ]; then export HOME=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}; export XDG_CACHE_HOME=$HOME/.cache; fi
}
clean_environment

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

# wait_until SECONDS COMMAND...: repeats COMMAND until it succeeds. SECONDS only bounds a failing test.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "never came true: $*" || return
    sleep 0.1
  done
}

# --- fixtures

# fixture NAME PROGRAM [ARGUMENT...]: prints a data directory (its folders are buckets), made by a program of tests/fixtures
# when first asked.
fixture() {
  local root=${RUNFS_FIXTURES:-$BATS_RUN_TMPDIR/fixtures}
  mkdir -p "$root"
  (
    flock 9
    if [ ! -e "$root/$1" ]; then
      rm -rf "$root/$1.part"
      "$TESTS/fixtures/$2" "$root/$1.part" "${@:3}" >/dev/null
      mv "$root/$1.part" "$root/$1"
    fi
  ) 9>"$root/$1.lock"
  printf '%s\n' "$root/$1"
}

small_run() { fixture small make-run 30 0.04; }       # 114 files, 22 MB
full_run() { fixture full make-run 600 1; }           # 680 files, 500 MB
archive_bucket() { fixture archives make-archives; }  # the bucket "archives": see make-archives

# --- servers

# start_nginx DATA [UPSTREAM]: sets NGINX (its URL), FAULTY (the URL of the fault proxy) and NGINX_DIR for this file.
start_nginx() {
  export NGINX_DIR=$BATS_FILE_TMPDIR/nginx
  "$SERVERS/nginx-start" "$NGINX_DIR" "$1" '' '' ${2:+"$2"}
  NGINX=http://127.0.0.1:$(cat "$NGINX_DIR/port")
  FAULTY=http://127.0.0.1:$(cat "$NGINX_DIR/fault-port")
  export NGINX FAULTY
}

# start_rgw: sets RGW and RGW_TLS (URLs), RGW_PORT and RGW_DIR for this file.
start_rgw() {
  export RGW_DIR=$BATS_FILE_TMPDIR/rgw
  TLS=1 "$SERVERS/rgw-start" "$RGW_DIR"
  RGW_PORT=$(cat "$RGW_DIR/port")
  RGW=http://127.0.0.1:$RGW_PORT
  RGW_TLS=https://127.0.0.1:$(cat "$RGW_DIR/tls-port")
  export RGW RGW_TLS RGW_PORT
}

fill() { "$SERVERS/s3-fill" "$@"; }
s3() { "$SERVERS/s3-curl" "$RGW_DIR" "$@" >/dev/null; }

# credentials [PREFIX]: the environment of a user RGW knows, the owner of the buckets or the "other" one.
credentials() {
  export AWS_ACCESS_KEY_ID=${1:-}testaccesskey AWS_SECRET_ACCESS_KEY=${1:-}$SECRET AWS_REGION=us-east-1
}

# faults JSON: what the fault proxy does from now on; `faults []` is nothing. DIR/hits and DIR/at-once start anew.
faults() {
  printf '%s\n' "$1" >"$NGINX_DIR/fault.new"
  mv "$NGINX_DIR/fault.new" "$NGINX_DIR/fault.json"
  rm -f "$NGINX_DIR/hits" "$NGINX_DIR/at-once"
}

# hits N: at least N requests have been falsified since the last `faults`.
hits() { [ "$(stat -c %s "$NGINX_DIR/hits" 2>/dev/null || echo 0)" -ge "$1" ]; }

# --- mounts

at() { printf 'endpoint=%s,region=us-east-1,path-style' "$1"; }
anonymous() { printf '%s,no-sign-request' "$(at "$1")"; }

# runfs ARGUMENT...: the program, never for ever and without bats' own descriptors.
runfs() { timeout -k 5 120 "$RUNFS" "$@" 3>&- 4>&-; }

# on_terminal ARGUMENT...: likewise, with a terminal for its output.
on_terminal() { script -qec "$(printf '%q ' timeout -k 5 120 "$RUNFS" "$@")" /dev/null </dev/null 3>&- 4>&-; }

# mount_run SOURCE MOUNTPOINT [OPTIONS]: mounts and fails with what the program said. Output goes to a file: a daemon that
# kept the pipe open would otherwise block the test.
mount_run() {
  local log=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/mount.log
  mkdir -p "$2"
  runfs mount "$1" "$2" ${3:+-o "$3"} >"$log" 2>&1 || fail "cannot mount $1: $(cat "$log")" || return
  mountpoint -q "$2" || fail "$2 is not mounted after a successful mount"
}

# drivers_of DIR: the processes of runfs whose command line names a place below DIR.
drivers_of() {
  local process
  for process in /proc/[0-9]*; do
    if [ "$process/exe" -ef "$RUNFS" ] && grep -qaF -- "$1" "$process/cmdline" 2>/dev/null; then
      printf '%s\n' "${process#/proc/}"
    fi
  done
}

no_driver() { [ -z "$(drivers_of "$1")" ]; }

mounts_below() { awk -v dir="$1" 'index($5, dir) == 1 {print $5}' /proc/self/mountinfo | tac; }

# unmount_below DIR: clears every mount below DIR, lazily where something still holds it, and ends drivers left over.
unmount_below() {
  local place pid
  for place in $(mounts_below "$1"); do
    umount "$place" 2>/dev/null || umount -l "$place" 2>/dev/null || true
  done
  wait_until 5 no_driver "$1" 2>/dev/null || for pid in $(drivers_of "$1"); do kill -KILL "$pid" 2>/dev/null || true; done
}

# end_everything: for teardown_file.
end_everything() {
  unmount_below "$BATS_FILE_TMPDIR"
  "$SERVERS/nginx-stop" "$BATS_FILE_TMPDIR/nginx"
  "$SERVERS/rgw-stop" "$BATS_FILE_TMPDIR/rgw"
}

# --- assertions

# assert_peak_memory KIB: the driver has used less. A sanitizer's own memory would count, too.
assert_peak_memory() {
  local peak
  peak=$(awk '/^VmHWM/ {print $2}' "/proc/$(drivers_of "$MNT")/status")
  [ -n "$peak" ] || fail 'no driver' || return
  [ -n "${ASAN_OPTIONS:-}${TSAN_OPTIONS:-}" ] || [ "$peak" -lt "$1" ] || fail "$peak KiB"
}

# listed ARCHIVE DIR: what find says of all below DIR, which shows the archive; without the sizes of directories, set-id bits,
# and the times of directories that the archive does not name.
listed() {
  (
    cd "$2" || exit
    find . -type d -printf '%p %y %m\n' -o -printf '%p %y %m %s %l %T@\n' |
      LC_ALL=C sed -E 's/( [df] )[0-7]([0-7]{3}( |$))/\1\2/'
    # shellcheck disable=SC2185 # where to begin comes by the pipe
    tar -tf "$1" --quoting-style=literal | LC_ALL=C grep -a '/$' | tr '\n' '\0' |
      find -files0-from /dev/stdin -maxdepth 0 -printf '%p %T@\n'
  ) | LC_ALL=C sort
}

# same_members ARCHIVE DIR: DIR shows what tar extracts from ARCHIVE.
same_members() {
  local extracted=${BATS_TEST_TMPDIR:?}/extracted
  rm -rf "$extracted"
  mkdir "$extracted"
  tar -xpf "$1" --delay-directory-restore -C "$extracted" || return
  diff -r --no-dereference "$extracted" "$2" || fail "$2 is not what tar extracts" || return
  diff <(listed "$1" "$extracted") <(listed "$1" "$2") || fail "find says something else of $2"
}

same_tree() { diff -r "$1" "$2" || fail "$1 and $2 differ"; }

# one_error STATUS PATTERN: the last `run --separate-stderr` ended with STATUS and one line on stderr, "runfs: WHAT: WHY",
# that matches PATTERN (an extended regular expression, case ignored).
# shellcheck disable=SC2154 # bats sets status, stderr and stderr_lines
one_error() {
  [ "$status" -eq "$1" ] || fail "exit $status, not $1; stderr: $stderr" || return
  [ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr" || return
  [[ $stderr == runfs:\ * ]] || fail "does not begin with runfs: $stderr" || return
  grep -qiE -- "$2" <<<"$stderr" || fail "does not match '$2': $stderr"
}

# mount_refused PATTERN SOURCE MOUNTPOINT [OPTIONS]: exit 1, one clear line, nothing mounted and no process left.
mount_refused() {
  run --separate-stderr runfs mount "$2" "$3" ${4:+-o "$4"}
  one_error 1 "$1" || return
  if [ -n "$(mounts_below "$3")" ]; then fail "$3 is mounted"; fi
  wait_until 10 no_driver "$3"
}

# xattr NAME FILE: the value of an extended attribute.
xattr() { getfattr --only-values --absolute-names -n "user.runfs.$1" "$2"; }
