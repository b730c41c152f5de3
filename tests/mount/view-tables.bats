# View tables: rows of every type, runs bound to names, conflicts and how they are told, and tables that are refused.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # bats sets output, status and stderr

load lib

setup_file() {
  DATA=$(fixture views make-views)
  export DATA RUNS=$DATA/views ORACLE=$BATS_FILE_TMPDIR/oracle
  "$TESTS/mount/flatten" "$RUNS/root" "$ORACLE"
  start_nginx "$DATA"
}

teardown_file() { end_everything; }

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  MNT=$BATS_TEST_TMPDIR/mnt
  mkdir "$MNT"
}

teardown() {
  cd /
  unmount_below "$BATS_TEST_TMPDIR"
}

# table ROW...: writes the view table t.
table() { printf '%s\n' "$@" >t; }

# options [OPTION,...]: those of a run of nginx in the view that the table says.
options() { printf '%s,view=t%s' "$(anonymous "$NGINX")" "${1:+,$1}"; }

# mount_table RUN [OPTIONS]
mount_table() { mount_run "s3://views/$1" "$MNT" "$(options "${2:-}")"; }

@test "rows of every type, with braces, overlay and a bound run" {
  mkdir -p here/sub
  echo mine >here/sub/file
  echo patched >lib.so
  # shellcheck disable=SC2016
  table '# source                      path                         type     options' \
    'part{3,5}_*                       /opt                         flatten' \
    'greet_{lib,run}_generic           /opt                         flatten  -' \
    'greet_lib_generic                 /greet/members               archive  defaults 0 0' \
    'kernels_lib_gfx942:xnack+         /k/a                         archive' \
    'logs/gfx94X-dcgpu                 /logs                        tree' \
    'other:artifacts/*_lib_generic.tar.xz.sha256sum /sums           tree' \
    'other:README                      /read\040me                  tree' \
    './lib.so                          /opt/lib/libgreeting.so.1.0  local    overlay' \
    'here                              /home                        local'
  mount_table root "bind=other=s3://views/subdir"
  [ "$(ls "$MNT")" = $'greet\nhome\nk\nlogs\nopt\nread me\nsums' ]
  same_tree "$RUNS/root/logs/gfx94X-dcgpu" "$MNT/logs"
  same_tree here "$MNT/home"
  cmp "$RUNS/root/README" "$MNT/read me"
  same_members "$RUNS/root/greet_lib_generic.tar.xz" "$MNT/greet/members"
  [ "$(cat "$MNT/k/a/t/lib/kernels.bin")" = gfx942:xnack+ ]
  [ "$(find "$MNT/sums" -type f | wc -l)" -eq "$(find "$RUNS/root" -name '*_lib_generic.tar.xz.sha256sum' | wc -l)" ]
  "$TESTS/mount/flatten" --take '^(part[35]|greet)_' "$RUNS/root" expected
  cp --remove-destination lib.so expected/lib/libgreeting.so.1.0
  diff -r --no-dereference expected "$MNT/opt"
}

# content FILE [TYPE]: what a message says of it.
content() { printf 'sha256:%s:%d:%s' "$(sha256sum <"$1" | cut -d ' ' -f 1)" "$(stat -c %s "$1")" "${2:-f}"; }

# conflicting MESSAGE...: the table's conflicts are told in just these words by ls --check, and by a mount, which is refused.
conflicting() {
  run --separate-stderr runfs ls --check "$RUNS/root" -o view=t
  [ "$status" -eq 1 ]
  diff <(printf '%s\n' "$@" "$# conflicts, 0 overlaps") - <<<"$output" || return
  run --separate-stderr runfs mount "$RUNS/root" "$MNT" -o view=t
  [ "$status" -eq 1 ]
  diff <(printf 'runfs: %s\n' "$@") - <<<"$stderr" || return
  [ -z "$(mounts_below "$MNT")" ]
}

