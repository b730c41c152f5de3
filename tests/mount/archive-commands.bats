# Archives without a mount: ls and cat into them, tables of contents by index, and what a mount tells of members.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is its own process; bats sets status, output and stderr

load lib

# pack ARCHIVE COMPRESSOR...: the members of $TREE.
pack() { tar -C "$TREE" -S --sort=name -cf - . | "${@:2}" >"$ORIGINAL/$1"; }

# sum_of ARCHIVE: its .sha256sum.
sum_of() { sha256sum "$ORIGINAL/$1" | cut -c1-64 >"$ORIGINAL/$1.sha256sum"; }

make_tree() {
  mkdir -p "$TREE/core/bin" "$TREE/odd"
  printf '#!/bin/sh\necho hello\n' >"$TREE/core/bin/tool"
  chmod 750 "$TREE/core/bin/tool"
  ln -s bin/tool "$TREE/core/link"
  ln "$TREE/core/bin/tool" "$TREE/core/same"
  truncate -s 1M "$TREE/core/sparse"
  echo end >>"$TREE/core/sparse"
  echo first >"$TREE/odd/a b.txt"
  printf 'no UTF-8' >"$TREE/odd/"$'\xff'
}

make_archives() {
  mkdir -p "$ORIGINAL/logs"
  echo page >"$ORIGINAL/index.html"
  echo line >"$ORIGINAL/logs/a.log"
  pack tool.tar.xz xz
  pack tool.tar.zst zstd -q
  pack plain.tar cat
  pack broken.tar.xz xz
  printf 'XXXX' | dd of="$ORIGINAL/broken.tar.xz" bs=1 seek=200 conv=notrunc status=none
  echo 'no archive at all' >"$ORIGINAL/nothing.tar.gz"
  seq 1 300000 >"$TREE/core/numbers"
  pack cut.tar.xz xz -T1 --block-size=128KiB
  sum_of cut.tar.xz
  truncate -s -20K "$ORIGINAL/cut.tar.xz"
  pack other.tar.xz xz -0
  openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 24M >"$TREE/core/big"
  head -c 24M "$TREE/core/big" | split -b 1M - "$TREE/core/part."
  rm "$TREE/core/big"
  pack summed.tar.xz xz -0 -T1 --block-size=1MiB
  pack object.tar.zst zstd -q -1 -B1M
  sum_of summed.tar.xz
}

# The tables: of a file with its .sha256sum, of an object, and a wrong one.
make_tables() {
  "$RUNFS" index "$ORIGINAL/summed.tar.xz"
  start_nginx "$DATA" # before the tables are there
  (
    export AWS_ENDPOINT_URL_S3=$NGINX AWS_REGION=us-east-1
    "$RUNFS" index -o "$ORIGINAL/object.tar.zst.runfs-toc" "$SOURCE/object.tar.zst"
  )
  "$RUNFS" index -o "$ORIGINAL/other.tar.xz.runfs-toc" "$ORIGINAL/tool.tar.xz"
}

