# The mounted tree as everyday programs see it: names, modes, times, inode numbers, attributes, and that it is read-only.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
  export MNT=$BATS_FILE_TMPDIR/mnt
  mount_run "$SOURCE" "$MNT" "$(anonymous "$NGINX")"
}

teardown_file() { end_everything; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

@test "find shows the paths of the original, awkward names included" {
  diff <(cd "$ORIGINAL" && find . | LC_ALL=C sort) <(cd "$MNT" && find . | LC_ALL=C sort)
}

@test "ls -lR lists every directory without an error" {
  ls -lR "$MNT" >"$BATS_TEST_TMPDIR/listing" 2>"$BATS_TEST_TMPDIR/errors"
  [ ! -s "$BATS_TEST_TMPDIR/errors" ]
  [ "$(grep -c ':$' "$BATS_TEST_TMPDIR/listing")" -ge "$(find "$ORIGINAL" -type d | wc -l)" ]
}

@test "sizes and times are those of the objects" {
  diff <(cd "$ORIGINAL" && find . -type f -printf '%p %s %Ts\n' | sort) <(cd "$MNT" && find . -type f -printf '%p %s %Ts\n' | sort)
}

@test "files are 0644, directories 0755, all owned by the mounter" {
  [ "$(find "$MNT" -type f -printf '%m %U %G\n' | sort -u)" = '644 0 0' ]
  [ "$(find "$MNT" -type d -printf '%m %U %G\n' | sort -u)" = '755 0 0' ]
}

@test "uid, gid and umask change what is shown" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX"),uid=123,gid=456,umask=027"
  [ "$(find "$BATS_TEST_TMPDIR/mnt" -type f -printf '%m %U %G\n' | sort -u)" = '640 123 456' ]
  [ "$(find "$BATS_TEST_TMPDIR/mnt" -type d -printf '%m %U %G\n' | sort -u)" = '750 123 456' ]
}

