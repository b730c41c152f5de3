# mount.runfs: called as mount(8) calls it, through mount -t runfs, and through lines of an fstab. mount(8) looks for
# helpers in /sbin only, so those tests show it the helper in a mount namespace of their own; nothing is installed.
# shellcheck disable=SC2154 # bats sets output and status

load lib

setup_file() {
  DATA=$(small_run)
  export DATA ORIGINAL=$DATA/$BUCKET/$RUN SOURCE=s3://$BUCKET/$RUN
  start_nginx "$DATA"
  export OPTIONS
  OPTIONS=$(anonymous "$NGINX")
}

teardown_file() { end_everything; }

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  mkdir "$MNT"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# helper ARGUMENT...: mount.runfs, which finds runfs where the build or the installation put it.
helper() { PATH=$(dirname "$RUNFS"):$PATH timeout -k 5 120 "$MOUNT_RUNFS" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- 4>&-; }

# helper_ends STATUS ARGUMENT...
helper_ends() {
  local status=0
  helper "${@:2}" || status=$?
  [ "$status" -eq "$1" ] || fail "exit $status, not $1, of mount.runfs ${*:2}: $(cat "$BATS_TEST_TMPDIR/err")"
}

# with_helper SCRIPT: runs SCRIPT where /sbin/mount.runfs is the helper under test, in a namespace whose mounts end with it.
with_helper() {
  local bin propagation=private
  bin=$(dirname "$(realpath "$RUNFS")")
  mountpoint -q / || propagation=unchanged # in a plain chroot
  cat >"$BATS_TEST_TMPDIR/script" <<SCRIPT
set -euo pipefail
mkdir "$BATS_TEST_TMPDIR/sbin"
mount -t tmpfs tmpfs "$BATS_TEST_TMPDIR/sbin"
mkdir "$BATS_TEST_TMPDIR"/sbin/{upper,work}
mount -t overlay overlay -o "lowerdir=$(realpath /sbin),upperdir=$BATS_TEST_TMPDIR/sbin/upper,workdir=$BATS_TEST_TMPDIR/sbin/work" "$(realpath /sbin)"
ln -sf "$(realpath "$MOUNT_RUNFS")" /sbin/mount.runfs
export PATH="$bin:\$PATH"
trap 'umount -l "$MNT" "$(realpath /sbin)" "$BATS_TEST_TMPDIR/sbin" 2>/dev/null || true' EXIT
cd "$BATS_TEST_TMPDIR"
$1
SCRIPT
  timeout -k 5 120 unshare --mount --propagation "$propagation" bash "$BATS_TEST_TMPDIR/script" 3>&- 4>&-
}

@test "called as mount(8) does, it mounts and ends with 0" {
  helper_ends 0 "$SOURCE" "$MNT" -o "rw,$OPTIONS"
  mountpoint -q "$MNT"
  same_tree "$ORIGINAL" "$MNT"
}

@test "mount(8)'s own flags and standard options are understood" {
  helper_ends 0 "$ORIGINAL" "$MNT" -n -v -o defaults,rw,auto,noauto,user,users,nouser,nofail,_netdev,exec,noexec,dev,nodev,suid,nosuid,relatime,noatime,x-systemd.automount,x-anything=1,comment=words
  run findmnt -n -o OPTIONS --mountpoint "$MNT"
  [[ $output =~ (^|,)ro(,|$) && $output == *nosuid* && $output == *nodev* ]]
}

@test "noexec and exec are granted as asked" {
  helper_ends 0 "$ORIGINAL" "$MNT" -o noexec
  run findmnt -n -o OPTIONS --mountpoint "$MNT"
  [[ $output == *noexec* ]]
  umount "$MNT"
  wait_until 30 no_driver "$MNT"
  helper_ends 0 "$ORIGINAL" "$MNT" -o exec
  run findmnt -n -o OPTIONS --mountpoint "$MNT"
  [[ $output != *noexec* ]]
}

@test "-f mounts nothing and ends with 0" {
  helper_ends 0 "$ORIGINAL" "$MNT" -f
  [ -z "$(mounts_below "$MNT")" ]
}

@test "misuse is 1" {
  helper_ends 1
  helper_ends 1 "$ORIGINAL"
  helper_ends 1 "$ORIGINAL" "$MNT" --nonsense
  helper_ends 1 "$ORIGINAL" "$MNT" too many
  [ -z "$(mounts_below "$MNT")" ]
}

@test "a mount that fails is 32, one line, and nothing mounted" {
  helper_ends 32 /no-such-dir "$MNT"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/err")" -eq 1 ]
  grep -q no-such-dir "$BATS_TEST_TMPDIR/err"
  helper_ends 32 s3://no-such-bucket/x "$MNT" -o "$OPTIONS"
  grep -q NoSuchBucket "$BATS_TEST_TMPDIR/err"
  helper_ends 32 "$ORIGINAL" "$BATS_TEST_TMPDIR/no-such-place"
  [ -z "$(mounts_below "$MNT")" ]
}

@test "an unknown option is refused by name" {
  local status=0
  helper "$ORIGINAL" "$MNT" -o nonsense || status=$?
  [ "$status" -eq 1 ] || [ "$status" -eq 32 ]
  grep -q nonsense "$BATS_TEST_TMPDIR/err"
}

@test "a source with spaces and percent signs arrives as it is" {
  mkdir "$BATS_TEST_TMPDIR/a b%20c,d"
  echo content >"$BATS_TEST_TMPDIR/a b%20c,d/file"
  helper_ends 0 "$BATS_TEST_TMPDIR/a b%20c,d" "$MNT"
  cmp "$MNT/file" "$BATS_TEST_TMPDIR/a b%20c,d/file"
}

@test "mount -t runfs SOURCE DIR -o … and umount" {
  with_helper "
    mount -t runfs '$SOURCE' '$MNT' -o '$OPTIONS'
    findmnt -n -t fuse.runfs --mountpoint '$MNT'
    diff -r '$ORIGINAL' '$MNT'
    umount '$MNT'
    ! mountpoint -q '$MNT'"
  wait_until 30 no_driver "$MNT"
}

@test "mount -t runfs ends with 32 and the reason where it fails" {
  run with_helper "mount -t runfs s3://no-such-bucket/x '$MNT' -o '$OPTIONS'"
  [ "$status" -eq 32 ]
  [[ $output == *NoSuchBucket* ]]
}

@test "a line of fstab, with the options people write there" {
  printf '%s %s runfs %s 0 0\n' "$SOURCE" "$MNT" "defaults,noauto,user,nofail,_netdev,x-systemd.automount,$OPTIONS" >"$BATS_TEST_TMPDIR/fstab"
  with_helper "
    mount -T fstab '$MNT'
    diff -r '$ORIGINAL' '$MNT'
    umount '$MNT'"
}

@test "fstab's octal escapes, and mount -a" {
  mkdir "$BATS_TEST_TMPDIR/with space"
  printf '%s %s/with\\040space runfs %s 0 0\n' "$ORIGINAL" "$BATS_TEST_TMPDIR" ro,uid=12,gid=34,umask=022,refresh=5 >"$BATS_TEST_TMPDIR/fstab"
  with_helper "
    mount -T fstab -a
    [ \"\$(stat -c '%u %g %a' 'with space/index.html')\" = '12 34 644' ]
    mount -T fstab -a
    umount 'with space'"
}