setup_file() {
  export DATA=$BATS_FILE_TMPDIR/data TREE=$BATS_FILE_TMPDIR/tree
  export ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  make_tree
  make_archives
  make_tables
  unset NGINX # which nginx takes for sockets that it is to inherit
  start_rgw
  start_nginx "$DATA" "127.0.0.1:$RGW_PORT"
  # a server that gives MD5s as ETags: the table was made before the upload
  mkdir "$BATS_FILE_TMPDIR/late"
  cp "$ORIGINAL/summed.tar.xz" "$ORIGINAL/other.tar.xz" "$BATS_FILE_TMPDIR/late"
  "$RUNFS" index "$BATS_FILE_TMPDIR/late/summed.tar.xz"
  ln -s summed.tar.xz "$BATS_FILE_TMPDIR/late/large.tar.xz" # without a table
  fill -p "$RGW_DIR" late "$BATS_FILE_TMPDIR/late"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  : >"$NGINX_DIR/access.log"
  : >"$NGINX_DIR/fault.log"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

opened() { printf '%s,archives' "$(anonymous "$NGINX")"; }

# fetched LOG KEY: the bytes that were got of an object.
fetched() { awk -F'\t' -v key="/$2" '$1 == "GET" && substr($2, length($2) - length(key) + 1) == key {n += $6} END {print n + 0}' "$NGINX_DIR/$1"; }

# unpacked ARCHIVE: a directory with what tar makes of it.
unpacked() {
  mkdir -p "$BATS_TEST_TMPDIR/unpacked"
  tar -xf "$ORIGINAL/$1" -C "$BATS_TEST_TMPDIR/unpacked"
  printf '%s\n' "$BATS_TEST_TMPDIR/unpacked"
}

@test "ls of the root shows each archive as a directory, too, and decodes nothing" {
  run --separate-stderr runfs ls -l "$SOURCE" -o "$(opened)"
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  for name in tool tool.tar.xz.d plain broken nothing summed; do
    grep -qE "^drwxr-xr-x +0 .* $name$" <<<"$output" || fail "no directory $name: $output"
  done
  [ "$(grep -c GET "$NGINX_DIR/access.log")" -eq "$(grep -c list-type "$NGINX_DIR/access.log")" ]
}

@test "without the option, archives are files only" {
  run runfs ls "$SOURCE" -o "$(anonymous "$NGINX")"
  [[ $'\n'$output$'\n' != *$'\ntool\n'* ]]
  run --separate-stderr runfs cat "$SOURCE" tool/core/bin/tool -o "$(anonymous "$NGINX")"
  one_error 1 'tool/core/bin/tool'
}

@test "of the archives only those selected show as directories" {
  run runfs ls "$SOURCE" -o "$(opened),include=^tool,include=^summed,exclude=zst$"
  [ "$status" -eq 0 ]
  [[ $'\n'$output$'\n' == *$'\ntool\n'* && $'\n'$output$'\n' == *$'\nsummed\n'* ]]
  [[ $'\n'$output$'\n' != *$'\nplain\n'* && $output == *plain.tar* ]]
  cmp <(runfs cat "$SOURCE" tool/core/same -o "$(opened),exclude=zst$") "$TREE/core/same"
  run --separate-stderr runfs ls "$SOURCE" -o 'archives,include=['
  one_error 1 "option 'include=\[': bad value"
}

@test "ls goes into archives, of a server and of a directory" {
  local source options
  for source in "$SOURCE" "$ORIGINAL"; do
    options=archives
    if [ "$source" = "$SOURCE" ]; then options=$(opened); fi
    diff <(runfs ls "$source" tool -o "$options") <(printf '%s\n' core odd)
    diff <(runfs ls "$source" plain/core/bin -o "$options") <(echo tool)
    diff <(runfs ls "$source" tool.tar.xz.d/core/link tool/odd -o "$options") \
      <(printf '%s\n' tool.tar.xz.d/core/link 'tool/odd/a b.txt' $'tool/odd/\xff')
  done
}

@test "ls -l shows recorded modes, link targets and SHA-256" {
  local sum
  sum=$(sha256sum "$TREE/core/bin/tool" | cut -c1-64)
  run runfs ls -l "$SOURCE" tool/core tool/core/bin -o "$(opened)"
  [ "$status" -eq 0 ]
  grep -qE "^-rwxr-x--- +21 .* $sum +tool/core/bin/tool$" <<<"$output" || fail "$output"
  grep -qE "^-rwxr-x--- +21 .* $sum +tool/core/same$" <<<"$output"
  grep -qE '^lrwxrwxrwx .* tool/core/link -> bin/tool$' <<<"$output"
  grep -qE '^drwxr-xr-x +0 .* - +tool/core/bin$' <<<"$output"
  runfs ls --json "$SOURCE" tool/core -o "$(opened)" >"$BATS_TEST_TMPDIR/json"
  [ "$(jq -r '.[] | select(.path == "tool/core/same") | .sha256' "$BATS_TEST_TMPDIR/json")" = "$sum" ]
  [ "$(jq -r '.[] | select(.path == "tool/core/link") | .target' "$BATS_TEST_TMPDIR/json")" = bin/tool ]
}

@test "ls -R lists what tar unpacks" {
  diff <(runfs ls -R "$SOURCE" summed -o "$(opened)" | LC_ALL=C sort) \
    <(cd "$(unpacked summed.tar.xz)" && find . -mindepth 1 -printf 'summed/%P\n' | LC_ALL=C sort)
}

@test "cat writes members as tar unpacks them, in order with other files" {
  local source options
  for source in "$SOURCE" "$ORIGINAL"; do
    options=archives
    if [ "$source" = "$SOURCE" ]; then options=$(opened); fi
    runfs cat "$source" 'tool/odd/a b.txt' index.html plain/core/same summed/core/numbers -o "$options" |
      cmp - <(cat "$TREE/odd/a b.txt" "$ORIGINAL/index.html" "$TREE/core/bin/tool" "$TREE/core/numbers")
  done
}

@test "cat of an archive's directory decodes nothing, and like that of what is not in one is exit 1" {
  run --separate-stderr runfs cat "$SOURCE" tool -o "$(opened)"
  one_error 1 'tool: Is a directory'
  [ "$(fetched access.log tool.tar.zst)" -eq 0 ]
  run --separate-stderr runfs cat "$SOURCE" tool/core/none -o "$(opened)"
  one_error 1 'tool/core/none: No such file'
}

@test "cat follows links in archives, and of a directory, but not out of the run" {
  runfs cat "$SOURCE" tool/core/link tool/core/bin/../link -o "$(opened)" |
    cmp - <(cat "$TREE/core/bin/tool" "$TREE/core/bin/tool")
  mkdir "$BATS_TEST_TMPDIR/run"
  ln -s "$BATS_TEST_TMPDIR/run/file" "$BATS_TEST_TMPDIR/run/out"
  ln -s file "$BATS_TEST_TMPDIR/run/in"
  echo text >"$BATS_TEST_TMPDIR/run/file"
  [ "$(runfs cat "$BATS_TEST_TMPDIR/run" in)" = text ]
  run --separate-stderr runfs cat "$BATS_TEST_TMPDIR/run" out
  one_error 1 'out: a symbolic link leads out of the run, to /'
}

@test "decoding an archive for the first time shows a bar on a terminal, unless -q" {
  local out=$BATS_TEST_TMPDIR/out slow
  slow=$(anonymous "$FAULTY"),archives,no-cache
  faults '{"match":"large.tar.xz$","delay_ms":200}'
  on_terminal cat s3://late 'large/odd/a b.txt' -o "$slow" >"$out"
  grep -q ' % \[' "$out"
  grep -q first "$out"
  faults '{"match":"large.tar.xz$","delay_ms":200}'
  on_terminal ls -q s3://late large -o "$slow" >"$out"
  run ! grep -q ' % \[' "$out"
  grep -q odd "$out"
}

@test "an archive that cannot be read is one line and exit 1, and the rest is listed" {
  run --separate-stderr runfs ls "$SOURCE" broken logs -o "$(opened)"
  one_error 1 'broken\.tar\.xz: .*(corrupt|damaged)'
  [ "$output" = logs/a.log ]
  run --separate-stderr runfs ls "$SOURCE" nothing tool -o "$(opened)"
  one_error 1 'nothing\.tar\.gz: not an archive'
  [ "$output" = tool/core$'\n'tool/odd ]
  run --separate-stderr runfs cat "$ORIGINAL" broken/core/same index.html -o archives
  one_error 1 'broken\.tar\.xz: '
  [ "$output" = page ]
}

@test "ls -R goes on behind archives that cannot be read" {
  run --separate-stderr runfs ls -R "$SOURCE" -o "$(opened)"
  [ "$status" -eq 1 ]
  [ "$(grep -cE 'broken|nothing|cut' <<<"$stderr")" -eq 3 ]
  grep -qx tool/core/bin/tool <<<"$output"
}

@test "of an archive that is cut short, what can be trusted is listed and read; exit 1 says that it is not all" {
  run --separate-stderr runfs ls "$SOURCE" cut/core -o "$(opened)"
  one_error 1 'cut\.tar\.xz: '
  [[ $output == *bin* ]]
  runfs cat "$SOURCE" cut/core/bin/tool -o "$(opened)" 2>/dev/null | cmp - "$TREE/core/bin/tool"
}

@test "with verify, nothing is shown of an archive that cannot be compared with its .sha256sum to the end" {
  run --separate-stderr runfs ls "$SOURCE" cut/core logs -o "$(opened),verify"
  one_error 1 'cut\.tar\.xz: '
  [ "$output" = logs/a.log ]
}

@test "SIGINT ends the decoding of an archive" {
  faults '{"match":"other.tar.xz$","rate":"10k"}'
  run timeout -k 10 -s INT 2 "$RUNFS" ls s3://late other -o "$(anonymous "$FAULTY"),archives"
  [ "$status" -eq 124 ]
}

@test "index writes a table beside the archive, to a file and to standard output" {
  local dir=$BATS_TEST_TMPDIR/index
  mkdir "$dir"
  cp "$ORIGINAL/tool.tar.xz" "$dir"
  run runfs index "$dir/tool.tar.xz"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [ "$(head -c 8 "$dir/tool.tar.xz.runfs-toc")" = RUNFSTOC ]
  runfs index "$dir/tool.tar.xz" -o - | cmp - "$dir/tool.tar.xz.runfs-toc"
  runfs index -o "$dir/table" "$dir/tool.tar.xz"
  cmp "$dir/table" "$dir/tool.tar.xz.runfs-toc"
  [ "$(find "$dir" -type f | wc -l)" -eq 3 ]
}

@test "index refuses what is damaged, cut short or no archive, and leaves nothing" {
  local name
  for name in broken.tar.xz cut.tar.xz nothing.tar.gz index.html; do
    run --separate-stderr runfs index -o "$BATS_TEST_TMPDIR/table" "$ORIGINAL/$name"
    one_error 1 "$name: "
  done
  [ -z "$(find "$BATS_TEST_TMPDIR" -name 'table*')" ]
  run --separate-stderr runfs index "$ORIGINAL/none.tar"
  one_error 1 'none.tar: No such file'
  run --separate-stderr runfs index "$ORIGINAL"
  one_error 1 'not a regular file'
  run --separate-stderr runfs index -o "$ORIGINAL/tool.tar.xz" "$ORIGINAL/tool.tar.xz"
  one_error 1 'must not replace'
  run --separate-stderr runfs index
  [ "$status" -eq 2 ]
}

@test "index of an object that is not there, and of a bucket, is exit 1" {
  export AWS_ENDPOINT_URL_S3=$NGINX AWS_REGION=us-east-1
  run --separate-stderr runfs index -o - "$SOURCE/none.tar"
  one_error 1 'none.tar: No such file'
  run --separate-stderr runfs index -o - "s3://$BUCKET"
  one_error 1 's3://BUCKET/KEY'
}

# browse SOURCE OPTIONS LOG ARCHIVE: mounts; all is listed without the archive, a member is read with a part of it.
browse() {
  local stem=${4%.tar.*} all
  all=$(stat -c %s "$ORIGINAL/$4")
  mount_run "$1" "$BATS_TEST_TMPDIR/mnt" "$2"
  diff <(cd "$BATS_TEST_TMPDIR/mnt/$stem" && find . -printf '%p %y %m %s %l %T@\n' | grep -av ' d ' | sort) \
    <(cd "$(unpacked "$4")" && find . -printf '%p %y %m %s %l %T@\n' | grep -av ' d ' | sort)
  [ "$(fetched "$3" "$4")" -eq 0 ]
  cmp "$BATS_TEST_TMPDIR/mnt/$stem/core/part.ap" "$TREE/core/part.ap"
  [ "$(fetched "$3" "$4")" -gt 0 ]
  [ "$(fetched "$3" "$4")" -lt $((all / 6)) ]
}

@test "with its table and its .sha256sum beside it, an archive is listed without it and read in part" {
  browse "$SOURCE" "$(opened)" access.log summed.tar.xz
  [ "$(fetched access.log summed.tar.xz.runfs-toc)" -gt 0 ]
}

@test "a table made of the object fits by its ETag" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(opened)"
  [ "$(find "$BATS_TEST_TMPDIR/mnt/object/core" -maxdepth 1 | wc -l)" -eq 30 ]
  [ "$(fetched access.log object.tar.zst)" -eq 0 ]
  cmp "$BATS_TEST_TMPDIR/mnt/object/core/numbers" "$TREE/core/numbers"
}

