# What the disk cache saves: requests after a remount, within `refresh` and offline, and between mounts; and what it takes.
# shellcheck disable=SC2030,SC2031,SC2154

load lib
load cache

setup_file() {
  DATA=$(full_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  CACHE=$BATS_TEST_TMPDIR/cache
  LOGS=logs/$GROUP
}

teardown() {
  unmount_below "$BATS_TEST_TMPDIR"
  no_own_server
  rm -rf "$CACHE"
}

@test "what was read is not asked for again after a remount, and nothing at all within refresh" {
  mark
  mount_cached "$MNT" refresh=3600
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  [ "$(listings)" -eq 1 ]
  [ "$(objects)" -ge 600 ]
  runfs umount "$MNT"
  mark
  mount_cached "$MNT" refresh=3600
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  [ "$(listings)" -eq 0 ]
  [ "$(objects)" -eq 0 ]
}

@test "another mount beside the first asks for nothing that is there" {
  mount_cached "$MNT" refresh=3600
  cmp "$ORIGINAL/fft_lib_$GROUP.tar.xz" "$MNT/fft_lib_$GROUP.tar.xz"
  settled
  mark
  mount_cached "$MNT-2" refresh=3600
  cmp "$ORIGINAL/fft_lib_$GROUP.tar.xz" "$MNT-2/fft_lib_$GROUP.tar.xz"
  [ "$(listings)" -eq 0 ]
  [ "$(objects)" -eq 0 ]
}

@test "a mount in use does not ask again what it has read, once the kernel has dropped it" {
  mount_cached "$MNT"
  cmp "$ORIGINAL/rand_lib_$GROUP.tar.zst" "$MNT/rand_lib_$GROUP.tar.zst"
  settled
  mark
  dd if="$MNT/rand_lib_$GROUP.tar.zst" iflag=nocache count=0 status=none
  cmp "$ORIGINAL/rand_lib_$GROUP.tar.zst" "$MNT/rand_lib_$GROUP.tar.zst"
  [ "$(objects)" -eq 0 ]
}

@test "after refresh there is one listing, and only what changed is fetched" {
  local data=$BATS_TEST_TMPDIR/data name
  mkdir -p "$data/changing/run"
  for name in {1..30}; do printf 'first %s' "$name" >"$data/changing/run/$name"; done
  touch -d 2026-01-01 "$data"/changing/run/*
  own_server "$data"
  SOURCE=s3://changing/run
  mount_cached "$MNT" refresh=2
  same_tree "$data/changing/run" "$MNT"
  runfs umount "$MNT"
  printf 'second 7' >"$data/changing/run/7"
  printf 'new' >"$data/changing/run/31"
  own_server "$data" "$(cat "$NGINX_DIR/port")"
  sleep 2.2
  mark
  mount_cached "$MNT" refresh=2
  same_tree "$data/changing/run" "$MNT"
  [ "$(listings)" -eq 1 ]
  [ "$(asked | grep -v list-type | cut -f2 | sort | paste -sd ' ')" = '/changing/run/31 /changing/run/7' ]
}

@test "offline a run is read from the cache alone, and what lacks is said" {
  own_server "$DATA"
  mount_cached "$MNT"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  runfs umount "$MNT"
  no_own_server
  mount_cached "$MNT" "offline,log=$BATS_TEST_TMPDIR/log"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  [ "$(find "$MNT" -type f | wc -l)" -eq "$(find "$ORIGINAL" -type f | wc -l)" ]
  run cat "$MNT/index.html"
  [ "$status" -eq 1 ]
  [[ $output == *'Input/output error'* ]]
  grep -q 'index.html: offline, and block 0 of it is not in the cache' "$BATS_TEST_TMPDIR/log"
  runfs cat "$SOURCE" "$LOGS/sub000_configure.log" -o "$(anonymous "$NGINX"),cache=$CACHE,offline" |
    cmp - "$ORIGINAL/$LOGS/sub000_configure.log"
}

@test "offline a run whose listing is not there is refused" {
  mkdir "$MNT"
  mount_refused 'offline, and its listing is not in the cache' "$SOURCE" "$MNT" "$(anonymous http://127.0.0.1:1),cache=$CACHE,offline"
  mount_refused 'offline, and its listing is not in the cache' "$SOURCE" "$MNT" "$(anonymous http://127.0.0.1:1),no-cache,offline"
}

@test "no-cache writes nothing" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX"),no-cache,cache=$CACHE"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  [ ! -e "$CACHE" ]
  [ ! -e "$XDG_CACHE_HOME/runfs" ]
}

@test "two mounts that read the same file at the same time fetch it once" {
  local name=blas_lib_$GROUP.tar.zst size
  size=$(stat -c %s "$ORIGINAL/$name")
  mount_cached "$MNT"
  mount_cached "$MNT-2"
  mark
  cmp "$ORIGINAL/$name" "$MNT/$name" &
  local first=$!
  cmp "$ORIGINAL/$name" "$MNT-2/$name"
  wait $first
  [ "$(bytes "$name")" -le $((size + size / 20)) ] || fail "$(bytes "$name") bytes of $size"
}

@test "two mounts that read the same small files at the same time fetch them once" {
  local size
  size=$(du -sb "$ORIGINAL/$LOGS" | cut -f1)
  mount_cached "$MNT"
  mount_cached "$MNT-2"
  mark
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS" &
  local first=$!
  same_tree "$ORIGINAL/$LOGS" "$MNT-2/$LOGS"
  wait $first
  [ "$(bytes "$LOGS")" -le $((size + size / 20 + 600 * 1000)) ] || fail "$(bytes "$LOGS") bytes of $size"
}

@test "the limit holds while far more than it is read" {
  local limit=$((64 << 20)) most=0 now reader
  mount_cached "$MNT" cache-size=64M
  (cd "$ORIGINAL" && find . -type f -size +100k -print0 | xargs -0 -P 4 -I {} cmp {} "$MNT/{}") 3>&- &
  reader=$!
  while kill -0 $reader 2>/dev/null; do
    now=$(du -s --block-size=1 "$CACHE" 2>/dev/null | cut -f1)
    [ "${now:-0}" -le "$most" ] || most=$now
  done
  wait $reader
  [ "$most" -le $((limit + (32 << 20))) ] || fail "$most bytes"
  [ "$most" -ge $((limit / 2)) ] || fail "only $most bytes"
}

@test "descriptors and memory stay bounded over hundreds of objects" {
  local driver
  mount_cached "$MNT"
  same_tree "$ORIGINAL/$LOGS" "$MNT/$LOGS"
  driver=$(drivers_of "$MNT")
  [ "$(find "/proc/$driver/fd" -mindepth 1 | wc -l)" -le 350 ]
}
