# What a mount tells of itself: the attributes user.runfs.cached and user.runfs.status, and runfs status.
# shellcheck disable=SC2030,SC2031,SC2154 # bats sets output, stderr and status

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  export BIG=blas_lib_gfx94X-dcgpu.tar.zst
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  faults '[]'
  MNT=$BATS_TEST_TMPDIR/mnt
}

teardown() {
  faults '[]'
  if [ -n "${STOPPED:-}" ]; then kill -CONT "$STOPPED"; fi
  unmount_below "$BATS_TEST_TMPDIR"
}

size_of() { stat -c %s "$ORIGINAL/$1"; }
cached() { [ "$(xattr cached "$MNT/$1")" = "$2" ]; }
# told PATH: a member of the status, as jq(1) names it.
told() { xattr status "$MNT" | jq -r "$1"; }
tells() { [ "$(told "$1")" = "$2" ]; }

@test "a file says how much of it is here: nothing, then all" {
  local file
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  for file in index.html "$BIG" "logs/odd names/100%.log"; do
    cached "$file" "0/$(size_of "$file")"
    cat "$MNT/$file" >/dev/null
    wait_until 30 cached "$file" "$(size_of "$file")/$(size_of "$file")"
  done
}

@test "a part of a file that was read is a part of it that is here" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX"),readahead=0"
  [ "$(size_of "$BIG")" -gt 2097152 ]
  dd if="$MNT/$BIG" of=/dev/null bs=4096 count=1 status=none
  wait_until 30 part_here
}

part_here() {
  local here
  here=$(xattr cached "$MNT/$BIG")
  [ "${here%/*}" -ge 1048576 ] && [ "${here%/*}" -lt "${here#*/}" ]
}

@test "without a cache on disk nothing is here; directories and local runs do not say" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX"),no-cache"
  cat "$MNT/index.html" >/dev/null
  cached index.html "0/$(size_of index.html)"
  run getfattr -n user.runfs.cached "$MNT/logs"
  [ "$status" -ne 0 ]
  [[ $(getfattr "$MNT/index.html") == *user.runfs.cached* ]]
  [[ $(getfattr "$MNT/logs") != *user.runfs.cached* ]]
  mount_run "$ORIGINAL" "$BATS_TEST_TMPDIR/local"
  run getfattr -n user.runfs.cached "$BATS_TEST_TMPDIR/local/index.html"
  [ "$status" -ne 0 ]
}

@test "the root's attributes hold the status, no other node does" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  [[ $(getfattr "$MNT") == *user.runfs.status* ]]
  getfattr -d "$MNT" >/dev/null
  [[ $(getfattr "$MNT/logs") != *user.runfs.status* ]]
  run getfattr -n user.runfs.status "$MNT/index.html"
  [ "$status" -ne 0 ]
}

@test "the status counts what was read, fetched and written" {
  local all files
  all=$(find "$ORIGINAL" -type f -printf '%s\n' | awk '{n += $1} END {print n}')
  files=$(find "$ORIGINAL" -type f | wc -l)
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  tells .bytes.given 0
  tells .reads.count 0
  tells .listing.files "$files"
  tells .listing.bytes "$all"
  diff -r "$ORIGINAL" "$MNT"
  tells .bytes.given "$all"
  tells .bytes.fetched "$all"
  wait_until 30 tells .bytes.written_to_disk "$all"
  tells .bytes.from_disk 0
  tells .reads.errors 0
  [ "$(told .reads.count)" -gt 0 ]
  [ "$(told .reads.latency_us.p50)" -le "$(told .reads.latency_us.p99)" ]
  [ "$(told .bytes.prefetched_used)" -le "$(told .bytes.prefetched)" ]
  [ "$(told .pool.bytes)" -le "$(told .pool.max)" ]
  runfs umount "$MNT"
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  diff -r "$ORIGINAL" "$MNT"
  tells .bytes.fetched 0
  tells .bytes.from_disk "$all"
}

@test "requests are counted as the server counts them, by kind and result" {
  : >"$NGINX_DIR/access.log"
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  diff -r "$ORIGINAL" "$MNT"
  wait_until 30 tells .requests.active 0
  tells .requests.list.ok "$(grep -c 'list-type=2' "$NGINX_DIR/access.log")"
  tells .requests.get.ok "$(grep -cv 'list-type=2' "$NGINX_DIR/access.log")"
  tells .requests.attempts "$(wc -l <"$NGINX_DIR/access.log")"
  tells '.requests | .get.failed + .list.failed + .queued' 0
  tells .requests.connections_allowed 32
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/offline" "$(anonymous "$NGINX"),offline"
  [ "$(xattr status "$BATS_TEST_TMPDIR/offline" | jq .requests)" = null ]
}

