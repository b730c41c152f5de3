# Archives as directories: every form shows what tar extracts from it, from every source, however little the cache holds;
# what is known is neither fetched nor decoded again.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(archive_bucket)
  export DATA ARCHIVES=$DATA/archives
  start_rgw
  start_nginx "$DATA" "127.0.0.1:$RGW_PORT" # which serves what is read, and passes on what changes
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  LOG=$NGINX_DIR/access.log
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# mount_archives FOLDER [OPTIONS [CACHE]]: mounts a folder of the bucket, by nginx.
mount_archives() {
  mount_run "s3://archives/$1" "$MNT" "$(anonymous "$NGINX"),archives,cache=${3:-$BATS_TEST_TMPDIR/cache}${2:+,$2}"
}

# changing: a bucket of this test. put FILE NAME: stores a file in its run, which mount_changing mounts.
changing() {
  CHANGING=changing-$BATS_TEST_NUMBER
  LOG=$NGINX_DIR/fault.log
  fill -p "$RGW_DIR" "$CHANGING"
}

put() { s3 -T "$1" "/$CHANGING/run/$2"; }

# table_of CACHE: the one table of contents in it, which is kept behind the head of its blob and the archive's identity.
table_of() {
  python3 - "$1"/tables/* <<'PYTHON'
import struct, sys
kept = open(sys.argv[1], "rb").read()
sys.stdout.buffer.write(kept[40 + struct.unpack_from("<I", kept, 32)[0] :])
PYTHON
}

mount_changing() { # [OPTIONS]
  mount_run "s3://$CHANGING/run" "$MNT" "$(anonymous "$FAULTY"),archives${1:+,$1}"
}

# directory_of ARCHIVE: its name without its ending.
directory_of() {
  local name=${1##*/}
  printf '%s\n' "${name%.tar*}"
}

# all_same [PATTERN]: each archive of good/ shows what tar extracts from it.
all_same() {
  local archive pattern=${1:-*} count=0
  # shellcheck disable=SC2231 # it is a pattern
  for archive in "$ARCHIVES/good"/${pattern}.tar*; do
    same_members "$archive" "$MNT/$(directory_of "$archive")" || return
    cmp "$archive" "$MNT/${archive##*/}" || return
    count=$((count + 1))
  done
  [ "$count" -gt 2 ]
}

# same_content ARCHIVE DIR: the members below DIR, all in a row, are those of ARCHIVE.
same_content() {
  local wanted
  wanted=$(tar -xOf "$1" | sha256sum)
  [ "$(cat "$2"/* | sha256sum)" = "$wanted" ]
  [ "$(find "$2" -type f | sort | xargs cat | sha256sum)" = "$wanted" ]
}

# requests PATTERN: how many requests for keys that match have been made. Listings have no key.
requests() { grep -v 'list-type=2' "$LOG" | cut -f 2 | grep -cE "$1"; }

forget_requests() { : >"$LOG"; }

@test "every form of archive shows what tar extracts from it" {
  mount_archives good
  all_same
}

@test "the same from a local directory" {
  mount_run "$ARCHIVES/good" "$MNT" archives
  all_same '[g-p]*'
}

@test "the same from another server" {
  fill -p "$RGW_DIR" forms "$ARCHIVES/good" run
  mount_run s3://forms/run "$MNT" "$(anonymous "$RGW"),archives"
  all_same '[d-g]*'
}

@test "the same without a disk cache" {
  mount_archives good no-cache
  all_same '[bfs]*'
}

@test "without the option archives are files only" {
  mount_run s3://archives/good "$MNT" "$(anonymous "$NGINX")"
  same_tree "$ARCHIVES/good" "$MNT"
}

@test "listing the run decodes and fetches nothing" {
  mount_archives good
  forget_requests
  ls -l "$MNT" >"$BATS_TEST_TMPDIR/list"
  [ "$(grep -c '^d' "$BATS_TEST_TMPDIR/list")" -eq "$(find "$ARCHIVES/good" -name '*.tar*' | wc -l)" ]
  find "$MNT" -maxdepth 1 -newermt 1971-01-01 -printf '%T@\n' | grep -q .
  [ "$(requests .)" -eq 0 ]
}

