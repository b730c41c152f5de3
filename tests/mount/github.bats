# Runs found through GitHub's API: commits, lookup, where forks and old runs are, tokens, rate limits, and what is kept.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is its own process; bats sets output and stderr

load lib

SHA=0123456789abcdef0123456789abcdef01234567

# place BUCKET/PREFIX: a run of one small file, which says where it is.
place() {
  mkdir -p "$BATS_FILE_TMPDIR/data/$1/logs"
  printf '%s\n' "$1" >"$BATS_FILE_TMPDIR/data/$1/logs/where"
}

setup_file() {
  place therock-ci-artifacts/111-linux
  place therock-ci-artifacts-external/ROCm-TheRock/222-linux
  place therock-artifacts/333-linux
  place therock-artifacts/444-linux
  mkdir "$BATS_FILE_TMPDIR/data/therock-artifacts-external"
  start_nginx "$BATS_FILE_TMPDIR/data"
  export GITHUB=$BATS_FILE_TMPDIR/github
  env -u NGINX "$SERVERS/github-start" "$GITHUB" # to nginx a variable NGINX names sockets to take over
}

teardown_file() {
  "$SERVERS/nginx-stop" "$BATS_FILE_TMPDIR/github"
  end_everything
}

setup() {
  MNT=$BATS_TEST_TMPDIR/mnt
  OPTIONS=$(anonymous "$NGINX"),platform=linux
  GITHUB_API_URL=http://127.0.0.1:$(cat "$GITHUB/port")
  export GITHUB_API_URL
  : >"$GITHUB/access.log"
  answers "$(of 111 ROCm/TheRock 2026-09-01T12:00:00Z)" "$(of 222 someone/TheRock 2026-09-01T12:00:00Z)" \
    "$(of 333 ROCm/TheRock 2025-11-11T16:18:48Z)" "$(of 444 ROCm/TheRock 2025-11-12T00:00:00Z)" \
    "$(jq -nc --arg sha "$SHA" '{match: ("multi_arch_ci.yml/runs.head_sha=" + $sha), body: {total_count: 2, workflow_runs: [
      {id: 111, head_sha: $sha, status: "completed", conclusion: "success", created_at: "2026-09-01T11:00:00Z"},
      {id: 5, head_sha: $sha, status: "completed", conclusion: "failure", created_at: "2026-09-01T10:00:00Z"}]}}')"
}

teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

# of ID HEAD UPDATED [STATUS]: the rule that answers as GitHub does of a run of ROCm/TheRock.
of() {
  jq -nc --argjson id "$1" --arg head "$2" --arg at "$3" --arg status "${4:-completed}" '{
    match: "^/repos/ROCm/TheRock/actions/runs/\($id)$",
    body: {id: $id, name: "Multi-Arch CI", event: "push", status: $status, conclusion: "success", run_attempt: 1,
      html_url: "https://github.com/ROCm/TheRock/actions/runs/\($id)", created_at: "2025-11-01T00:00:00Z", updated_at: $at,
      repository: {full_name: "ROCm/TheRock"}, head_repository: {full_name: $head}}}'
}

# answers RULE...: what the API says from now on.
answers() {
  jq -sc . <<<"$*" >"$GITHUB/rules.new"
  mv "$GITHUB/rules.new" "$GITHUB/rules.json"
  rm -f "$GITHUB/asked"
}

refusal() { jq -nc --argjson status "$1" --arg message "$2" --argjson headers "${3:-{\}}" '{match: "/", $status, $headers, body: {$message}}'; }

asked() { stat -c %s "$GITHUB/asked" 2>/dev/null || echo 0; }

# leads_to PLACE SOURCE [OPTIONS]: what is said on the way is in TMPDIR/said.
leads_to() { [ "$(runfs cat "$2" logs/where -o "$OPTIONS${3:+,$3}" 2>"$BATS_TEST_TMPDIR/said")" = "$1" ]; }

# refused PATTERN SOURCE [OPTIONS]
refused() {
  run --separate-stderr runfs ls "$2" -o "$OPTIONS${3:+,$3}"
  one_error 1 "$1"
}

@test "a commit is its newest run, and which one that is is told" {
  mount_run "ROCm/TheRock@$SHA" "$MNT" "$OPTIONS"
  [ "$(cat "$MNT/logs/where")" = therock-ci-artifacts/111-linux ]
  grep -qx "runfs: ROCm/TheRock@$SHA: run 111, completed: success, of 2026-09-01T12:00:00Z, https://.*/runs/111" \
    "$BATS_TEST_TMPDIR/mount.log"
}

@test "ls, cat, resolve and prefetch take a commit, too" {
  [ "$(runfs ls "ROCm/TheRock@$SHA" -o "$OPTIONS" 2>/dev/null)" = logs ]
  [ "$(runfs cat "ROCm/TheRock@$SHA" logs/where -o "$OPTIONS" 2>/dev/null)" = therock-ci-artifacts/111-linux ]
  runfs resolve "ROCm/TheRock@$SHA" root -o platform=linux 2>/dev/null | grep -qx "s3_uri	s3://therock-ci-artifacts/111-linux"
  runfs cache prefetch "ROCm/TheRock@$SHA" -o "$OPTIONS" | grep -q '^1 files'
  [ "$(asked)" -eq 2 ] # the list, and the run itself, once
}

