# Archives of which the beginning has come only: their first members are there, and right, while the server still holds back
# the last bytes; what the end makes of them; who waits for it.
# shellcheck disable=SC2154 # bats sets output and status

load lib

# add NAME TEXT: a member of $WORK/tree; pack NAME COMMAND...: all of them so far, by a command from tar to archive.
add() {
  mkdir -p "$(dirname "$WORK/tree/$1")"
  cat >"$WORK/tree/$1"
  touch -d 2026-09-01T12:00:00Z "$WORK/tree/$1"
  tar -C "$WORK/tree" -rf "$WORK/run.tar" "$1"
}

pack() {
  local name=$1
  shift
  "$@" <"$WORK/run.tar" >"$DATA/early/run/$name"
}

# The first member is a page of text, the long one takes decoding some 36 MB, the first one comes again at the end.
setup_file() {
  export WORK=$BATS_FILE_TMPDIR/work DATA=$BATS_FILE_TMPDIR/data
  mkdir -p "$WORK/tree" "$DATA/early/run"
  seq 1 1000 | add first/member
  printf '#!/bin/sh\necho the tool says "$@"\n' | add bin/tool
  chmod 755 "$WORK/tree/bin/tool"
  tar -C "$WORK/tree" -rf "$WORK/run.tar" bin/tool
  seq 1 300000 | add first/second
  ln "$WORK/tree/first/second" "$WORK/tree/first/again"
  ln -s second "$WORK/tree/first/link"
  tar -C "$WORK/tree" -rf "$WORK/run.tar" first/second first/again first/link
  seq 1 4700000 | add long
  seq 5 | add first/last
  pack frame.tar.zst zstd -q -1 -c
  pack frames.tar.zst split -b 1M --filter='zstd -q -1 -c' -
  pack plain.tar cat
  cp "$DATA/early/run/frame.tar.zst" "$DATA/early/run/wrong.tar.zst"
  sha256sum <"$WORK/run.tar" >"$DATA/early/run/wrong.tar.zst.sha256sum"
  cp "$DATA/early/run/frame.tar.zst" "$DATA/early/run/right.tar.zst"
  sha256sum <"$DATA/early/run/right.tar.zst" >"$DATA/early/run/right.tar.zst.sha256sum"
  cp "$DATA/early/run/frame.tar.zst" "$DATA/early/run/damaged.tar.zst"
  flip_last "$DATA/early/run/damaged.tar.zst"
  seq 2001 3000 | add first/member
  pack twice.tar.zst zstd -q -1 -c
  start_nginx "$DATA"
}

# Spoils the checksum at the end of a frame.
flip_last() {
  python3 - "$1" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(-1, 2)
    last = file.read(1)[0]
    file.seek(-1, 2)
    file.write(bytes([last ^ 1]))
PYTHON
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  MNT=$BATS_TEST_TMPDIR/mnt
  RUN=$DATA/early/run
}

teardown() {
  faults '[]'
  unmount_below "$BATS_TEST_TMPDIR"
}

mount_early() { # [OPTIONS]
  mount_run s3://early/run "$MNT" "$(anonymous "$FAULTY"),archives,refresh=3600${1:+,$1}"
}

# hold_back ARCHIVE: its last bytes are not sent before `release`.
hold_back() {
  faults '{"match":"'"$1"'","range":"-'"$(($(stat -c %s "$RUN/$1") - 1))"'$","phold":1}'
}

release() { faults '[]'; }

# is_first FILE, is_second FILE: it has the content that the archive begins with.
is_first() { cmp - "$1" < <(seq 1 1000); }
is_second() { cmp - "$1" < <(seq 1 300000); }

eio() {
  run timeout 60 "$@"
  [ "$status" -ne 0 ]
  [ "$status" -ne 124 ]
  [[ $output == *'Input/output error'* ]] || fail "$output"
}

# What is open as 5 gives an error.
cannot_read_on() {
  run head -c 1 <&5
  [ "$status" -ne 0 ] && [[ $output == *'Input/output error'* ]]
}

# in_background COMMAND...: as PATIENT, when its archive's last bytes have been asked for.
in_background() {
  env --default-signal=INT "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  PATIENT=$!
  wait_until 30 hits 1
}