@test "refused and repeated requests are counted" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),readahead=0,timeout=20"
  faults '{"match":"manifests/index","p403":1}'
  run cat "$MNT/manifests/index.html"
  faults '{"match":"/index.html$","first":2,"p503":1}'
  cat "$MNT/index.html" >/dev/null
  [ "$(told .requests.get.denied)" -ge 1 ]
  tells .requests.get.throttled 2
}

@test "open files and failed reads are counted" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=3"
  tells .open_files 0
  exec 9<"$MNT/index.html"
  tells .open_files 1
  exec 9<&-
  wait_until 30 tells .open_files 0
  faults '{"match":"manifests/index","p403":1}'
  run cat "$MNT/manifests/index.html"
  [ "$(told .reads.errors)" -ge 1 ]
}

@test "the cache's directory and limits are told" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX"),cache=$BATS_TEST_TMPDIR/kept,cache-size=64M,cache-min-free=1M"
  tells .cache.directory "$BATS_TEST_TMPDIR/kept"
  tells .cache.size_max 67108864
  tells .cache.min_free 1048576
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/without" "$(anonymous "$NGINX"),no-cache"
  [ "$(xattr status "$BATS_TEST_TMPDIR/without" | jq .cache)" = null ]
}

@test "runfs status shows it to people, and as JSON" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  cat "$MNT/$BIG" >/dev/null
  run --separate-stderr runfs status "$MNT"
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  grep -qE "^source +$SOURCE\$" <<<"$output"
  grep -qE '^fetched +[0-9.]+ MiB$' <<<"$output"
  grep -qE '^hit ratio +[0-9]+ %$' <<<"$output"
  grep -qE '^ahead +.* % of it used$' <<<"$output"
  [ "$(runfs status --json "$MNT" | jq -r .source)" = "$SOURCE" ]
  [ "$(cd "$MNT/logs" && runfs status --json .. | jq -r .pid)" = "$(xattr pid "$MNT")" ]
}

@test "a local run has a status too, of fewer parts" {
  mount_run "$ORIGINAL" "$MNT"
  cat "$MNT/index.html" >/dev/null
  tells .bytes.given "$(size_of index.html)"
  tells .bytes.fetched null
  [ "$(runfs status "$MNT" | sed -n 's/^source *//p')" = "$ORIGINAL" ]
}

@test "the status holds no secret" {
  credentials
  mount_run "$SOURCE" "$MNT" "$(at "$NGINX")"
  cat "$MNT/index.html" >/dev/null
  { runfs status "$MNT"; runfs status --json "$MNT"; getfattr -d "$MNT"; } >"$BATS_TEST_TMPDIR/said"
  run grep -F -e "$SECRET" -e testaccesskey "$BATS_TEST_TMPDIR/said"
  [ "$status" -eq 1 ]
}

@test "the status is answered while reads hang" {
  local file files reader readers=()
  mount_run "$SOURCE" "$MNT" "$(anonymous "$FAULTY"),timeout=60"
  faults '{"match":"/sub0.*log$","phang":1}'
  mapfile -t files < <(find "$MNT/logs/$GROUP" -name 'sub0*.log' | head -n 5)
  for file in "${files[@]}"; do
    cat "$file" >/dev/null 2>&1 &
    readers+=($!)
  done
  wait_until 30 hits 5
  runfs status "$MNT" >/dev/null
  tells .reads.count 0
  for reader in "${readers[@]}"; do kill -0 "$reader" || fail 'a read that should hang has ended'; done
  wait_until 30 tells .open_files 5
  kill -KILL "${readers[@]}"
  for reader in "${readers[@]}"; do wait "$reader" || [ $? -eq 137 ]; done
}

@test "what is no mount, or none of runfs, is refused in one line" {
  mkdir "$MNT"
  run --separate-stderr runfs status "$MNT"
  one_error 1 'mnt: not a mountpoint'
  run --separate-stderr runfs status "$BATS_TEST_TMPDIR/none"
  one_error 1 'none: No such file'
  run --separate-stderr runfs status /proc
  one_error 1 '/proc: not a runfs mount'
  run --separate-stderr runfs status
  [ "$status" -eq 2 ]
  run --separate-stderr runfs status --nonsense "$MNT"
  [ "$status" -eq 2 ]
}

@test "a dead mount is told from one whose process is stopped" {
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
  STOPPED=$(xattr pid "$MNT")
  kill -STOP "$STOPPED"
  run --separate-stderr runfs status "$MNT"
  one_error 1 'mnt: its process does not answer'
  kill -CONT "$STOPPED"
  runfs status "$MNT" >/dev/null
  kill -KILL "$STOPPED"
  wait_until 30 no_driver "$MNT"
  STOPPED=
  run --separate-stderr runfs status "$MNT"
  one_error 1 'mnt: a dead mount'
}