@test "a second mount lists every archive, and reads small ones, without a request for an object" {
  mount_archives good
  find "$MNT" -printf '%P %y %s %i %n %T@\n' | sort >"$BATS_TEST_TMPDIR/first"
  runfs umount "$MNT"
  mount_archives good
  forget_requests
  find "$MNT" -printf '%P %y %s %i %n %T@\n' | sort | cmp - "$BATS_TEST_TMPDIR/first"
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/python_lib_generic"
  [ "$(requests .)" -eq 0 ]
}

@test "what does not fit into the cache is decoded again, and right" {
  mount_archives good cache-size=1M
  all_same '[bfgps]*'
}

@test "an archive whose decoded size is twice the cache reads right, forward and backward" {
  local part=$ARCHIVES/big/sums
  mount_archives big cache-size=30M
  (cd "$MNT/seekable_lib_generic" && sha256sum --quiet -c "$part")
  (cd "$MNT/seekable_lib_generic" && tac "$part" | sha256sum --quiet -c)
  (cd "$MNT/blocks_lib_generic" && sort -R --random-source="$part" "$part" | head -n 24 | sha256sum --quiet -c)
}

@test "archives that are decoded at once take no more than 128 MB" {
  local number pids=() pid
  mount_archives windows no-cache
  for number in 0 1 2 3 4; do
    same_content "$ARCHIVES/windows/w$number.tar.xz" "$MNT/w$number" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  assert_peak_memory 131072
}

@test "one late member of an archive in many parts costs a small part of it" {
  local kind size fetched member=lib/kernel200.co
  mount_archives big '' "$BATS_TEST_TMPDIR/warm"
  ls -lR "$MNT" >/dev/null
  runfs umount "$MNT"
  mkdir -m 700 "$BATS_TEST_TMPDIR/cache"
  cp -a "$BATS_TEST_TMPDIR/warm/tables" "$BATS_TEST_TMPDIR/cache"
  mount_archives big
  for kind in seekable blocks; do
    size=$(stat -c %s "$ARCHIVES"/big/$kind*)
    forget_requests
    (cd "$MNT/${kind}_lib_generic" && grep $member "$ARCHIVES/big/sums" | sha256sum --quiet -c)
    fetched=$(awk -F '\t' -v key="$kind" '$2 ~ key {sum += $6} END {print sum + 0}' "$LOG")
    [ "$fetched" -gt 0 ] || fail 'nothing was fetched'
    [ "$fetched" -lt $((size / 20)) ] || fail "$fetched bytes of $size were fetched" "$(grep "$kind" "$LOG")"
  done
}

@test "a program of an archive runs" {
  mount_archives good
  run "$MNT/frame_lib_generic/third-party/zlib/stage/bin/tool" it works
  [ "$status" -eq 0 ]
  [ "$output" = 'the tool says it works' ]
  [ ! -x "$MNT/frame_lib_generic/artifact_manifest.txt" ]
}

@test "names of one member are one file" {
  local links=$MNT/hard-links_lib_generic
  mount_archives good
  [ "$(stat -c %i "$links"/{one/file,one/second,third,two/fourth} | sort -u | wc -l)" -eq 1 ]
  [ "$(stat -c %h "$links/third")" -eq 4 ]
  [ "$(stat -c %i "$links"/{one/symlink,linked-symlink} | sort -u | wc -l)" -eq 1 ]
  [ "$(du -s --apparent-size -B1 "$links" | cut -f 1)" -lt 20 ]
}

