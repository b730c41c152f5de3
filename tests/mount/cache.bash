# Mounting with a cache directory of its own, and counting what the server was asked for. Loaded after lib.

# mount_cached MOUNTPOINT [OPTIONS]: mounts SOURCE from NGINX with CACHE as its cache directory.
mount_cached() { mount_run "$SOURCE" "$1" "$(anonymous "$NGINX"),cache=$CACHE${2:+,$2}"; }

# settled: what was read is on disk, and the server has logged what it was asked for.
settled() { sleep 0.3; }

# mark: from here on the functions below count.
mark() {
  settled
  MARK=$(wc -l <"$NGINX_DIR/access.log")
}

asked() { tail -n "+$((MARK + 1))" "$NGINX_DIR/access.log"; }
listings() { settled; asked | grep -c 'list-type=2' || true; }
objects() { settled; asked | grep -vc 'list-type=2' || true; }

# bytes NAME: how many bytes were sent of objects whose key holds NAME.
bytes() { settled; asked | grep -v 'list-type=2' | awk -F '\t' -v name="$1" 'index($2, name) {sum += $6} END {print sum + 0}'; }

# warnings FILE: how many lines a log has.
warnings() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }

# own_server DATA [PORT]: a server of the test's own, OWN_NGINX and NGINX_DIR; no_own_server ends it, also in teardown. To
# nginx itself a variable NGINX names sockets to take over.
own_server() {
  NGINX_DIR=$BATS_TEST_TMPDIR/nginx
  env -u NGINX "$SERVERS/nginx-start" "$NGINX_DIR" "$@" 3>&- 4>&-
  NGINX=http://127.0.0.1:$(cat "$NGINX_DIR/port")
  MARK=0
}

no_own_server() { "$SERVERS/nginx-stop" "$BATS_TEST_TMPDIR/nginx"; }