@test "conflict: different content, of objects, members and local files" {
  local run=$RUNS/root lib=lib/libgreeting.so.1.0
  echo mine >file
  table 'README /a tree' './file /a local' \
    'greet_lib_generic /opt flatten' "file /opt/$lib local" \
    'kernels_lib_gfx1151 /opt flatten' 'kernels_lib_gfx942:xnack+ /opt flatten' 'file /opt/lib/libgreeting.so.1 local'
  printf gfx1151 >one
  printf gfx942:xnack+ >two
  conflicting "a: conflict: README [$(content "$run/README")] and local $PWD/file [$(content file)]" \
    "opt/lib/kernels.bin: conflict: kernels_lib_gfx1151.tar.xz t/lib/kernels.bin [$(content one)] and kernels_lib_gfx942:xnack+.tar.xz t/lib/kernels.bin [$(content two)]" \
    "opt/lib/libgreeting.so.1: conflict: greet_lib_generic.tar.xz tools/greet/stage/lib/libgreeting.so.1 [->libgreeting.so.1.0:18:l] and local $PWD/file [$(content file)]" \
    "opt/$lib: conflict: greet_lib_generic.tar.xz tools/greet/stage/$lib [$(content "$ORACLE/$lib" x)] and local $PWD/file [$(content file)]"
}

@test "conflict: an entry beneath a file, and a file where a directory is" {
  local run=$RUNS/root
  table 'README /a tree' 'logs/old.log /a/b/c tree' 'logs /d/e tree' 'README /d tree' 'README /f tree' 'greet_run_generic /f/g archive'
  conflicting "a: conflict: README [$(content "$run/README")] and, beneath it, logs/old.log [$(content "$run/logs/old.log")]" \
    "d: conflict: logs [-:0:t] and README [$(content "$run/README")]" \
    "f: conflict: README [$(content "$run/README")] and, beneath it, archives at /f/g [-:0:t]"
}

@test "conflict: a link of a local directory or an archive that leads out of the tree" {
  mkdir -p tree/sub
  ln -s ../../outside tree/sub/out
  ln -s /etc/passwd tree/absolute
  ln -s ../missing tree/sub/dangling
  table 'tree / local'
  conflicting "absolute: local $PWD/tree/absolute [->/etc/passwd:11:l]: its target leaves the tree" \
    "sub/out: local $PWD/tree/sub/out [->../../outside:13:l]: its target leaves the tree"
}

@test "the same content is no conflict, and neither is what an overlay row says" {
  cp "$RUNS/root/README" same
  echo other >other
  mkdir -p file-onto directory/a
  echo below >directory/a/b
  table 'README /a tree' './same /a local' 'greet_lib_generic /g flatten' 'greet_lib_generic /g flatten' \
    'logs /b tree' 'other /b local overlay' 'other /c local' 'directory /c local overlay' 'other /g/lib local overlay'
  mount_run "$RUNS/root" "$MNT" view=t
  cmp same "$MNT/a"
  cmp other "$MNT/b"
  same_tree directory "$MNT/c"
  cmp other "$MNT/g/lib"
}

@test "a conflict that shows only when archives are decoded makes its path unreadable; the next mount is refused" {
  local reason
  echo mine >file
  table 'kernels_lib_gfx1151 / flatten' 'file /lib/kernels.bin local' 'file /lib/fine local'
  mount_table root
  run cat "$MNT/lib/kernels.bin"
  [[ $status -ne 0 && $output == *'Input/output error' ]]
  cmp file "$MNT/lib/fine"
  reason=$(xattr error "$MNT/lib/kernels.bin")
  printf gfx1151 >member
  [ "$reason" = "lib/kernels.bin: conflict: kernels_lib_gfx1151.tar.xz t/lib/kernels.bin [$(content member)] and local $PWD/file [$(content file)]" ]
  runfs umount "$MNT"
  run --separate-stderr runfs mount s3://views/root "$MNT" -o "$(options)"
  [ "$status" -eq 1 ]
  [ "$stderr" = "runfs: $reason" ]
}

# refused MESSAGE ROW...: a mount of the table is refused in these words.
refused() {
  local message=$1
  shift
  table "$@"
  run --separate-stderr runfs mount "$RUNS/root" "$MNT" -o "view=t,bind=a=$RUNS/subdir${BINDS:-}"
  [ "$status" -eq 1 ]
  [ "$stderr" = "runfs: $message" ] || fail "$stderr"
  [ -z "$(mounts_below "$MNT")" ]
}

