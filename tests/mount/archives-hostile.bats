# Bombs, nonsense and damage in archives: bounded in time and memory, never wrong bytes, and everything else reads on.
# What ends an archive in the middle of its first pass: killed drivers and readers, servers that fall silent.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(archive_bucket)
  export DATA ARCHIVES=$DATA/archives
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  MNT=$BATS_TEST_TMPDIR/mnt
}

teardown() {
  faults '[]'
  unmount_below "$BATS_TEST_TMPDIR"
}

mount_archives() { # FOLDER [OPTIONS]
  mount_run "s3://archives/$1" "$MNT" "$(anonymous "$FAULTY"),archives,refresh=3600${2:+,$2}"
}

# A server that has sent a part of an archive and takes its time for the rest.
dawdle() { faults '{"match":"'"$1"'","rate":"'"${2:-100k}"'"}'; }

# look_into DIR: an ls of DIR in the background, LOOKER, whose requests have reached the server.
look_into() {
  env --default-signal=INT ls -R "$1" >"$BATS_TEST_TMPDIR/looked" 2>"$BATS_TEST_TMPDIR/looked.err" 3>&- &
  LOOKER=$!
  wait_until 30 hits 1
  kill -0 "$LOOKER"
}

# no_wrong_bytes GOOD DIR: each file below DIR is as tar extracts it from GOOD, or an error; prints how many are right.
no_wrong_bytes() {
  local extracted=$BATS_TEST_TMPDIR/extracted file right=0
  if [ ! -d "$extracted" ]; then
    mkdir "$extracted"
    tar -xf "$1" -C "$extracted"
  fi
  while IFS= read -r file; do
    if cat "$2/$file" >"$BATS_TEST_TMPDIR/content" 2>"$BATS_TEST_TMPDIR/why"; then
      cmp "$extracted/$file" "$BATS_TEST_TMPDIR/content" >&2 || return
      right=$((right + 1))
    else
      grep -q 'Input/output error' "$BATS_TEST_TMPDIR/why" || fail "$(cat "$BATS_TEST_TMPDIR/why")" || return
    fi
  done < <(cd "$2" 2>/dev/null && find . -type f 2>/dev/null)
  printf '%s\n' "$right"
}

# eio COMMAND...: it ends, and says EIO.
eio() {
  run timeout 60 "$@"
  [ "$status" -ne 0 ]
  [ "$status" -ne 124 ]
  [[ $output == *'Input/output error'* ]] || fail "$output"
}

@test "bombs show what stands before the limit, in bounded time and memory" {
  local bomb
  mount_archives hostile
  for bomb in bomb-xz bomb-gz bomb-zst; do
    [ "$(timeout 60 find "$MNT/$bomb" -type f -printf '%P ')" = 'before ' ] || fail "$bomb: $(ls "$MNT/$bomb")"
    [ "$(cat "$MNT/$bomb/before")" = hello ]
  done
  [ "$(timeout 60 ls "$MNT/longname")" = before ]
  [ "$(timeout 60 ls "$MNT/deep")" = flat ]
  assert_peak_memory 131072
}

@test "200,000 members in a small archive are listed" {
  mount_archives hostile
  [ "$(timeout 60 ls -f "$MNT/many" | wc -l)" -eq 200002 ]
  [ -f "$MNT/many/199999" ]
  assert_peak_memory 196608
}

@test "sizes that make no sense end an archive, what stands before them stays" {
  local name
  mount_archives hostile
  for name in huge negative; do
    [ "$(timeout 60 ls "$MNT/$name")" = before ]
    [ "$(cat "$MNT/$name/before")" = hello ]
  done
}

@test "garbage by the name of an archive is a file and no directory to look into" {
  local name
  mount_archives hostile
  for name in "$MNT"/garbage?; do eio ls "$name"; done
  cmp "$ARCHIVES/hostile/garbagea.tar.xz" "$MNT/garbagea.tar.xz"
  [ -f "$MNT/empty.tar.xz" ]
  [ ! -e "$MNT/empty" ]
}

@test "damage within the only check of an archive leaves nothing that could be trusted" {
  local name
  mount_archives hostile
  for name in cut-python cut-frame cut-gzip flipped-python flipped-gzip; do eio ls "$MNT/$name"; done
  (cd "$ARCHIVES/hostile" && sha256sum flipped-* cut-*) | (cd "$MNT" && sha256sum --quiet -c)
}