@test "a commit without a run, and what is no commit" {
  refused 'multi_arch_ci.yml/runs.head_sha=abcdef0: no such repository or workflow' ROCm/TheRock@abcdef0
  answers '{"match": "other.yml", "body": {"total_count": 0, "workflow_runs": []}}'
  refused 'other.yml has not run for this commit; GitHub may want all 40 digits' ROCm/TheRock@abcdef0 \
    "workflow=other.yml"
  refused '7 to 40 hexadecimal digits' ROCm/TheRock@main
}

@test "lookup finds a fork's run where forks are" {
  leads_to therock-ci-artifacts-external/ROCm-TheRock/222-linux 222 lookup
  leads_to therock-ci-artifacts-external/ROCm-TheRock/222-linux https://github.com/ROCm/TheRock/actions/runs/222 lookup
  refused 'no such run: nothing is stored' 222
}

@test "lookup finds a run of before the cut-over in the old bucket" {
  leads_to therock-artifacts/333-linux 333-linux lookup
  [ ! -s "$BATS_TEST_TMPDIR/said" ]
}

@test "near the cut-over the other place is tried, and which one was used is told" {
  leads_to therock-artifacts/444-linux 444-linux lookup
  grep -q '^runfs: s3://therock-artifacts/444-linux: as runs up to 2025-11-11T16:18:48Z were placed$' \
    "$BATS_TEST_TMPDIR/said"
}

@test "GitHub is not asked where that is not wanted" {
  leads_to therock-ci-artifacts/111-linux 111
  leads_to therock-ci-artifacts/111-linux https://github.com/ROCm/TheRock/actions/runs/111
  [ "$(asked)" -eq 0 ]
}

@test "a token is sent, and shows nowhere" {
  export GITHUB_TOKEN=gh0secret GH_TOKEN=other
  mount_run 111 "$MNT" "$OPTIONS,lookup"
  local pid
  pid=$(xattr pid "$MNT")
  grep -qF $'\tBearer gh0secret\t' "$GITHUB/access.log"
  run ! grep -qaE 'gh0secret|GH_TOKEN=other' "/proc/$pid/environ" "/proc/$pid/cmdline"
  unmount_below "$MNT"
  answers "$(refusal 401 'Bad credentials gh0secret')"
  refused 'GitHub refuses the token in GITHUB_TOKEN \(HTTP 401\)' 112 "lookup"
  run ! grep -q gh0secret <<<"$stderr"
}

@test "a token does not follow to another place" {
  export GH_TOKEN=gh0secret
  answers "$(jq -nc '{match: "/runs/111$", port: "first", status: 301, headers: {Location: "http://127.0.0.1:OTHER/moved"}}')" \
    "$(of 111 ROCm/TheRock 2026-09-01T12:00:00Z | jq -c '.match = "/moved$"')"
  leads_to therock-ci-artifacts/111-linux 111 lookup
  grep -qP '/moved\t200\t-\t' "$GITHUB/access.log"
}

@test "a rate limit is told apart from other refusals" {
  answers "$(refusal 403 'API rate limit exceeded for 127.0.0.1.' '{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}')"
  refused 'rate limit is reached, until 2100-01-01T00:00:00Z' 111 "lookup"
  answers "$(refusal 403 'You have exceeded a secondary rate limit')"
  refused 'rate limit is reached' 111 "lookup"
  answers "$(refusal 403 'Resource not accessible by integration')"
  refused 'GitHub refuses \(HTTP 403: Resource not' 111 "lookup"
}

@test "answers are kept: the next mount asks nobody, not even offline" {
  leads_to therock-ci-artifacts/111-linux 111 lookup
  leads_to therock-ci-artifacts/111-linux 111 lookup
  leads_to therock-ci-artifacts/111-linux 111 lookup,offline
  [ "$(asked)" -eq 1 ]
  refused '333: offline, and what GitHub says of it is not in the cache' 333 "lookup,offline"
  leads_to therock-ci-artifacts/111-linux 111 lookup,refresh=0
  [ "$(asked)" -eq 2 ]
  answers "$(refusal 429 'slow down')"
  leads_to therock-ci-artifacts/111-linux 111 lookup,refresh=0
  grep -q 'rate limit is reached.*; going by what it said at 20' "$BATS_TEST_TMPDIR/said"
}

@test "nonsense and silence are errors" {
  answers '{"match": "/", "body": "<html>"}'
  refused 'its answer is not JSON' 111 "lookup"
  answers '{"match": "/", "hang": true}'
  mkdir "$MNT"
  mount_refused 'timed out' 111 "$MNT" "$OPTIONS,lookup,timeout=1"
  GITHUB_API_URL=ftp://x refused 'GITHUB_API_URL: not an address' 111 "lookup"
}
