/* What GitHub is asked for a source, and the places that follow. */
#include "run/site.h"

#include <errno.h>

#include "github_server.h"
#include "testing.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"
#define RECORD(id, status, head)                                                                             \
    "{\"id\": " #id ", \"status\": \"" status "\", \"updated_at\": \"2026-09-01T12:00:00Z\", "               \
    "\"head_repository\": " head "}"
#define OWN  "{\"full_name\": \"ROCm/TheRock\"}"
#define FORK "{\"full_name\": \"someone/TheRock\"}"

static struct run_config config;
static struct error err;
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
    config = (struct run_config){.disk = {.directory = cache_directory, .size_max = 1U << 30, .free_min = 1},
                                 .refresh_ms = 60000,
                                 .timeout_ms = 60000,
                                 .note = note};
    noted[0] = '\0';
}

static void tear_down(void)
{
    scratch_close();
}

TestSuite(site_lookup, .init = set_up, .fini = tear_down);

static int resolve(const char *text, struct places *places)
{
    struct lookup *lookup;
    _cleanup_source_ struct source source = {0};
    config.source = text;
    assert_ok(source_parse(text, &source, &err), &err);
    assert_ok(site_open_lookup(&config, &lookup, &err), &err);
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

Test(site_lookup, a_commit_stands_for_its_newest_run)
{
    config.site.platform = RUNFS_PLATFORM_LINUX;
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
    config.site.workflow = "other.yml";
    cr_assert_str_eq(first_place("ROCm/TheRock@" SHA), "s3://therock-ci-artifacts/8-linux 1");
}

Test(site_lookup, lookup_finds_out_fork_and_time)
{
    github_server_rules(
        "[{\"match\": \"/TheRock/actions/runs/5$\", \"body\": " RECORD(5, "completed", "null") "}]");
    cr_assert_str_eq(first_place("5-linux"), "s3://therock-ci-artifacts/5-linux 3", "GitHub is not asked");
    cr_assert_eq(github_server_asked(), 0);
    config.site.lookup = true;
    cr_assert_str_eq(first_place("5-linux"), "s3://therock-ci-artifacts-external/ROCm-TheRock/5-linux 1");
    cr_assert_str_eq(first_place("https://github.com/ROCm/TheRock/actions/runs/5/job/6"),
                     "s3://therock-ci-artifacts-external/ROCm-TheRock/5-linux 1");
    cr_assert_eq(github_server_asked(), 1);
    cr_assert_str_eq(noted, "");
    config.site.updated_at = 1735689600LL * 1000000000;
    cr_assert_str_eq(first_place("5-linux"), "s3://therock-artifacts-external/5 1",
                     "what is said is not asked for");
}

Test(site_lookup, options_are_checked_before_anybody_is_asked)
{
    struct places places;
    config.site.release_type = "release";
    assert_refused(resolve("ROCm/TheRock@" SHA, &places), EINVAL, &err, "release type");
    config.site.release_type = NULL;
    assert_refused(resolve("ROCm/..@" SHA, &places), EINVAL, &err, "repository");
    cr_assert_eq(github_server_asked(), 0);
}

Test(site_lookup, a_staging_directory_needs_no_more_than_the_run)
{
    struct places places;
    config.site.lookup = true;
    cr_assert_eq(setenv("THEROCK_LOCAL_STAGING_DIR", "/staging", 1), 0);
    assert_ok(resolve("5-linux", &places), &err);
    cr_assert_str_eq(places.directory, "/staging/5-linux");
    cr_assert_eq(github_server_asked(), 0);
    places_done(&places);
}

Test(site_lookup, what_is_wrong_with_the_environment_shows_when_github_is_asked)
{
    struct places places;
    cr_assert_eq(setenv("GITHUB_API_URL", "ftp://x", 1), 0);
    assert_ok(resolve("5-linux", &places), &err);
    places_done(&places);
    assert_refused(resolve("ROCm/TheRock@" SHA, &places), EINVAL, &err, "GITHUB_API_URL");
}
