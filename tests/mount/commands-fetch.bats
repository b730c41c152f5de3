# runfs fetch: copies that are the same, selections, copies that were cut short, and directories that are in the way.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is its own process; bats sets status, output and stderr

load lib

# artifact NAME COMPRESSOR: an archive of $TREE with its companion.
artifact() {
  (cd "$TREE" && find stage ! -type d | tar -cf - artifact_manifest.txt --files-from -) | "$2" -q >"$ORIGINAL/$1"
  sha256sum "$ORIGINAL/$1" | cut -c1-64 >"$ORIGINAL/$1.sha256sum"
}

setup_file() {
  export DATA=$BATS_FILE_TMPDIR/data TREE=$BATS_FILE_TMPDIR/tree
  export ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN BIG=logs/big.log
  mkdir -p "$ORIGINAL/logs/$GROUP" "$TREE/stage/bin"
  echo stage >"$TREE/artifact_manifest.txt"
  printf '#!/bin/sh\necho hello\n' >"$TREE/stage/bin/tool"
  chmod 755 "$TREE/stage/bin/tool"
  ln "$TREE/stage/bin/tool" "$TREE/stage/bin/same"
  ln -s tool "$TREE/stage/bin/link"
  artifact base_lib_generic.tar.xz xz
  artifact base_lib_generic.tar.zst zstd
  artifact blas_lib_gfx94X-dcgpu.tar.zst zstd
  artifact blas_lib_gfx1151.tar.zst zstd
  for i in {1..40}; do echo "line $i" >"$ORIGINAL/logs/$GROUP/$i.log"; done
  : >"$ORIGINAL/logs/$GROUP/empty.log"
  echo odd >"$ORIGINAL/logs/a b+c:%41.log"
  head -c 6M /dev/urandom >"$ORIGINAL/$BIG"
  sha256sum "$ORIGINAL/$BIG" | cut -c1-64 >"$ORIGINAL/$BIG.sha256sum"
  find "$ORIGINAL" -exec touch -d '2026-09-01T12:00:00Z' {} +
  mkdir -p "$DATA/bad/run"
  cp -p "$ORIGINAL"/base* "$DATA/bad/run"
  printf X | dd of="$DATA/bad/run/base_lib_generic.tar.xz" bs=1 seek=30 conv=notrunc status=none
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  DIR=$BATS_TEST_TMPDIR/dir
  : >"$NGINX_DIR/access.log"
  : >"$NGINX_DIR/fault.log"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

fetch() { runfs fetch -o "$(anonymous "$NGINX")" "$@"; }
# fetched LOG KEY: the bytes that were got of an object.
fetched() { awk -F'\t' -v key="/$2" '$1 == "GET" && substr($2, length($2) - length(key) + 1) == key {n += $6} END {print n + 0}' "$NGINX_DIR/$1"; }
no_object_request() { run ! grep -v list-type= "$NGINX_DIR/access.log"; }
# part_has BYTES: so many of a file that is not whole are there.
part_has() { [ "$(find "$DIR/.runfs-fetch" -type f -printf '%s\n' 2>/dev/null | sort -n | tail -n 1)" -ge "$1" ] 2>/dev/null; }

@test "a copy is the run, with its times, and is not made twice" {
  run --separate-stderr fetch "$SOURCE" "$DIR"
  [ "$status" -eq 0 ] || fail "$stderr"
  [[ $output =~ ^[0-9]+\ files,\ .*\ new$ ]]
  [ -z "$stderr" ]
  same_tree "$ORIGINAL" "$DIR"
  [ -z "$(find "$DIR" -type f ! -newermt '2026-09-01T11:59:59Z' -o -type f -newermt '2026-09-01T12:00:01Z')" ]
  [ "$(stat -c %a "$DIR/$BIG")" = 644 ]
  : >"$NGINX_DIR/access.log"
  run fetch "$SOURCE" "$DIR"
  [[ $output == *', 0 B of it new' ]]
  no_object_request
}

@test "what was changed since is copied again, what was only touched is not" {
  fetch "$SOURCE" "$DIR" --include big
  touch "$DIR/$BIG"
  : >"$NGINX_DIR/access.log"
  fetch "$SOURCE" "$DIR" --include big
  [ "$(fetched access.log "$BIG")" -eq 0 ]
  [ "$(stat -c %Y "$DIR/$BIG")" -eq "$(stat -c %Y "$ORIGINAL/$BIG")" ]
  printf X | dd of="$DIR/$BIG" bs=1 seek=5000000 conv=notrunc status=none
  fetch "$SOURCE" "$DIR"
  same_tree "$ORIGINAL" "$DIR"
}

@test "names and targets select; --dry-run says what, and makes nothing" {
  # selects ARGUMENT...: the paths that would be copied.
  selects() { fetch --dry-run "$@" "$SOURCE" "$DIR" | sed -n 's/^[0-9]*\t//p' | paste -sd ' '; }
  [ "$(selects --include '^b.*94X' --exclude sha256sum)" = blas_lib_gfx94X-dcgpu.tar.zst ]
  [ "$(selects --include '\.sha256sum$' --include nothing)" = "$(cd "$ORIGINAL" && printf '%s ' ./*.sha256sum | sed 's|\./||g')logs/big.log.sha256sum" ]
  [ "$(selects --group gfx94X-dcgpu)" = 'base_lib_generic.tar.zst base_lib_generic.tar.zst.sha256sum blas_lib_gfx94X-dcgpu.tar.zst blas_lib_gfx94X-dcgpu.tar.zst.sha256sum' ]
  [ "$(selects --target gfx1151 --target gfx90X --exclude zst --exclude sum)" = base_lib_generic.tar.xz ]
  run fetch --dry-run --include 'a b.c:%' "$SOURCE" "$DIR"
  [ "$output" = $'4\tlogs/a b+c:%41.log\n1 files, 4 B, would be copied; 0 are there already' ]
  [ ! -e "$DIR" ]
  run --separate-stderr fetch --include '(' "$SOURCE" "$DIR"
  one_error 1 "include=\("
  run --separate-stderr fetch "$SOURCE"
  [ "$status" -eq 2 ]
}

@test "what is not as its .sha256sum says is a line and exit 1, and is not left there" {
  run --separate-stderr fetch s3://bad/run "$DIR"
  one_error 1 'base_lib_generic.tar.xz: its SHA-256 is [0-9a-f]+, its .sha256sum says'
  diff <(cd "$DIR" && find . -type f | sort) \
    <(printf './%s\n' base_lib_generic.tar.{xz.sha256sum,zst,zst.sha256sum})
}

@test "after SIGKILL, the next fetch goes on where it was" {
  faults '{"match":"big.log$","rate":"1m"}'
  "$RUNFS" fetch -o "$(anonymous "$FAULTY"),connections=1,readahead=0" "$SOURCE" "$DIR" --include big 3>&- 4>&- &
  wait_until 20 part_has 1000000
  kill -KILL $!
  wait $! || true
  [ ! -e "$DIR/$BIG" ]
  fetch "$SOURCE" "$DIR"
  same_tree "$ORIGINAL" "$DIR"
  # The fault server hands its requests on to the other one: what began the file stands in the log once, not twice.
  [ "$(grep -cP "/$BIG\t206\tbytes=0-" "$NGINX_DIR/access.log")" -eq 1 ]
}

@test "SIGINT ends a fetch in order, and the next one goes on" {
  local status=0
  faults '{"match":"big.log$","rate":"1m"}'
  env --default-signal=INT "$RUNFS" fetch -o "$(anonymous "$FAULTY")" "$SOURCE" "$DIR" 3>&- 4>&- 2>"$BATS_TEST_TMPDIR/err" &
  wait_until 20 test -e "$DIR/logs/$GROUP/40.log"
  kill -INT $!
  wait $! || status=$?
  [ "$status" -eq 130 ]
  [ "$(cat "$BATS_TEST_TMPDIR/err")" = 'runfs: fetch: interrupted; a later fetch goes on' ]
  [ ! -e "$DIR/$BIG" ]
  fetch "$SOURCE" "$DIR"
  same_tree "$ORIGINAL" "$DIR"
}

@test "a full disk is one line, what is whole stays, and with more room the next fetch goes on" {
  local file
  mkdir "$DIR"
  mount -t tmpfs -o size=3M tmpfs "$DIR"
  run --separate-stderr fetch "$SOURCE" "$DIR"
  one_error 1 'No space left on device'
  while read -r file; do cmp "$DIR/$file" "$ORIGINAL/$file"; done < <(cd "$DIR" && find . -path ./.runfs-fetch -prune -o -type f -print)
  mount -o remount,size=30M "$DIR"
  fetch "$SOURCE" "$DIR"
  same_tree "$ORIGINAL" "$DIR"
}

@test "nothing leads out of the directory" {
  local outside=$BATS_TEST_TMPDIR/outside run=$BATS_TEST_TMPDIR/run
  mkdir "$outside" "$DIR" "$run" "$run/.runfs-fetch" "$run/d" "$run/f"
  echo mine >"$outside/file"
  for file in -dash $'new\nline' '..a' "$(printf 'n%.0s' {1..255})" $'\xff' .runfs-fetch/x d/file f/file file link; do echo x >"$run/$file"; done
  ln -s /etc/passwd "$run/absolute"
  ln -s "$outside" "$DIR/d"
  ln -s "$outside/file" "$DIR/file"
  echo mine >"$DIR/f"
  run --separate-stderr runfs fetch "$run" "$DIR"
  [ "$status" -eq 1 ]
  [ "${#stderr_lines[@]}" -eq 3 ] || fail "$stderr"
  grep -q "dir/d: a symbolic link is in the way" <<<"$stderr"
  grep -q "dir/f: a file is in the way" <<<"$stderr"
  grep -q ".runfs-fetch: that name is runfs's own" <<<"$stderr"
  [ "$(cat "$outside/file")" = mine ]
  [ "$(ls "$outside")" = file ]
  [ ! -L "$DIR/file" ]
  [ "$(readlink "$DIR/absolute")" = /etc/passwd ]
  rm "$DIR/d" "$DIR/f"
  rm -r "$run/.runfs-fetch"
  runfs fetch "$run" "$DIR"
  diff -r --no-dereference "$run" "$DIR"
}

@test "what archives hold is copied with its modes and links" {
  local at
  fetch -o archives --include '^base.*zst$' "$SOURCE" "$DIR"
  [ "$(ls "$DIR")" = $'base_lib_generic\nbase_lib_generic.tar.zst\nbase_lib_generic.tar.zst.sha256sum' ]
  diff -r --no-dereference "$TREE" "$DIR/base_lib_generic"
  at=$DIR/base_lib_generic/stage/bin
  [ "$at/tool" -ef "$at/same" ]
  [ -L "$at/link" ]
  [ -x "$at/tool" ]
  printf X | dd of="$at/tool" bs=1 conv=notrunc status=none
  touch -d '2026-09-01T12:00:00Z' "$at/tool"
  fetch -o archives --include '^base.*zst$' "$SOURCE" "$DIR"
  diff -r --no-dereference "$TREE" "$DIR/base_lib_generic"
  [ "$at/tool" -ef "$at/same" ]
}

@test "two do not copy to one directory at the same time" {
  mkdir -p "$DIR/.runfs-fetch"
  exec 7<"$DIR/.runfs-fetch"
  flock 7
  run --separate-stderr fetch "$SOURCE" "$DIR"
  exec 7<&-
  one_error 1 "another runfs fetch is at work there"
  fetch "$SOURCE" "$DIR"
  [ ! -e "$DIR/.runfs-fetch" ]
}

@test "--flatten makes the install tree of what is selected, and --group selects" {
  local tree=$BATS_TEST_TMPDIR/installed archive
  mkdir "$tree"
  for archive in base_lib_generic.tar.zst blas_lib_gfx94X-dcgpu.tar.zst; do
    tar -xf "$ORIGINAL/$archive" -C "$tree" --strip-components=1 --exclude artifact_manifest.txt
  done
  (umask 077 && fetch --flatten --group gfx94X-dcgpu "$SOURCE" "$DIR")
  diff -r --no-dereference "$tree" "$DIR"
  [ "$DIR/bin/tool" -ef "$DIR/bin/same" ]
  [ "$(stat -c %a "$DIR/bin/tool")" = 711 ]
  run fetch --flatten --group gfx94X-dcgpu -o view=uploaded "$SOURCE" "$DIR" # which --flatten goes before
  [[ $output == *', 0 B of it new' ]]
}
