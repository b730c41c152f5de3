# runfs cache: what is kept on disk, with and without mounts beside it.
# shellcheck disable=SC2030,SC2031,SC2154 # bats sets output, stderr and status

load lib

setup_file() {
  local data=$BATS_FILE_TMPDIR/data
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  export BIG=blas_lib_gfx94X-dcgpu.tar.zst
  mkdir -p "$data/odd/run"
  ln -s "$DATA/$BUCKET" "$data/$BUCKET"
  printf x >"$data/odd/run/"$'new\nline\e[31m'
  start_nginx "$data"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  MNT=$BATS_TEST_TMPDIR/mnt
  KEPT=$XDG_CACHE_HOME/runfs
  : >"$NGINX_DIR/access.log"
}

teardown() {
  faults '[]'
  unmount_below "$BATS_TEST_TMPDIR"
}

# said MEMBER: of the cache's status.
said() { runfs cache status --json | jq -r ".$1"; }
says() { [ "$(said "$1")" = "$2" ]; }
# object_requests: how many requests for objects, not listings, the server has had.
object_requests() { grep -cv 'list-type=2' "$NGINX_DIR/access.log" || true; }
no_object_request() { [ "$(object_requests)" -eq 0 ] || fail "asked for objects: $(head -n 3 "$NGINX_DIR/access.log")"; }
prefetch() { runfs cache prefetch -o "$(anonymous "$NGINX")" "$SOURCE" "$@"; }
all_objects() { find "$ORIGINAL" -type f -size +0 | wc -l; }
# bytes_below [DIR]
bytes_below() { find "$ORIGINAL/${1:-}" -type f -printf '%s\n' | awk '{n += $1} END {print n + 0}'; }
# flip_largest: changes bytes in the second block of what is kept of the largest object.
flip_largest() {
  local file
  file=$(find "$KEPT/objects" -name '*.data' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
  printf '\0\377\0\377' | dd of="$file" bs=1 seek=1500000 conv=notrunc status=none
}

@test "without a cache there is an empty one, and none is made" {
  local action
  run runfs cache
  [ "$status" -eq 0 ]
  [[ $output == *"$KEPT (not there yet)"* ]]
  [ -z "$(runfs cache list)" ]
  [ "$(runfs cache list --json)" = '[]' ]
  says objects 0
  for action in prune verify clear; do runfs cache $action >/dev/null; done
  [ ! -e "$KEPT" ]
  mkdir -p "$KEPT"
  runfs cache verify >/dev/null
  [ -z "$(ls -A "$KEPT")" ]
}

@test "misuse is exit 2: unknown actions, missing and needless operands" {
  run --separate-stderr runfs cache pin
  [ "$status" -eq 2 ]
  [[ $stderr == *"'pin' is not an action"*Usage* ]]
  run runfs cache prefetch
  [ "$status" -eq 2 ]
  run runfs cache status too-much
  [ "$status" -eq 2 ]
  run runfs cache clear --json
  [ "$status" -eq 2 ]
  run runfs cache --nonsense
  [ "$status" -eq 2 ]
}

@test "a cache that cannot be used, and none by option, are exit 1" {
  mkdir -p "$KEPT"
  chmod 777 "$KEPT"
  run --separate-stderr runfs cache
  one_error 1 'not safe'
  run --separate-stderr runfs cache -o no-cache
  one_error 1 no-cache
  run --separate-stderr runfs cache prefetch -o "$(anonymous "$NGINX"),no-cache" "$SOURCE"
  one_error 1 'there is no cache'
}

@test "status and list show what a mount has read" {
  local size
  size=$(stat -c %s "$ORIGINAL/$BIG")
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  cat "$MNT/$BIG" "$MNT/logs/odd names/100%.log" >/dev/null
  wait_until 30 says bytes $((size + $(stat -c %s "$ORIGINAL/logs/odd names/100%.log")))
  says objects 2
  says listings 1
  [ "$(said taken)" -ge "$size" ]
  runfs cache list >"$BATS_TEST_TMPDIR/list"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/list")" -eq 2 ]
  grep -qE "^ +$size +$size 20[0-9]{2}-[0-9T:-]+Z s3://$BUCKET/$RUN/$BIG at $NGINX\$" "$BATS_TEST_TMPDIR/list"
  runfs cache list --json | jq -e --arg uri "s3://$BUCKET/$RUN/logs/odd names/100%.log" \
    'map(select(.s3_uri == $uri)) | length == 1 and .[0].here == .[0].size'
  [ "$(runfs cache status | sed -n 's/^objects *//p')" = 2 ]
}