@test "the first members are read, listed alone and run while the last bytes have not been sent" {
  local name archive ino
  mount_early
  for archive in frame.tar.zst frames.tar.zst plain.tar; do
    name=${archive%%.*}
    hold_back "$archive"
    is_first "$MNT/$name/first/member"
    is_second "$MNT/$name/first/second"
    is_second "$MNT/$name/first/link"
    [ "$(stat -c %s,%a,%F "$MNT/$name/first/member")" = '3893,644,regular file' ]
    [ "$(readlink "$MNT/$name/first/link")" = second ]
    [ "$MNT/$name/first/again" -ef "$MNT/$name/first/second" ] || fail "$name: a hard link is another file"
    [ "$("$MNT/$name/bin/tool" early)" = 'the tool says early' ]
    [ -d "$MNT/$name/first" ]
    ino=$(stat -c %i "$MNT/$name/first/second")
    in_background ls "$MNT/$name"
    kill -0 "$PATIENT" || fail "$name: what is still to come was listed"
    release
    wait "$PATIENT"
    [ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/out")" = 'bin first long ' ]
    tar -xOf "$RUN/$archive" long | cmp - "$MNT/$name/long"
    [ "$(stat -c %i,%h "$MNT/$name/first/second" "$MNT/$name/first/again" | uniq)" = "$ino,2" ]
  done
}

@test "the same with nothing kept on disk, and by runfs cat" {
  mount_early no-cache
  hold_back frame.tar.zst
  is_first "$MNT/frame/first/member"
  is_second "$MNT/frame/first/second"
  runfs cat s3://early/run frame/first/member -o "$(anonymous "$FAULTY"),archives,no-cache" | is_first -
  release
  tar -xOf "$RUN/frame.tar.zst" long | cmp - "$MNT/frame/long"
}

@test "what is still to come is waited for, and what does not come is not there at the end" {
  mount_early
  hold_back frame.tar.zst
  # nothing else of first/: with some versions of libfuse the kernel asks for one name in a directory at a time
  [ -d "$MNT/frame/first" ]
  in_background cat "$MNT/frame/first/last"
  kill -0 "$PATIENT"
  [ "$("$MNT/frame/bin/tool" meanwhile)" = 'the tool says meanwhile' ]
  release
  wait "$PATIENT"
  cmp "$BATS_TEST_TMPDIR/out" <(seq 5)
  [ ! -e "$MNT/frame/nowhere" ]
}

@test "a file that was open keeps its inode and is read on when the pass has ended" {
  local ino
  mount_early
  hold_back frame.tar.zst
  exec 5<"$MNT/frame/long"
  ino=$(stat -Lc %i /proc/self/fd/5)
  [ "$(head -n 1 <&5)" = 1 ]
  in_background ls "$MNT/frame"
  release
  wait "$PATIENT"
  [ "$(stat -Lc %i /proc/self/fd/5)" = "$ino" ]
  [ "$(stat -c %i "$MNT/frame/long")" = "$ino" ]
  cmp /proc/self/fd/5 "$MNT/frame/long"
  exec 5<&-
}

@test "of two members of one name the later one is there in the end" {
  mount_early
  hold_back twice.tar.zst
  is_first "$MNT/twice/first/member"
  exec 5<"$MNT/twice/first/member" # which keeps the earlier one in use
  in_background ls -R "$MNT/twice"
  release
  wait "$PATIENT"
  cmp "$MNT/twice/first/member" <(seq 2001 3000)
  same_members "$RUN/twice.tar.zst" "$MNT/twice"
  exec 5<&-
}

@test "damage behind, or another hash, takes back what was shown" {
  local name
  for name in damaged wrong; do
    mount_early timeout=10
    hold_back "$name.tar.zst"
    is_first "$MNT/$name/first/member"
    is_second "$MNT/$name/first/second"
    exec 5<"$MNT/$name/first/second"
    in_background ls "$MNT/$name"
    release
    if wait "$PATIENT"; then fail "$name: looking into it succeeded"; fi
    grep -q 'Input/output error' "$BATS_TEST_TMPDIR/err"
    eio cat "$MNT/$name/first/member"
    eio ls "$MNT/$name/first"
    wait_until 10 cannot_read_on # once the kernel has dropped its pages
    exec 5<&-
    xattr error "$MNT/$name" | grep -q .
    [ "$(sha256sum <"$MNT/$name.tar.zst")" = "$(sha256sum <"$RUN/$name.tar.zst")" ]
    runfs umount "$MNT"
  done
}

@test "to be verified nothing is given out before the end" {
  mount_early verify
  hold_back right.tar.zst
  in_background cat "$MNT/right/first/member"
  kill -0 "$PATIENT"
  [ ! -s "$BATS_TEST_TMPDIR/out" ]
  release
  wait "$PATIENT"
  is_first "$BATS_TEST_TMPDIR/out"
}

@test "readers that are interrupted or killed leave nothing behind that hangs" {
  local signal
  mount_early timeout=60
  hold_back frame.tar.zst
  for signal in INT KILL; do
    in_background cat "$MNT/frame/first/last"
    kill "-$signal" "$PATIENT"
    wait "$PATIENT" || [ $? -gt 128 ]
  done
  is_first "$MNT/frame/first/member"
  runfs umount "$MNT"
  wait_until 20 no_driver "$MNT"
}
