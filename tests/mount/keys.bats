# Keys that a POSIX tree cannot show have a fate (see runfs-mount(1)): the rest of the tree stays whole, and what is left
# out is logged and counted, never silent.
# shellcheck disable=SC2154 # bats sets output and status

load lib

long=$(printf 'n%.0s' {1..255})

# All keys of the run, percent-encoded: first those that show, then those that cannot.
SHOWN=(plain deep/er/file 'sp%20ace' 'inv%FF%FEalid' 'c%C3%BC' 'back%5Cslash' "ok/$long" dir/child both/inside ...
  'dots/..a' '-dash' 'quote%22' 'amp%26lt%3C')
HIDDEN=(both 'double//slash' '/leading' './dot' '../dotdot' 'in/./side' 'in/../side' "long/${long}n" 'nul%00byte')

write_keys() { # FILE CONTENT
  local key
  for key in "${SHOWN[@]}" "${HIDDEN[@]}" marker/ dir/; do printf 'run/%s\t%s\n' "$key" "$2"; done >"$1"
}

setup_file() {
  local data=$BATS_FILE_TMPDIR/data
  mkdir -p "$data"/{odd,contents}
  echo 'the content' >"$data/contents/one"
  write_keys "$data/odd.keys" contents/one
  start_nginx "$data"
  export MNT=$BATS_FILE_TMPDIR/mnt LOG=$BATS_FILE_TMPDIR/log
  mount_run s3://odd/run "$MNT" "$(anonymous "$NGINX"),log=$LOG"
}

teardown_file() { end_everything; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# shown: the names of the files that show, as bytes, sorted.
shown() { (cd "$1" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | tr '\0' '\n'); }

expected() {
  local key
  for key in "${SHOWN[@]}"; do printf '%b\n' "${key//%/\\x}"; done | LC_ALL=C sort
}

@test "every key that can be shown is, byte for byte, and no other" {
  diff -a <(expected) <(shown "$MNT")
}

@test "every file that shows can be read" {
  find "$MNT" -type f -print0 | xargs -0 -n 1 cmp <(echo 'the content') 2>&1 | head -n 5 >"$BATS_TEST_TMPDIR/wrong" || true
  [ "$(find "$MNT" -type f -exec cat {} + | sort | uniq -c | awk '{print $1}')" -eq "${#SHOWN[@]}" ]
}

@test "where a key is also a directory, the directory shows" {
  [ -d "$MNT/both" ]
  [ "$(ls "$MNT/both")" = inside ]
}

@test "directory markers are directories" {
  [ -d "$MNT/marker" ]
  [ -z "$(ls "$MNT/marker")" ]
  [ "$(ls "$MNT/dir")" = child ]
}

@test "invalid UTF-8 shows as its bytes, and its location leads back to it" {
  local url name
  name=$MNT/$(printf 'inv\xff\xfealid')
  [ -f "$name" ]
  url=$(xattr https_url "$name")
  [[ $url == */run/inv%FF%FEalid ]]
}

@test "what cannot be shown is logged and counted" {
  grep -q "${#HIDDEN[@]} keys are not shown" "$LOG" || fail "no count of ${#HIDDEN[@]} in the log: $(cat "$LOG")"
  [ "$(grep -c ' warning: ' "$LOG")" -gt "${#HIDDEN[@]}" ] || fail "not a line for each: $(cat "$LOG")"
}

@test "control characters never reach a terminal raw" {
  [ -z "$(tr -d '\n' <"$LOG" | LC_ALL=C tr -cd '\000-\010\013-\037')" ]
}

@test "RGW shows the same keys" {
  local list=$BATS_TEST_TMPDIR/keys key
  start_rgw
  echo 'the content' >"$BATS_TEST_TMPDIR/one"
  # RGW itself refuses NUL and invalid UTF-8.
  write_keys "$list.all" "$BATS_TEST_TMPDIR/one"
  grep -vE '%00|%FF' "$list.all" >"$list"
  fill -p -k "$list" "$RGW_DIR" odd
  mount_run s3://odd/run "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$RGW")"
  diff -a <(expected | grep -av inv) <(shown "$BATS_TEST_TMPDIR/mnt")
}