@test "control characters of names are shown as escapes" {
  runfs cache prefetch -o "$(anonymous "$NGINX")" s3://odd/run
  runfs cache list >"$BATS_TEST_TMPDIR/list"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/list")" -eq 1 ]
  grep -qF 's3://odd/run/new\x0aline\x1b[31m at' "$BATS_TEST_TMPDIR/list"
}

@test "after prefetching a run, a mount of it reads everything without asking for an object" {
  run --separate-stderr prefetch
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  says bytes "$(bytes_below)"
  says objects "$(all_objects)"
  : >"$NGINX_DIR/access.log"
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  diff -r "$ORIGINAL" "$MNT"
  no_object_request
  runfs umount "$MNT"
  mount_run "$SOURCE" "$MNT" "$(anonymous http://127.0.0.1:1),offline" && fail 'another server has other objects'
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX"),offline"
  diff -r "$ORIGINAL" "$MNT"
}

@test "prefetching fetches each byte once, and nothing again" {
  prefetch
  [ "$(awk -F '\t' '!/list-type=2/ {n += $6} END {print n}' "$NGINX_DIR/access.log")" -lt $(($(bytes_below) + 1000000)) ]
  : >"$NGINX_DIR/access.log"
  prefetch
  no_object_request
}

@test "paths are prefetched with what lies below them, and only they" {
  local only
  prefetch manifests "logs/odd names/100%.log" /index.html
  only=$(($(bytes_below manifests) + $(stat -c %s "$ORIGINAL/index.html" "$ORIGINAL/logs/odd names/100%.log" | paste -sd +)))
  says bytes "$only"
}

@test "a path that is not there is an error, before anything is fetched" {
  run --separate-stderr prefetch manifests no-such-path
  one_error 1 no-such-path
  no_object_request
}

@test "files that cannot be had are named, one a line; the others are fetched" {
  faults '{"match":"manifests/index|/prim_lib.*zst$","p403":1}'
  run --separate-stderr runfs cache prefetch -o "$(anonymous "$FAULTY"),timeout=5" "$SOURCE"
  [ "$status" -eq 1 ]
  [ "${#stderr_lines[@]}" -eq 2 ] || fail "not two lines: $stderr"
  grep -q '^runfs: .*manifests/index.html' <<<"$stderr"
  grep -q '^runfs: .*prim_lib_generic.tar.zst' <<<"$stderr"
  says objects $(($(all_objects) - 2))
}

@test "a run that is not there is an error; a local one needs nothing" {
  run --separate-stderr runfs cache prefetch -o "$(anonymous "$NGINX")" "s3://$BUCKET/99999999999-linux"
  [ "$status" -eq 1 ]
  run --separate-stderr runfs cache prefetch "$ORIGINAL"
  [ "$status" -eq 0 ]
  [[ $output == *'nothing to fetch'* ]]
}

@test "more than the cache may take is refused" {
  run --separate-stderr runfs cache prefetch -o "$(anonymous "$NGINX"),cache-size=4M" "$SOURCE"
  one_error 1 'more than the cache may take.*cache-size'
  no_object_request
}

@test "what a full disk did not keep is told" {
  mkdir -p "$KEPT"
  mount -t tmpfs -o size=4m,mode=700 none "$KEPT"
  run --separate-stderr runfs cache prefetch -o "$(anonymous "$NGINX"),cache-size=100M,cache-min-free=0" "$SOURCE"
  [ "$status" -eq 1 ]
  grep -q 'could not be kept' <<<"$stderr"
}