@test "a table made before the upload fits by MD5 where there is no .sha256sum" {
  browse s3://late "$(anonymous "$FAULTY"),archives" fault.log summed.tar.xz
}

@test "ls and cat use the table, too" {
  runfs cat "$SOURCE" summed/core/part.ap -o "$(opened),no-cache" | cmp - "$TREE/core/part.ap"
  [ "$(fetched access.log summed.tar.xz)" -lt $(($(stat -c %s "$ORIGINAL/summed.tar.xz") / 4)) ]
}

@test "a table of another archive is not used, and the log says so" {
  run --separate-stderr runfs ls "$SOURCE" other/core -o "$(opened)"
  [ "$status" -eq 0 ]
  [[ $stderr == *other.tar.xz.runfs-toc*'not used'* ]]
  [ "$output" = $'bin\nlink\nnumbers\nsame\nsparse' ]
}

@test "extended attributes tell what a member is" {
  local mnt=$BATS_TEST_TMPDIR/mnt
  mount_run "$SOURCE" "$mnt" "$(opened)"
  [ "$(xattr source "$mnt/tool/core/bin/tool")" = 'tool.tar.zst core/bin/tool' ]
  [ "$(xattr source "$mnt/tool.tar.xz.d/odd/a b.txt")" = 'tool.tar.xz odd/a b.txt' ]
  [ "$(xattr sha256 "$mnt/tool/core/bin/tool")" = "$(sha256sum "$TREE/core/bin/tool" | cut -c1-64)" ]
  [ "$(xattr sha256 "$mnt/tool/core/sparse")" = "$(sha256sum "$TREE/core/sparse" | cut -c1-64)" ]
  [ "$(xattr s3_uri "$mnt/tool")" = "$SOURCE/tool.tar.zst" ]
  [ "$(xattr etag "$mnt/tool")" = "$(xattr etag "$mnt/tool.tar.zst")" ]
  [ "$(getfattr -h -m - "$mnt/tool/core/bin/tool" 2>/dev/null | grep -c '^user\.runfs')" -eq 2 ]
  run xattr error "$mnt/tool"
  [ "$status" -ne 0 ]
  run xattr source "$mnt/tool.tar.xz"
  [ "$status" -ne 0 ]
}