@test "an archive in many parts shows those before the damage, and no wrong byte" {
  local name right
  mount_archives hostile
  for name in cut-blocks cut-seekable flipped-blocks flipped-seekable; do
    right=$(no_wrong_bytes "$ARCHIVES/good/plain_lib_generic.tar" "$MNT/$name")
    [ "$right" -gt 0 ] || fail "$name: nothing is right"
    [ ! -e "$MNT/$name/third-party/zlib/stage/include/z/h39.h" ] || fail "$name shows what cannot be trusted"
  done
}

@test "a tar that is cut, or has a bad checksum midway, shows what stands before" {
  local name right
  mount_archives hostile
  for name in cut-plain checksum; do
    right=$(no_wrong_bytes "$ARCHIVES/good/plain_lib_generic.tar" "$MNT/$name")
    [ "$right" -gt 0 ] || fail "$name: nothing is right"
    [ ! -e "$MNT/$name/third-party/zlib/stage/include/z/h39.h" ] || fail "$name shows what comes later"
  done
}

@test "all of that from a local directory" {
  local name
  mount_run "$ARCHIVES/hostile" "$MNT" archives
  for name in bomb-zst longname huge; do [ "$(timeout 60 ls "$MNT/$name")" = before ]; done
  for name in flipped-blocks cut-seekable; do
    [ "$(no_wrong_bytes "$ARCHIVES/good/plain_lib_generic.tar" "$MNT/$name")" -gt 0 ]
  done
  cmp "$ARCHIVES/hostile/garbaged.tar" "$MNT/garbaged.tar"
}

@test "a driver killed in the middle of a first pass leaves a cache that is right" {
  mount_archives good
  dawdle python_lib 300k
  look_into "$MNT/python_lib_generic"
  kill -KILL "$(drivers_of "$MNT")"
  wait "$LOOKER" || true
  runfs umount "$MNT"
  faults '[]'
  mount_archives good
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/python_lib_generic"
}

@test "an interrupt ends whoever waits for a pass, and the next one gets it" {
  mount_archives good
  dawdle python_lib 300k
  look_into "$MNT/python_lib_generic"
  kill -INT "$LOOKER"
  wait "$LOOKER" || [ $? -eq 130 ]
  faults '[]'
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/python_lib_generic"
}

@test "unmounting in the middle of a pass ends the driver" {
  mount_archives good timeout=60
  dawdle python_lib 20k
  look_into "$MNT/python_lib_generic"
  kill -KILL "$LOOKER"
  wait "$LOOKER" || true
  runfs umount "$MNT"
  wait_until 20 no_driver "$MNT"
}

@test "a server that falls silent in the middle of a pass is EIO, and everything else is answered" {
  mount_archives good timeout=4
  faults '{"match":"python_lib","range":"bytes=1048576-","phang":1}'
  look_into "$MNT/python_lib_generic"
  same_members "$ARCHIVES/good/frame_lib_generic.tar.zst" "$MNT/frame_lib_generic"
  if wait "$LOOKER"; then fail 'looking into it succeeded'; fi
  grep -q 'Input/output error' "$BATS_TEST_TMPDIR/looked.err"
  faults '[]'
  wait_until 30 ls "$MNT/python_lib_generic"
  same_members "$ARCHIVES/good/python_lib_generic.tar.xz" "$MNT/python_lib_generic"
}

@test "a slow but steady server is no failure, however long the pass takes" {
  mount_archives good timeout=2
  dawdle gnu_lib 400k
  timeout 60 ls "$MNT/gnu_lib_generic"
}

@test "many who look into many slow archives hold up nobody else" {
  local archive lookers=()
  mount_archives good timeout=20
  dawdle 'lib_generic' 20k
  for archive in "$ARCHIVES"/good/*_lib_generic.tar*; do
    for _ in 1 2 3 4; do # more than there are threads
      ls "$MNT/$(basename "${archive%.tar*}")" >/dev/null 2>&1 3>&- &
      lookers+=($!)
    done
  done
  wait_until 30 hits 4
  ls -l "$MNT" >/dev/null
  cmp "$ARCHIVES/good/other" "$MNT/other"
  kill -0 "${lookers[@]}"
  kill -KILL "${lookers[@]}" 2>/dev/null || true
  wait "${lookers[@]}" || true
}