@test "devices and FIFOs are empty files, hard links to nothing are not shown" {
  mount_archives odd
  [ "$(cd "$MNT/kinds_lib_generic" && find . -mindepth 1 -printf '%P %y %m %s\n' | sort)" = ".wh.gone f 600 0
disk f 660 0
fifo f 644 0
file f 644 5
null f 666 0" ]
  cat "$MNT/kinds_lib_generic"/{fifo,disk,null,.wh.gone} | cmp - /dev/null
}

@test "members stay below the directory of their archive" {
  mount_archives odd
  cd "$MNT/escapes_lib_generic"
  [ "$(find . -mindepth 1 -printf '%P%y ' | tr ' ' '\n' | LC_ALL=C sort | paste -sd ' ')" = 'al bl cyclel etcl inside/filef insided upl' ]
  [ "$(cat inside/file)" = in ]
  run cat cycle
  [[ $output == *'Too many levels'* ]]
  cd /
  [ "$(ls "$MNT")" = "escapes_lib_generic
escapes_lib_generic.tar.zst
kinds_lib_generic
kinds_lib_generic.tar.xz" ]
}

@test "an archive that is replaced shows its new members, and who reads the old ones gets those or an error" {
  changing
  put "$ARCHIVES/good/plain_lib_generic.tar" x.tar.xz
  mount_changing refresh=1,no-cache
  exec 8<"$MNT/x/core/base/stage/lib/libnoise.a" 9<"$MNT/x/core/base/stage/lib/libnoise.so.1.2"
  head -c 10 <&9 >/dev/null
  put "$ARCHIVES/good/hard-links_lib_generic.tar.xz" x.tar.xz
  wait_until 30 test -e "$MNT/x/one/file"
  same_members "$ARCHIVES/good/hard-links_lib_generic.tar.xz" "$MNT/x"
  tar -xf "$ARCHIVES/good/plain_lib_generic.tar" -C "$BATS_TEST_TMPDIR"
  if cat <&8 >"$BATS_TEST_TMPDIR/old" 2>"$BATS_TEST_TMPDIR/why"; then
    cmp "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/core/base/stage/lib/libnoise.a"
  else
    grep -E 'Stale|Input/output' "$BATS_TEST_TMPDIR/why"
  fi
  exec 8<&- 9<&-
  put "$ARCHIVES/good/python_lib_generic.tar.xz" x.tar.xz
  wait_until 30 test -e "$MNT/x/core"
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/x"
}

@test "with a table of contents beside it an archive is listed without being read" {
  changing
  put "$ARCHIVES/good/python_lib_generic.tar.xz" x.tar.xz
  mount_changing "cache=$BATS_TEST_TMPDIR/first"
  find "$MNT/x" -printf '%P %s\n' | sort >"$BATS_TEST_TMPDIR/wanted"
  runfs umount "$MNT"
  table_of "$BATS_TEST_TMPDIR/first" >"$BATS_TEST_TMPDIR/toc"
  put "$BATS_TEST_TMPDIR/toc" x.tar.xz.runfs-toc
  mount_changing "cache=$BATS_TEST_TMPDIR/second"
  forget_requests
  find "$MNT/x" -printf '%P %s\n' | sort | cmp - "$BATS_TEST_TMPDIR/wanted"
  [ "$(requests 'x\.tar\.xz$')" -eq 0 ]
  [ "$(requests 'runfs-toc$')" -gt 0 ]
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/x"
}

@test "a table of contents that is damaged, or of another archive, is not used" {
  changing
  put "$ARCHIVES/good/python_lib_generic.tar.xz" x.tar.xz
  mount_changing "cache=$BATS_TEST_TMPDIR/first"
  ls "$MNT/x" >/dev/null
  runfs umount "$MNT"
  table_of "$BATS_TEST_TMPDIR/first" | tr n N >"$BATS_TEST_TMPDIR/toc"
  put "$BATS_TEST_TMPDIR/toc" x.tar.xz.runfs-toc
  mount_changing "cache=$BATS_TEST_TMPDIR/second"
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/x"
  runfs umount "$MNT"
  table_of "$BATS_TEST_TMPDIR/first" >"$BATS_TEST_TMPDIR/toc"
  put "$BATS_TEST_TMPDIR/toc" x.tar.xz.runfs-toc
  put "$ARCHIVES/good/frame_lib_generic.tar.zst" x.tar.xz
  mount_changing "cache=$BATS_TEST_TMPDIR/third"
  same_members "$ARCHIVES/good/frame_lib_generic.tar.zst" "$MNT/x"
}
