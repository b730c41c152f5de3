# Run once by bats before the first file: refuses with one clear line what no test could do without.

setup_suite() {
  local tests missing='' command
  tests=$(dirname "${BASH_SOURCE[0]}")
  # shellcheck source-path=SCRIPTDIR source=lib.bash
  . "$tests/lib.bash"
  [ "$(id -u)" = 0 ] || stop_suite 'the mount tests need root'
  [ -r /dev/fuse ] || stop_suite 'the mount tests need /dev/fuse'
  for program in "$RUNFS" "$MOUNT_RUNFS"; do
    [ -x "$program" ] || stop_suite "$program is missing: build first, or set RUNFS and MOUNT_RUNFS"
  done
  for command in ps curl jq python3 getfattr less nginx radosgw unshare setpriv vim; do
    command -v "$command" >/dev/null || missing+=" $command"
  done
  [ -z "$missing" ] || stop_suite "missing:$missing"
  setsid "$tests/sweep" $$ "$BATS_RUN_TMPDIR" </dev/null >/dev/null 2>&1 3>&- 4>&- &
  # Only for a mount that hangs: no test comes near it.
  export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-240}
}

stop_suite() {
  echo "tests/mount: $*" >&2
  return 1
}