@test "another user is let in with allow_other only, and then by the modes shown" {
  local nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  # The places above the mount must let nobody pass for the mount itself to be asked.
  local place
  place=$(mktemp -d /tmp/runfs-allow.XXXXXX)
  chmod 755 "$place"
  mkdir "$place"/{closed,open,masked}
  mount_run "$SOURCE" "$place/closed" "$(anonymous "$NGINX")"
  mount_run "$SOURCE" "$place/open" "$(anonymous "$NGINX"),allow_other"
  mount_run "$SOURCE" "$place/masked" "$(anonymous "$NGINX"),allow_other,umask=077"
  run "${nobody[@]}" cat "$place/closed/index.html"
  local closed=$output
  run "${nobody[@]}" cat "$place/masked/index.html"
  local masked=$output
  run "${nobody[@]}" cat "$place/open/index.html"
  unmount_below "$place"
  rmdir "$place"/* "$place"
  [[ $closed == *'Permission denied'* ]]
  [[ $masked == *'Permission denied'* ]]
  [ "$output" = "$(cat "$ORIGINAL/index.html")" ]
}

@test "cp -r copies the tree, and the copy can be deleted again" {
  cp -r "$MNT" "$BATS_TEST_TMPDIR/copy"
  same_tree "$ORIGINAL" "$BATS_TEST_TMPDIR/copy"
  rm -r "$BATS_TEST_TMPDIR/copy"
}

@test "cp -a keeps the times" {
  cp -a "$MNT/logs" "$BATS_TEST_TMPDIR/copy"
  [ "$(stat -c %Y "$BATS_TEST_TMPDIR/copy/index.html")" -eq "$(stat -c %Y "$ORIGINAL/logs/index.html")" ]
}

@test "grep -r finds the failures" {
  diff <(cd "$ORIGINAL" && grep -r 'ninja: error' . | sort) <(cd "$MNT" && grep -r 'ninja: error' . | sort)
  [ "$(grep -rl 'ninja: error' "$MNT/logs" | wc -l)" -ge 1 ]
}

@test "less and vim -R open a log" {
  local log="logs/odd names/gfx942:xnack+.log"
  LESSOPEN='' less "$MNT/$log" </dev/null | cmp - "$ORIGINAL/$log"
  timeout 30 vim -R -n -es -u NONE -c "w $BATS_TEST_TMPDIR/written" -c 'qa!' "$MNT/$log" </dev/null
  cmp "$BATS_TEST_TMPDIR/written" "$ORIGINAL/$log"
  # What both do and cat does not: seek to the end and back.
  [ "$(tail -n 1 "$MNT/$log")" = "$(tail -n 1 "$ORIGINAL/$log")" ]
}

@test "nothing on the mount is executable" {
  run "$MNT/index.html"
  [ "$status" -eq 126 ]
}

@test "inode numbers are the same in the next mount" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  diff <(cd "$MNT" && find . -printf '%i %p\n' | LC_ALL=C sort -k2) \
    <(cd "$BATS_TEST_TMPDIR/mnt" && find . -printf '%i %p\n' | tac | LC_ALL=C sort -k2)
  [ -z "$(find "$MNT" -printf '%i\n' | sort | uniq -d)" ]
}

@test "the inode numbers readdir gives are those of stat" {
  python3 - "$MNT" <<'PYTHON'
import os, sys
for folder, folders, names in os.walk(sys.argv[1]):
    for entry in os.scandir(folder):
        assert entry.inode() == os.lstat(entry.path).st_ino, entry.path
PYTHON
}

@test "statfs and df work" {
  df "$MNT" >/dev/null
  [ "$(stat -f -c %l "$MNT")" -ge 255 ]
  [ "$(stat -f -c %S "$MNT")" -gt 0 ]
}

@test "the mount is of type fuse.runfs, read-only, nosuid and nodev, and names its run" {
  run findmnt -n -o FSTYPE,OPTIONS,SOURCE --mountpoint "$MNT"
  [[ $output == fuse.runfs\ * ]]
  for option in ro nosuid nodev default_permissions; do
    [[ $output =~ [\ ,]${option}[\ ,] ]] || fail "no $option: $output"
  done
  [[ $output == *"$RUN"* ]]
}

@test "writing in any way is EROFS" {
  local file=$MNT/index.html attempts
  attempts=(
    "touch $MNT/new" "mkdir $MNT/new" "rm -f $file" "rmdir $MNT/logs" "mv $file $MNT/other" "ln $file $MNT/other"
    "ln -s x $MNT/other" "chmod 600 $file" "chown 1 $file" "truncate -s 0 $file" "touch $file" "mknod $MNT/pipe p"
    "setfattr -n user.x -v y $file" "dd of=$file if=/dev/null conv=notrunc"
  )
  for attempt in "${attempts[@]}"; do
    run bash -c "$attempt"
    [ "$status" -ne 0 ] || fail "worked: $attempt"
    [[ $output == *'Read-only file system'* ]] || fail "$attempt: $output"
  done
}

@test "a remount does not make it writable" {
  mount_run "$SOURCE" "$BATS_TEST_TMPDIR/mnt" "$(anonymous "$NGINX")"
  mount -i -o remount,rw "$BATS_TEST_TMPDIR/mnt" 2>/dev/null || true
  run bash -c "echo more >>'$BATS_TEST_TMPDIR/mnt/index.html'"
  [[ $output == *'Read-only file system'* ]]
  run touch "$BATS_TEST_TMPDIR/mnt/new"
  [[ $output == *'Read-only file system'* ]]
  run rm -f "$BATS_TEST_TMPDIR/mnt/index.html"
  [[ $output == *'Read-only file system'* ]]
  cmp "$ORIGINAL/index.html" "$BATS_TEST_TMPDIR/mnt/index.html"
}

@test "what is not there is ENOENT, and a file is no directory" {
  run cat "$MNT/no-such-file"
  [[ $output == *'No such file or directory'* ]]
  run cat "$MNT/index.html/below"
  [[ $output == *'Not a directory'* ]]
}

@test "attributes tell a file's location, address and ETag" {
  local path='logs/odd names/gfx942:xnack+.log' etag
  [ "$(xattr s3_uri "$MNT/$path")" = "s3://$BUCKET/$RUN/$path" ]
  [ "$(xattr https_url "$MNT/$path")" = "https://$BUCKET.s3.amazonaws.com/$RUN/logs/odd%20names/gfx942%3Axnack%2B.log" ]
  etag=$(curl -sSI --noproxy '*' "$NGINX/$BUCKET/$RUN/logs/odd%20names/gfx942%3Axnack%2B.log" | awk -F'"' 'tolower($1) ~ /^etag/ {print $2}')
  [ -n "$etag" ]
  [ "$(xattr etag "$MNT/$path" | tr -d '"')" = "$etag" ]
}

@test "attributes of every name lead back to its object" {
  local name url
  for name in "$MNT/logs/odd names"/* "$MNT/logs/odd names"/.h*; do
    [ "$(xattr s3_uri "$name")" = "s3://$BUCKET/$RUN${name#"$MNT"}" ]
    url=$(xattr https_url "$name")
    curl -sS --fail --noproxy '*' --path-as-is "$NGINX/$BUCKET${url#"https://$BUCKET.s3.amazonaws.com"}" | cmp - "$name"
  done
}

@test "directories have a location too, and attributes can be listed" {
  [ "$(xattr s3_uri "$MNT/logs/$GROUP" | sed 's|/$||')" = "s3://$BUCKET/$RUN/logs/$GROUP" ]
  [ "$(xattr s3_uri "$MNT" | sed 's|/$||')" = "s3://$BUCKET/$RUN" ]
  getfattr --absolute-names -d "$MNT/index.html" | grep -q '^user.runfs.s3_uri='
  run getfattr --absolute-names -n user.runfs.nonsense "$MNT/index.html"
  [ "$status" -ne 0 ]
}

@test "a second look at everything asks the server nothing" {
  local before
  find "$MNT" >/dev/null
  before=$(wc -l <"$NGINX_DIR/access.log")
  find "$MNT" -ls >/dev/null
  [ "$(wc -l <"$NGINX_DIR/access.log")" -eq "$before" ]
}
