# What the server scripts share: clear refusals, free ports and stopping by pid file.
# Sourced by the scripts beside it; it starts nothing itself.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# misuse TEXT: prints the usage and ends as a misused command does.
misuse() {
  printf 'usage: %s %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# need COMMAND PACKAGE...: ends with the packages to install where COMMAND is missing.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null || die "$command is missing: apt-get install -y --no-install-recommends $*"
}

listening() { # PORT
  [ -n "$(awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null)" ]
}

# free_port: prints a port nobody listens on, below the kernel's range for outgoing connections. Somebody else may
# take it before the caller does, so callers try again with another one when binding fails.
free_port() {
  local port
  while :; do
    port=$((10240 + (RANDOM << 15 | RANDOM) % 22000))
    listening "$port" || break
  done
  printf '%s\n' "$port"
}

# wait_until SECONDS COMMAND...: runs COMMAND every 50 ms until it succeeds; fails after SECONDS.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# is_process PIDFILE DIR: the process of PIDFILE lives and was started for DIR, which stands in its command line or its
# environment; so a number the system has given to somebody else meanwhile is never taken for ours.
is_process() {
  local pid
  [ -s "$1" ] && read -r pid <"$1" && cat "/proc/$pid/cmdline" "/proc/$pid/environ" 2>/dev/null | grep -qaF -- "$2/"
}

not_process() { ! is_process "$@"; }

# stop_process PIDFILE DIR SIGNAL: ends that process (see is_process) and its children, waits until it is gone and removes
# PIDFILE.
stop_process() {
  local pid child comm
  local -a children=()
  if is_process "$1" "$2"; then
    read -r pid <"$1"
    comm=$(<"/proc/$pid/comm")
    mapfile -t children < <(pgrep -P "$pid")
    kill "-$3" "$pid" 2>/dev/null || true
    wait_until 10 not_process "$1" "$2" || kill -KILL "$pid" 2>/dev/null || true
    wait_until 10 not_process "$1" "$2" || die "process $pid does not end"
    # a worker with a connection that hangs outlives a killed master
    for child in "${children[@]}"; do
      [ "$(cat "/proc/$child/comm" 2>/dev/null)" != "$comm" ] || kill -KILL "$child" 2>/dev/null || true
    done
  fi
  rm -f "$1"
}

# claim_dir DIR MARK: makes DIR for the server named MARK and prints its full path. A directory with other things in it
# is refused, one of an earlier server is emptied.
claim_dir() {
  local dir
  mkdir -p "$1"
  dir=$(realpath "$1")
  if [ -n "$(ls -A "$dir")" ]; then
    [ -e "$dir/.$2" ] || die "$dir is not empty and not a directory of $2"
    find "$dir" -mindepth 1 -delete
  fi
  touch "$dir/.$2"
  printf '%s\n' "$dir"
}