@test "bad tables are refused with file, line and reason" {
  refused "t:2: type 'overlay': not one of tree, archive, flatten, local" '# a comment' 'README /a overlay'
  refused "t:1: 2 fields, not 3 to 6" 'README /a'
  refused "t:1: option 'ro': not one of overlay, defaults" 'README /a tree ro'
  refused "t:1: source '../README': has a '..'" '../README /a tree'
  refused "t:1: logical path '/a/../b': has a '..'" 'README /a/../b tree'
  refused "t:1: logical path 'a': not absolute" 'README a tree'
  refused "t:1: missing source: nothing in the run is READYOU" 'READYOU /a tree'
  refused "t:2: missing source: nothing in the run is b:README" 'a:README /a tree' 'b:README /b tree'
  refused "t:1: missing source: no archive in the run is nothing_*" 'nothing_* /a flatten'
  refused "t:1: missing source: no archive in the run is README" 'README /a archive'
  refused "t:1: nothing: No such file or directory" 'nothing /a local'
  refused "t:1: /dev/null: not a file or directory" '/dev/null /a local'
  mount_refused 'neither uploaded, typed nor dist' "$RUNS/root" "$MNT" view=nothing
}

@test "a local file that may not be read is refused" {
  table 'file /a local'
  echo secret >file
  chmod 0 file
  # not even to root, without the right to pass over modes
  run --separate-stderr setpriv --bounding-set=-all "$RUNFS" ls "$DATA/views/root" -o no-cache,view=t
  [ "$status" -eq 1 ]
  [ "$stderr" = 'runfs: t:1: file: Permission denied' ]
}

@test "binds that lead in a circle are refused, others may stand for one another" {
  BINDS=,bind=b=c,bind=c=b refused "t:1: bind=c: cycle: c, b, c" 'b:README /a tree'
  table 'b:README /a tree'
  mount_run "$RUNS/root" "$MNT" "view=t,bind=b=c,bind=c=$RUNS/subdir"
  cmp "$RUNS/root/README" "$MNT/a"
}

@test "a library built here takes the place of the run's, whose own is where it was" {
  echo 'const char *greeting(void) { return "patched"; }' >greeting.c
  mkdir build
  cc -shared -fPIC -Wl,-soname,libgreeting.so.1 -o build/libgreeting.so.1.0 greeting.c
  table 'greet_* / flatten' 'build/libgreeting.so.1.0 /lib/libgreeting.so.1.0 local overlay'
  mount_table root
  [ "$(LD_LIBRARY_PATH=$MNT/lib "$MNT/bin/greet")" = patched ]
  mount_run s3://views/root "$MNT.own" "$(anonymous "$NGINX"),archives"
  cmp "$ORACLE/lib/libgreeting.so.1.0" "$MNT.own/greet_lib_generic/tools/greet/stage/lib/libgreeting.so.1.0"
}

@test "a writable overlay on top takes what is written, and the mount stays as it is" {
  mount_run s3://views/root lower "$(anonymous "$NGINX"),view=dist,include=^greet,allow_other"
  mkdir rw tree
  mount -t tmpfs tmpfs rw # what is below may itself be an overlay, which takes no upper directory
  mkdir rw/upper rw/work
  mount -t overlay overlay -o lowerdir=lower,upperdir=rw/upper,workdir=rw/work tree
  [ "$(LD_LIBRARY_PATH=tree/lib tree/bin/greet)" = 'hello from a run' ]
  echo changed >>tree/bin/greet
  rm tree/lib/libgreeting.so.1
  echo new >tree/lib/new
  [ "$(tail -c 8 tree/bin/greet)" = changed ]
  [ "$(ls tree/lib)" = $'libgreeting.so.1.0\nnew' ]
  cmp "$ORACLE/lib/libgreeting.so.1.0" tree/lib/libgreeting.so.1.0
  umount tree rw
  cmp "$ORACLE/bin/greet" lower/bin/greet
  [ "$(ls lower/lib)" = $'libgreeting.so.1\nlibgreeting.so.1.0' ]
}
