# The commands that look at what a run is made of: verify, which and diff.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is its own process; bats sets status, output and stderr

load lib

# artifact NAME TEXT: an archive with its companion.
artifact() {
  mkdir -p "$BATS_FILE_TMPDIR/tree/stage"
  echo stage >"$BATS_FILE_TMPDIR/tree/artifact_manifest.txt"
  printf '%s\n' "$2" >"$BATS_FILE_TMPDIR/tree/stage/$1.txt"
  tar -C "$BATS_FILE_TMPDIR/tree" -cf - . | xz -0 >"$ORIGINAL/$1.tar.xz"
  sha256sum "$ORIGINAL/$1.tar.xz" | cut -c1-64 >"$ORIGINAL/$1.tar.xz.sha256sum"
}

setup_file() {
  export DATA=$BATS_FILE_TMPDIR/data
  export ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  mkdir -p "$ORIGINAL/logs/$GROUP" "$ORIGINAL/bad"
  echo page >"$ORIGINAL/index.html"
  echo line >"$ORIGINAL/logs/$GROUP/a_build.log"
  for name in base blas core; do artifact "${name}_lib_generic" $name; done
  artifact late_dev_generic late
  rm "$ORIGINAL/late_dev_generic.tar.xz.sha256sum"
  cp "$ORIGINAL"/b*_generic.tar.xz* "$ORIGINAL/bad"
  printf X | dd of="$ORIGINAL/bad/base_lib_generic.tar.xz" bs=1 seek=100 conv=notrunc status=none
  echo nonsense >"$ORIGINAL/bad/blas_lib_generic.tar.xz.sha256sum"
  echo lost >"$ORIGINAL/bad/lost.tar.xz.sha256sum"
  start_nginx "$DATA"
}

teardown_file() { end_everything; }
setup() { faults '[]'; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

@test "verify: what is as its .sha256sum says is exit 0" {
  local source options
  for source in "$SOURCE" "$ORIGINAL"; do
    options=refresh=0
    if [ "$source" = "$SOURCE" ]; then options=$(anonymous "$NGINX"); fi
    run --separate-stderr runfs verify -o "$options" "$source" core_lib_generic.tar.xz /blas_lib_generic.tar.xz
    [ "$status" -eq 0 ] || fail "$stderr"
    [ -z "$stderr" ]
    [[ $output == '2 files, '* ]]
  done
}

@test "verify: each bad one is a line and exit 1, a missing companion is told" {
  run --separate-stderr runfs verify "$SOURCE" -o "$(anonymous "$NGINX")"
  [ "$status" -eq 1 ]
  [ -z "$output" ]
  [ "${#stderr_lines[@]}" -eq 4 ] || fail "$stderr"
  grep -qE '^runfs: late_dev_generic.tar.xz: not checked: no .sha256sum$' <<<"$stderr"
  grep -qE '^runfs: bad/base_lib_generic.tar.xz: its SHA-256 is [0-9a-f]{64}, its .sha256sum says [0-9a-f]{64}$' <<<"$stderr"
  grep -qE '^runfs: bad/blas_lib_generic.tar.xz.sha256sum: .*digits$' <<<"$stderr"
  grep -qE '^runfs: bad/lost.tar.xz.sha256sum: there is nothing' <<<"$stderr"
}

@test "verify: what is asked for by name and cannot be checked is exit 1" {
  local path
  for path in late_dev_generic.tar.xz index.html none bad/lost.tar.xz.sha256sum; do
    run --separate-stderr runfs verify "$ORIGINAL" "$path"
    one_error 1 "$path"
  done
  run --separate-stderr runfs verify "$ORIGINAL" bad/base_lib_generic.tar.xz.sha256sum
  one_error 1 'bad/base_lib_generic.tar.xz: its SHA-256'
  run --separate-stderr runfs verify
  [ "$status" -eq 2 ]
}

@test "verify: what a server cannot give is a line with its place" {
  faults '{"match":"core_lib_generic.tar.xz$","p403":1}'
  run --separate-stderr runfs verify "$SOURCE" core_lib_generic.tar.xz -o "$(anonymous "$FAULTY")"
  one_error 1 "$BUCKET/$RUN/core_lib_generic.tar.xz.*AccessDenied"
}

@test "which: what lies on a mount is told in lines, and as JSON" {
  local file=$BATS_TEST_TMPDIR/mnt/core_lib_generic.tar.xz sum
  local member=$BATS_TEST_TMPDIR/mnt/core_lib_generic/stage/core_lib_generic.txt
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX"),archives"
  sum=$(sha256sum "$member" | cut -c1-64)
  run --separate-stderr runfs which "$file" "$member"
  [ "$status" -eq 0 ]
  diff <(printf '%s\n' "$output") - <<EOF
path	$file
s3_uri	$SOURCE/core_lib_generic.tar.xz
https_url	https://$BUCKET.s3.amazonaws.com/$RUN/core_lib_generic.tar.xz
etag	$(xattr etag "$file")
cached	$(stat -c %s/%s "$file")
path	$member
sha256	$sum
source	core_lib_generic.tar.xz stage/core_lib_generic.txt
EOF
  (cd "$BATS_TEST_TMPDIR/mnt/logs" && runfs which --json . ../index.html) >"$BATS_TEST_TMPDIR/json"
  [ "$(jq -r '.[0].s3_uri' "$BATS_TEST_TMPDIR/json")" = "$SOURCE/logs" ]
  [ "$(jq -r '.[1].cached' "$BATS_TEST_TMPDIR/json")" = 0/5 ]
}

@test "which: what is not on a mount of runfs is a line and exit 1, and the rest is told" {
  local path other=$BATS_TEST_TMPDIR/other
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  echo x >"$other"
  setfattr -n user.runfs.etag -v forged "$other" || true
  for path in "$other" /proc/self/mounts /dev/fuse /; do
    run --separate-stderr runfs which "$path"
    one_error 1 "$path: not on a runfs mount"
  done
  for path in "$other/x" "$BATS_TEST_TMPDIR/mnt/none"; do
    run --separate-stderr runfs which "$path"
    one_error 1 "$path: No"
  done
  run --separate-stderr runfs which "$other" "$BATS_TEST_TMPDIR/mnt/index.html"
  one_error 1 'not on a runfs mount'
  [[ $output == *"$SOURCE/index.html"* ]]
}

@test "which: a mount whose process is gone is a line and exit 1" {
  local pid
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  pid=$(xattr pid "$BATS_TEST_TMPDIR/mnt")
  kill -KILL "$pid"
  wait_until 10 no_driver "$BATS_TEST_TMPDIR"
  run --separate-stderr runfs which "$BATS_TEST_TMPDIR/mnt/index.html"
  one_error 1 'a dead mount'
}
