# The commands that need no mount: ls, cat, resolve, help and --version.
# shellcheck disable=SC2030,SC2031,SC2154

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
}

teardown_file() { end_everything; }
setup() { faults '[]'; }

@test "ls lists the root of a run, a name a line" {
  run runfs ls "$SOURCE" -o "$(anonymous "$NGINX")"
  [ "$status" -eq 0 ]
  diff <(printf '%s\n' "${lines[@]%/}" | sort) <(find "$ORIGINAL" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)
}

@test "ls of a directory is the same from S3 and from disk" {
  local path
  for path in logs manifests/$GROUP 'logs/odd names'; do
    diff <(runfs ls "$SOURCE" "$path" -o "$(anonymous "$NGINX")") <(runfs ls "$ORIGINAL" "$path")
  done
}

@test "ls -R shows every file" {
  runfs ls -R "$SOURCE" -o "$(anonymous "$NGINX")" >"$BATS_TEST_TMPDIR/all"
  [ "$(grep -cE 'build\.log' "$BATS_TEST_TMPDIR/all")" -eq "$(find "$ORIGINAL" -name '*build.log' | wc -l)" ]
}

@test "ls -l shows mode, size and time" {
  run runfs ls -l "$SOURCE" blas_lib_gfx94X-dcgpu.tar.zst -o "$(anonymous "$NGINX")"
  [ "$status" -eq 0 ]
  [[ $output == *rw-r--r--* && $output == *2026-09-01* ]]
  [[ $output == *"$(stat -c %s "$ORIGINAL/blas_lib_gfx94X-dcgpu.tar.zst")"* ]]
}

@test "ls --json is JSON, with every name as it is" {
  local name
  runfs ls -R --json "$SOURCE" -o "$(anonymous "$NGINX")" >"$BATS_TEST_TMPDIR/json"
  jq -e . "$BATS_TEST_TMPDIR/json" >/dev/null
  jq -r '.. | strings' "$BATS_TEST_TMPDIR/json" >"$BATS_TEST_TMPDIR/strings"
  for name in "$ORIGINAL/logs/odd names"/*; do
    grep -qF -- "${name##*/}" "$BATS_TEST_TMPDIR/strings" || fail "no ${name##*/}"
  done
}

@test "ls of what is not there is one line and exit 1, and the rest is listed" {
  run --separate-stderr runfs ls "$SOURCE" no-such-path -o "$(anonymous "$NGINX")"
  one_error 1 no-such-path
  run --separate-stderr runfs ls "$SOURCE" no-such-path index.html -o "$(anonymous "$NGINX")"
  one_error 1 no-such-path
  [[ $output == *index.html* ]]
}

@test "cat writes files, whole and in order" {
  local file=blas_lib_gfx94X-dcgpu.tar.zst
  runfs cat -o "$(anonymous "$NGINX")" "$SOURCE" "$file" index.html "logs/odd names/100%.log" |
    cmp - <(cd "$ORIGINAL" && cat "$file" index.html "logs/odd names/100%.log")
  runfs cat "$ORIGINAL" "$file" | cmp - "$ORIGINAL/$file"
}

@test "cat of what is not there, of a directory, and of what a server cuts short is exit 1" {
  run --separate-stderr runfs cat "$SOURCE" no-such-file -o "$(anonymous "$NGINX")"
  one_error 1 no-such-file
  run --separate-stderr runfs cat "$SOURCE" logs -o "$(anonymous "$NGINX")"
  one_error 1 directory
  faults '{"match":"index.html","ptrunc":1}'
  run --separate-stderr runfs cat "$SOURCE" index.html -o "$(anonymous "$FAULTY"),timeout=2"
  one_error 1 "$RUN/index.html"
}

@test "cat into a closed pipe ends quietly" {
  local said=$BATS_TEST_TMPDIR/err
  [ "$(runfs cat "$ORIGINAL" blas_lib_gfx94X-dcgpu.tar.zst 2>"$said" | head -c 10 | wc -c)" -eq 10 ]
  [ ! -s "$said" ]
}

@test "cat into a full disk is exit 1" {
  local status=0
  runfs cat "$ORIGINAL" index.html >/dev/full 2>"$BATS_TEST_TMPDIR/err" || status=$?
  [ "$status" -eq 1 ]
  grep -q '^runfs: .*No space left' "$BATS_TEST_TMPDIR/err"
}

@test "resolve prints an output's location in its forms, without any I/O" {
  run runfs resolve 12345678901 log-file "$GROUP" 'a b+c:d.log' -o platform=linux,repo=ROCm/TheRock,release-type=ci \
    --staging-dir /staging
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = $'s3_uri\t'"s3://$BUCKET/$RUN/logs/$GROUP/a b+c:d.log" ]
  [ "${lines[1]}" = $'https_url\t'"https://$BUCKET.s3.amazonaws.com/$RUN/logs/$GROUP/a%20b%2Bc%3Ad.log" ]
  [ "${lines[2]}" = $'local_path\t'"/staging/$RUN/logs/$GROUP/a b+c:d.log" ]
}

@test "resolve refuses what is wrong, naming what is allowed" {
  run --separate-stderr runfs resolve 12345678901 root -o release-type=release
  one_error 1 'ci.*dev.*nightly.*prerelease'
  run --separate-stderr runfs resolve 12345678901 nonsense
  one_error 1 'nonsense.*log-dir'
}

@test "help and --version" {
  local command
  run runfs --version
  [ "$status" -eq 0 ]
  [[ $output =~ ^runfs\ [0-9]+\.[0-9]+ ]]
  run runfs help
  [ "$status" -eq 0 ]
  for command in mount umount ls cat fetch diff verify resolve which index status cache help; do
    [[ $output == *"$command"* ]] || fail "help does not name $command"
    runfs help "$command" </dev/null | grep -q "$command" || fail "no help for $command"
  done
}