@test "extended attributes tell what is wrong with an archive" {
  local mnt=$BATS_TEST_TMPDIR/mnt
  mount_run "$SOURCE" "$mnt" "$(opened)"
  run ls "$mnt/broken"
  [ "$status" -ne 0 ]
  [[ $(xattr error "$mnt/broken") == *broken.tar.xz* ]]
  ls "$mnt/cut/core" >/dev/null
  [ -n "$(xattr error "$mnt/cut")" ]
  [ "$(xattr error "$mnt/cut/core/bin/tool")" = "$(xattr error "$mnt/cut")" ]
}

# objects_asked N: the server has answered N requests for objects. It logs each after its answer.
objects_asked() { [ "$(grep -vc list-type= "$NGINX_DIR/fault.log")" -eq "$1" ]; }

# Here, since this file has a server whose ETags are MD5s.
@test "diff reads nothing where ETags are MD5s" {
  local two=$BATS_TEST_TMPDIR/two i
  mkdir -p "$two/old/logs"
  for i in {1..50}; do echo "log $i" >"$two/old/logs/$i.log"; done
  cp -r "$two/old" "$two/new"
  echo 'LOG 7' >"$two/new/logs/7.log"
  fill -p "$RGW_DIR" two "$two"
  [ "$(runfs diff s3://two/old s3://two/new -o "$(anonymous "$FAULTY")")" = $'M\tlogs/7.log' ]
  run ! grep -v list-type= "$NGINX_DIR/fault.log"
  [ "$(runfs diff "$two/old" s3://two/new -o "$(anonymous "$FAULTY")")" = $'M\tlogs/7.log' ]
  wait_until 10 objects_asked 50
}