@test "no progress bar in a pipe; one on a terminal, none with -q" {
  local out=$BATS_TEST_TMPDIR/out
  prefetch >"$out" 2>&1
  runfs cache verify >>"$out" 2>&1
  run ! grep -q $'[\r\033]' "$out"
  runfs cache clear
  on_terminal cache prefetch -o "$(anonymous "$NGINX")" "$SOURCE" >"$out"
  grep -q $'\r.* % \\[' "$out"
  runfs cache clear
  on_terminal cache prefetch -q -o "$(anonymous "$NGINX")" "$SOURCE" >"$out"
  run ! grep -q ' % \[' "$out"
}

@test "verify finds a flipped byte, drops the block, and the next read is right" {
  prefetch
  run runfs cache verify
  [ "$status" -eq 0 ]
  [[ $output == *': 0 bad' ]]
  flip_largest
  run --separate-stderr runfs cache verify
  [ "$status" -eq 1 ]
  [ "${lines[0]}" = "s3://$BUCKET/$RUN/$BIG: block 1 is bad; dropped" ]
  [ "${#lines[@]}" -eq 2 ]
  runfs cache verify >/dev/null
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  cmp "$ORIGINAL/$BIG" "$MNT/$BIG"
}

@test "verify --json names the bad blocks" {
  prefetch "$BIG"
  flip_largest
  run --separate-stderr runfs cache verify --json
  [ "$status" -eq 1 ]
  [ "$(jq -r '.bad[0].s3_uri, .bad[0].block' <<<"$output" | paste -sd ' ')" = "s3://$BUCKET/$RUN/$BIG 1" ]
}

@test "prune keeps the limit, and says what it freed" {
  prefetch
  run runfs cache prune
  [ "$output" = 'freed 0 B' ]
  run runfs cache prune -o cache-size=3M
  [[ $output =~ ^freed\ [0-9.]+\ MiB$ ]]
  [ "$(said taken)" -le 3145728 ]
  [ "$(said objects)" -gt 0 ]
  [ "$(runfs cache prune --json -o cache-size=1M | jq .freed)" -gt 0 ]
  [ "$(said taken)" -le 1048576 ]
}

@test "the cache may be cleared while a mount uses it" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  exec 9<"$MNT/$BIG"
  head -c 1000 <&9 >/dev/null
  cat "$MNT/index.html" >/dev/null
  wait_until 30 says objects 2
  runfs cache clear
  says objects 0
  cat <&9 | cmp - <(tail -c +1001 "$ORIGINAL/$BIG")
  exec 9<&-
  diff -r "$ORIGINAL" "$MNT"
}

@test "another cache is named by cache=" {
  runfs cache prefetch -o "$(anonymous "$NGINX"),cache=$BATS_TEST_TMPDIR/other" "$SOURCE" index.html
  [ ! -e "$KEPT" ]
  [ "$(runfs cache list -o cache="$BATS_TEST_TMPDIR/other" | wc -l)" -eq 1 ]
  runfs cache clear -o cache="$BATS_TEST_TMPDIR/other"
  [ -z "$(runfs cache list -o cache="$BATS_TEST_TMPDIR/other")" ]
}

@test "a run of RGW, signed, is prefetched and listed without a secret" {
  start_rgw
  fill "$RGW_DIR" private "$ORIGINAL/manifests" run/manifests
  credentials
  runfs cache prefetch -o "$(at "$RGW")" s3://private/run
  says bytes "$(bytes_below manifests)"
  { runfs cache; runfs cache list; runfs cache list --json; cat "$KEPT"/listings/* "$KEPT"/objects/*/*.map; } >"$BATS_TEST_TMPDIR/said"
  run grep -aF -e "$SECRET" -e testaccesskey "$BATS_TEST_TMPDIR/said"
  [ "$status" -eq 1 ]
}
