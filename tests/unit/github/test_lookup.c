/* What GitHub is asked, and when what it said before will do. */
#include "github/lookup.h"

#include <errno.h>

#include "base/cleanup.h"
#include "github/answer.h"
#include "github_server.h"
#include "run/cache_dir.h"
#include "run/site.h"
#include "testing.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"
#define RECORD(id, status, head)                                                                             \
    "{\"id\": " #id ", \"status\": \"" status "\", \"updated_at\": \"2026-09-01T12:00:00Z\", "               \
    "\"head_repository\": " head "}"
#define OWN     "{\"full_name\": \"ROCm/TheRock\"}"
#define FORK    "{\"full_name\": \"someone/TheRock\"}"
#define ENDED   "[{\"match\": \"/runs/5$\", \"body\": " RECORD(5, "completed", OWN) "}]"
#define RUNNING "[{\"match\": \"/runs/5$\", \"body\": " RECORD(5, "in_progress", OWN) "}]"
#define LIMITED "[{\"match\": \"/\", \"status\": 429}]"
#define DAY_MS  UINT64_C(86400000)

static struct run_config config;
static struct error err;
static struct github_run found;
static char noted[4096];
static char cache_directory[4096];

static void note(const char *what, const char *why)
{
    (void)snprintf(noted, sizeof noted, "%s: %s", what, why);
}

static void set_up(void)
{
    scratch_open();
    github_server_start(false);
    (void)snprintf(cache_directory, sizeof cache_directory, "%s", scratch_path("cache"));
    config = (struct run_config){.cache_directory = cache_directory,
                                 .cache_size = 1U << 30,
                                 .cache_min_free = 1,
                                 .refresh_ms = 60000,
                                 .timeout_ms = 60000,
                                 .note = note};
    noted[0] = '\0';
}

static void tear_down(void)
{
    scratch_close();
}

TestSuite(lookup, .init = set_up, .fini = tear_down);

static const struct lookup_question of_run = {.repository = "ROCm/TheRock", .id = "5"};
static const struct lookup_question of_commit = {
    .repository = "ROCm/TheRock", .workflow = LOOKUP_WORKFLOW, .sha = SHA};

static int ask(const struct lookup_question *question)
{
    struct lookup *lookup;
    const struct wait wait = {.timeout_ms = 60000};
    int result = lookup_open(&config, &lookup, &err);
    if (result < 0)
        return result;
    result = lookup_ask(lookup, question, &wait, &found, &err);
    lookup_close(lookup);
    return result;
}

/* Makes the answer about the run older than it is. */
static void age(uint64_t by_ms)
{
    struct disk *disk;
    uint64_t asked_ms;
    struct github_run kept;
    static const char key[] = "github\0%s\0ROCm/TheRock\0run\0"
                              "5\0";
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(1024);
    strbuf_add(&identity, key, 7);
    strbuf_add(&identity, github_server_url(), strlen(github_server_url()) + 1);
    strbuf_add(&identity, key + 10, sizeof key - 10);
    assert_ok(keep_open(&config, false, &disk, &err), &err);
    cr_assert(answer_read(disk, &identity, &kept, &asked_ms));
    answer_write(disk, &identity, &kept, asked_ms - by_ms);
    disk_close(disk);
}

Test(lookup, a_run_that_has_ended_is_asked_for_once_a_day)
{
    github_server_rules(ENDED);
    for (int i = 0; i < 3; i++)
        assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    cr_assert_str_eq(found.id, "5");
    age(DAY_MS - 60000);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    age(60000);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 2);
}

Test(lookup, a_run_under_way_is_asked_for_as_often_as_listings)
{
    github_server_rules(RUNNING);
    assert_ok(ask(&of_run), &err);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    age(60000);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 2);
}

Test(lookup, refresh_0_and_no_cache_ask_each_time)
{
    github_server_rules(ENDED);
    assert_ok(ask(&of_run), &err);
    config.refresh_ms = 0;
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 2);
    config.refresh_ms = 60000;
    config.no_cache = true;
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 3);
}

Test(lookup, offline_goes_by_what_is_there)
{
    config.offline = true;
    assert_refused(ask(&of_run), ENOENT, &err,
                   "ROCm/TheRock: run 5: offline, and what GitHub says of it is not in");
    config.offline = false;
    github_server_rules(RUNNING);
    assert_ok(ask(&of_run), &err);
    age(400 * DAY_MS);
    config.offline = true;
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    assert_refused(ask(&of_commit), ENOENT, &err, "ROCm/TheRock@" SHA ": offline");
}

Test(lookup, an_older_answer_is_better_than_a_rate_limit)
{
    github_server_rules(RUNNING);
    assert_ok(ask(&of_run), &err);
    age(60000);
    github_server_rules(LIMITED);
    assert_ok(ask(&of_run), &err);
    cr_assert_str_eq(found.status, "in_progress");
    cr_assert(strstr(noted, "rate limit is reached") && strstr(noted, "; going by what it said at 20"), "%s",
              noted);
    github_server_rules("[]");
    cr_assert_eq(ask(&of_run), -ENOENT, "GitHub says that there is none");
}

