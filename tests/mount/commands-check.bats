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

# two_runs: the runs "old" and "new" of the bucket "two", filled once a file.
two_runs() {
  local two=$BATS_FILE_TMPDIR/two
  mkdir -p "$two/old/logs" "$two/old/gone" "$two/old/tree"
  seq 1 200 | while read -r i; do echo "log $i" >"$two/old/logs/$i.log"; done
  head -c 3M /dev/zero >"$two/old/large"
  echo gone >"$two/old/gone/file"
  echo file >"$two/old/turned"
  mkdir "$BATS_FILE_TMPDIR/members"
  for i in same changed removed; do echo "$i" >"$BATS_FILE_TMPDIR/members/$i"; done
  echo run >"$BATS_FILE_TMPDIR/members/mode"
  ln -s same "$BATS_FILE_TMPDIR/members/link"
  tar -C "$BATS_FILE_TMPDIR/members" -cf - . | xz -0 >"$two/old/a_lib_generic.tar.xz"
  cp "$two/old/a_lib_generic.tar.xz" "$two/old/b_lib_generic.tar.xz"
  cp -r "$two/old" "$two/new"
  echo 'LOG 7' >"$two/new/logs/7.log"
  printf X | dd of="$two/new/large" bs=1 seek=2500000 conv=notrunc status=none
  rm -r "$two/new/gone" "$two/new/turned" "$two/new/tree"
  mkdir "$two/new/turned"
  echo new >"$two/new/turned/file"
  echo CHANGED >"$BATS_FILE_TMPDIR/members/changed"
  rm "$BATS_FILE_TMPDIR/members/removed"
  echo added >"$BATS_FILE_TMPDIR/members/added"
  chmod +x "$BATS_FILE_TMPDIR/members/mode"
  ln -sf changed "$BATS_FILE_TMPDIR/members/link"
  tar -C "$BATS_FILE_TMPDIR/members" -cf - . | xz -0 >"$two/new/a_lib_generic.tar.xz"
}

differences() { printf '%s\t%s\n' M a_lib_generic.tar.xz D gone/file M large M logs/7.log D turned A turned/file; }

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
  two_runs
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

@test "verify: a view hides nothing from it" {
  run --separate-stderr runfs verify "$ORIGINAL" -o view=dist
  [ "$status" -eq 1 ]
  grep -q '^runfs: bad/base_lib_generic.tar.xz: its SHA-256 is' <<<"$stderr"
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

@test "diff: two directories are compared by reading" {
  diff <(differences) <(runfs diff "$BATS_FILE_TMPDIR/two/old" "$BATS_FILE_TMPDIR/two/new")
  [ -z "$(runfs diff "$BATS_FILE_TMPDIR/two/old" "$BATS_FILE_TMPDIR/two/old")" ]
  [ "$(runfs diff "$BATS_FILE_TMPDIR/two/old" "$BATS_FILE_TMPDIR/two/new" logs)" = $'M\tlogs/7.log' ]
  [ "$(runfs diff "$BATS_FILE_TMPDIR/two/new" "$BATS_FILE_TMPDIR/two/old" gone)" = $'A\tgone/file' ]
}

@test "diff: links, and what became one" {
  local dir=$BATS_TEST_TMPDIR
  mkdir "$dir/old" "$dir/new"
  echo x >"$dir/old/file"
  ln -s x "$dir/new/file"
  ln -s a "$dir/old/link"
  ln -s b "$dir/new/link"
  [ "$(runfs diff "$dir/old" "$dir/new")" = $'T\tfile\nM\tlink' ]
  runfs diff --json "$dir/old" "$dir/new" >"$dir/json"
  [ "$(jq -c '.[1] | [.status, .path, .old.target, .new.target]' "$dir/json")" = '["changed","link","a","b"]' ]
  [ "$(jq -c '.[0] | [.status, .old.type, .new.type]' "$dir/json")" = '["retyped","file","symlink"]' ]
}

@test "diff: with archives, what lies in those that differ" {
  run --separate-stderr runfs diff -o archives "$BATS_FILE_TMPDIR/two/old" "$BATS_FILE_TMPDIR/two/new" a_lib_generic
  [ "$status" -eq 0 ]
  diff <(printf '%s\n' "$output") \
    <(printf '%s\ta_lib_generic/%s\n' A added M changed M link M mode D removed)
  runfs diff --json -o archives "$BATS_FILE_TMPDIR/two/old" "$BATS_FILE_TMPDIR/two/new" a_lib_generic >"$BATS_TEST_TMPDIR/json"
  [ "$(jq -r '.[1].new.sha256' "$BATS_TEST_TMPDIR/json")" = "$(echo CHANGED | sha256sum | cut -c1-64)" ]
  diff <(differences | sed -n 2,6p) <(runfs diff --new archives "$BATS_FILE_TMPDIR/two/old" "$BATS_FILE_TMPDIR/two/new" | grep -v _lib_)
}

@test "diff: what cannot be read is a line and exit 1, the rest is told" {
  run --separate-stderr runfs diff "$ORIGINAL" "$ORIGINAL" none
  one_error 1 none
  run --separate-stderr runfs diff "$ORIGINAL" /none
  one_error 1 /none
  run --separate-stderr runfs diff "$ORIGINAL"
  [ "$status" -eq 2 ]
  run --separate-stderr runfs diff "$ORIGINAL" "$ORIGINAL" --old nonsense
  one_error 1 nonsense
  faults '{"match":"a_build.log$","p403":1}'
  run --separate-stderr runfs diff "$ORIGINAL" "$SOURCE" --new "$(anonymous "$FAULTY")"
  one_error 1 'a_build.log.*AccessDenied'
  [ -z "$output" ]
}