Test(lookup, what_is_damaged_is_asked_for_again)
{
    char command[4096];
    github_server_rules(ENDED);
    assert_ok(ask(&of_run), &err);
    (void)snprintf(command, sizeof command, "sed -i s/TheRock/TheRook/g '%s'/tables/*",
                   config.cache_directory);
    cr_assert_eq(system(command), 0);
    assert_ok(ask(&of_run), &err);
    cr_assert_str_eq(found.head_repository, "ROCm/TheRock");
    cr_assert_eq(github_server_asked(), 2);
}

Test(lookup, a_cache_that_cannot_be_used_is_done_without)
{
    github_server_rules(ENDED);
    (void)snprintf(cache_directory, sizeof cache_directory, "%s", scratch_path("github/port"));
    assert_ok(ask(&of_run), &err);
    config.offline = true;
    cr_assert_lt(ask(&of_run), 0);
}

static int resolve(const char *text, struct places *places)
{
    struct lookup *lookup;
    _cleanup_source_ struct source source = {0};
    config.source = text;
    assert_ok(source_parse(text, &source, &err), &err);
    assert_ok(lookup_open(&config, &lookup, &err), &err);
    const struct wait wait = {.timeout_ms = 60000};
    const struct placing placing = {.config = &config, .lookup = lookup, .wait = &wait, .local = true};
    int result = places_resolve(&source, &placing, places, &err);
    lookup_close(lookup);
    return result;
}

/* Where TEXT leads first. */
static const char *first_place(const char *text)
{
    static char place[2048];
    struct places places;
    assert_ok(resolve(text, &places), &err);
    (void)snprintf(place, sizeof place, "s3://%s/%s %zu", places.roots[0].bucket, places.roots[0].prefix,
                   places.count);
    places_done(&places);
    return place;
}

Test(lookup, a_commit_stands_for_its_newest_run)
{
    config.platform = "linux";
    github_server_rules(
        "[{\"match\": \"/workflows/multi_arch_ci.yml/runs.head_sha=" SHA
        "\", \"body\": {\"workflow_runs\": [" RECORD(
            7, "completed", FORK) "]}},"
                                  "{\"match\": \"/other.yml/\", \"body\": {\"workflow_runs\": [" RECORD(
                                      8, "queued", OWN) "]}}]");
    cr_assert_str_eq(first_place("ROCm/TheRock@" SHA),
                     "s3://therock-ci-artifacts-external/ROCm-TheRock/7-linux 1");
    cr_assert_str_eq(noted, "ROCm/TheRock@" SHA ": run 7, completed, of 2026-09-01T12:00:00Z");
    cr_assert_eq(github_server_asked(), 1);
    config.workflow = "other.yml";
    cr_assert_str_eq(first_place("ROCm/TheRock@" SHA), "s3://therock-ci-artifacts/8-linux 1");
}

Test(lookup, lookup_finds_out_fork_and_time)
{
    github_server_rules(
        "[{\"match\": \"/TheRock/actions/runs/5$\", \"body\": " RECORD(5, "completed", "null") "}]");
    cr_assert_str_eq(first_place("5-linux"), "s3://therock-ci-artifacts/5-linux 3", "GitHub is not asked");
    cr_assert_eq(github_server_asked(), 0);
    config.lookup = true;
    cr_assert_str_eq(first_place("5-linux"), "s3://therock-ci-artifacts-external/ROCm-TheRock/5-linux 1");
    cr_assert_str_eq(first_place("https://github.com/ROCm/TheRock/actions/runs/5/job/6"),
                     "s3://therock-ci-artifacts-external/ROCm-TheRock/5-linux 1");
    cr_assert_eq(github_server_asked(), 1);
    cr_assert_str_eq(noted, "");
    config.updated_at = 1735689600LL * 1000000000;
    cr_assert_str_eq(first_place("5-linux"), "s3://therock-artifacts-external/5 1",
                     "what is said is not asked for");
}

Test(lookup, options_are_checked_before_anybody_is_asked)
{
    struct places places;
    config.release_type = "release";
    assert_refused(resolve("ROCm/TheRock@" SHA, &places), EINVAL, &err, "release type");
    config.release_type = NULL;
    assert_refused(resolve("ROCm/..@" SHA, &places), EINVAL, &err, "repository");
    cr_assert_eq(github_server_asked(), 0);
}

Test(lookup, a_staging_directory_needs_no_more_than_the_run)
{
    struct places places;
    config.lookup = true;
    cr_assert_eq(setenv("THEROCK_LOCAL_STAGING_DIR", "/staging", 1), 0);
    assert_ok(resolve("5-linux", &places), &err);
    cr_assert_str_eq(places.directory, "/staging/5-linux");
    cr_assert_eq(github_server_asked(), 0);
    places_done(&places);
}

Test(lookup, what_is_wrong_with_the_environment_shows_when_github_is_asked)
{
    struct places places;
    cr_assert_eq(setenv("GITHUB_API_URL", "ftp://x", 1), 0);
    assert_ok(resolve("5-linux", &places), &err);
    places_done(&places);
    assert_refused(resolve("ROCm/TheRock@" SHA, &places), EINVAL, &err, "GITHUB_API_URL");
}
