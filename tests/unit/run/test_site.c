/* From SOURCE, options and environment to places. The rules themselves are tested with the layout library. */
#include "run/site.h"

#include <dirent.h>
#include <errno.h>

#include "testing.h"

static const char *const names[] = {"GITHUB_REPOSITORY", "RELEASE_TYPE",      "THEROCK_RUN_ID",
                                    "GITHUB_RUN_ID",     "THEROCK_PLATFORM",  "IS_PR_FROM_FORK",
                                    "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "THEROCK_LOCAL_STAGING_DIR"};

static struct places places;

static void set_up(void)
{
    scratch_open();
    for (size_t i = 0; i < COUNT(names); i++)
        (void)unsetenv(names[i]);
}

static void tear_down(void)
{
    places_done(&places);
    scratch_close();
}

TestSuite(place, .init = set_up, .fini = tear_down);

static void set(const char *name, const char *value)
{
    cr_assert_eq(setenv(name, value, 1), 0);
}

static int resolve(const char *text, const struct run_config *config, bool local, struct error *err)
{
    _cleanup_source_ struct source source = {0};
    const struct placing placing = {.config = config, .local = local};
    places_done(&places);
    assert_ok(source_parse(text, &source, err), err);
    return places_resolve(&source, &placing, &places, err);
}

/* Where TEXT leads first, with the platform said, so that this system's does not matter. */
static const char *first_place(const char *text, const struct run_config *config)
{
    static char place[2048];
    struct error err = {0};
    assert_ok(resolve(text, config, true, &err), &err);
    if (places.directory)
        (void)snprintf(place, sizeof place, "%s", places.directory);
    else
        (void)snprintf(place, sizeof place, "s3://%s/%s", places.roots[0].bucket, places.roots[0].prefix);
    return place;
}

static const struct run_config plain;

Test(place, a_run_is_where_the_layout_says)
{
    cr_assert_str_eq(first_place("123-linux", &plain), "s3://therock-ci-artifacts/123-linux");
    cr_assert_str_eq(first_place("123-windows", &plain), "s3://therock-ci-artifacts/123-windows");
    cr_assert_gt(places.count, 1, "of unknown time, so older places follow");
}

Test(place, options_decide_which_run_it_is)
{
    const struct run_config windows = {.site.platform = RUNFS_PLATFORM_WINDOWS};
    cr_assert_str_eq(first_place("123", &windows), "s3://therock-ci-artifacts/123-windows");
    cr_assert_str_eq(first_place("123-linux", &windows), "s3://therock-ci-artifacts/123-linux",
                     "SOURCE says more");
    const struct run_config fork = {.site.fork = true};
    cr_assert_str_eq(first_place("123-linux", &fork),
                     "s3://therock-ci-artifacts-external/ROCm-TheRock/123-linux");
    const struct run_config other = {.site.repository = "a/b"};
    cr_assert_str_eq(first_place("123-linux", &other), "s3://therock-ci-artifacts-external/a-b/123-linux");
    const struct run_config nightly = {.site.release_type = "nightly-bkc"};
    cr_assert_str_eq(first_place("123-linux", &nightly), "s3://therock-nightly-artifacts/123-linux");
    const struct run_config early = {.site.updated_at = 1735689600LL * 1000000000};
    cr_assert_str_eq(first_place("123-linux", &early), "s3://therock-artifacts/123");
    const struct run_config below = {.site.key_prefix = "v3/artifacts"};
    cr_assert_str_eq(first_place("123-linux", &below), "s3://therock-ci-artifacts/v3/artifacts/123-linux");
}

Test(place, a_runs_address_names_its_repository)
{
    const struct run_config config = {.site.repository = "c/d", .site.platform = RUNFS_PLATFORM_LINUX};
    cr_assert_str_eq(first_place("https://github.com/ROCm/TheRock/actions/runs/5", &config),
                     "s3://therock-ci-artifacts/5-linux");
    cr_assert_str_eq(first_place("https://github.com/a/b/actions/runs/5", &config),
                     "s3://therock-ci-artifacts-external/a-b/5-linux");
}

Test(place, the_environment_fills_what_is_not_said)
{
    set("GITHUB_REPOSITORY", "env/repo");
    set("THEROCK_PLATFORM", "windows");
    set("GITHUB_RUN_ID", "999");
    cr_assert_str_eq(first_place("123", &plain), "s3://therock-ci-artifacts-external/env-repo/123-windows");
    const struct run_config said = {.site.repository = "ROCm/TheRock", .site.platform = RUNFS_PLATFORM_LINUX};
    cr_assert_str_eq(first_place("123", &said), "s3://therock-ci-artifacts/123-linux");
    set("RELEASE_TYPE", "dev");
    cr_assert_str_eq(first_place("123-linux", &said), "s3://therock-dev-artifacts/123-linux");
}

Test(place, the_event_of_a_pull_request_says_fork)
{
    scratch_write("event", "{\"pull_request\": {\"head\": {\"repo\": {\"fork\": true}}}}");
    set("GITHUB_EVENT_PATH", scratch_path("event"));
    cr_assert_str_eq(first_place("123-linux", &plain), "s3://therock-ci-artifacts/123-linux");
    set("GITHUB_EVENT_NAME", "pull_request");
    cr_assert_str_eq(first_place("123-linux", &plain),
                     "s3://therock-ci-artifacts-external/ROCm-TheRock/123-linux");
    set("GITHUB_EVENT_NAME", "push");
    cr_assert_str_eq(first_place("123-linux", &plain), "s3://therock-ci-artifacts/123-linux");
    set("IS_PR_FROM_FORK", "true");
    cr_assert_str_eq(first_place("123-linux", &plain),
                     "s3://therock-ci-artifacts-external/ROCm-TheRock/123-linux");
}

Test(place, an_event_that_cannot_be_read_is_an_error)
{
    struct error err = {0};
    set("GITHUB_EVENT_NAME", "pull_request");
    set("GITHUB_EVENT_PATH", scratch_path("none"));
    assert_refused(resolve("123-linux", &plain, true, &err), ENOENT, &err, "/none");
    assert_ok(resolve("s3://bucket/p", &plain, true, &err), &err);
    set("GITHUB_EVENT_NAME", "push");
    assert_ok(resolve("123-linux", &plain, true, &err), &err);
}

Test(place, a_staging_directory_stands_for_the_bucket)
{
    struct error err = {0};
    set("THEROCK_LOCAL_STAGING_DIR", "/staging");
    cr_assert_str_eq(first_place("123-linux", &plain), "/staging/123-linux");
    assert_ok(resolve("123-linux", &plain, false, &err), &err);
    cr_assert_null(places.directory, "resolve prints where the run is in S3");
    cr_assert_str_eq(first_place("s3://bucket/p", &plain), "s3://bucket/p");
    set("THEROCK_LOCAL_STAGING_DIR", "");
    cr_assert_str_eq(first_place("123-linux", &plain), "s3://therock-ci-artifacts/123-linux");
}

Test(place, prefixes_and_directories_are_what_they_say)
{
    cr_assert_str_eq(first_place("s3://bucket/a/b/", &plain), "s3://bucket/a/b");
    cr_assert_eq(places.count, 1);
    cr_assert_str_eq(first_place("s3://bucket", &plain), "s3://bucket/");
    cr_assert_str_eq(first_place("https://bucket.s3.amazonaws.com/a%20b/index.html", &plain),
                     "s3://bucket/a b");
    cr_assert_str_eq(first_place("./dir", &plain), "./dir");
}

Test(place, artifacts_dir_is_the_same_for_all_places)
{
    struct error err = {0};
    struct run_config config = {.view.artifacts_dir = ARTIFACTS_SUBDIR};
    assert_ok(resolve("123-linux", &config, true, &err), &err);
    for (size_t i = 0; i < places.count; i++)
        cr_assert_eq(places.roots[i].artifacts_dir, RUNFS_ARTIFACTS_SUBDIR);
    config.view.artifacts_dir = ARTIFACTS_ROOT;
    assert_ok(resolve("123-linux", &config, true, &err), &err);
    cr_assert_eq(places.roots[0].artifacts_dir, RUNFS_ARTIFACTS_ROOT);
    config.view.artifacts_dir = ARTIFACTS_AUTO;
    assert_ok(resolve("123-linux", &config, true, &err), &err);
}

Test(place, wrong_values_are_refused_naming_what_is_allowed)
{
    static const struct {
        const char *source;
        struct run_config config;
        const char *why;
    } bad[] = {
        {"123-amiga", {0}, "linux"},
        {"0123", {0}, "0123"},
        {"123x", {0}, "123x"},
        {"99999999999999999999999", {0}, "9999"},
        {"https://github.com/a/b/actions/runs/", {0}, ""},
        {"https://github.com/a/b/actions/runs/x", {0}, "x"},
        {"123-linux", {.site.repository = "no-slash"}, "no-slash"},
        {"123-linux", {.site.release_type = "release"}, "nightly"},
        {"123-linux", {.site.release_type = ""}, "nightly"},
        {"s3://a b/x", {0}, "a b"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct error err = {0};
        assert_refused(resolve(bad[i].source, &bad[i].config, true, &err), EINVAL, &err, bad[i].why);
    }
    struct error err = {0};
    set("RELEASE_TYPE", "release");
    assert_refused(resolve("123-linux", &plain, true, &err), EINVAL, &err, "nightly");
    set("RELEASE_TYPE", "ci");
    set("THEROCK_PLATFORM", "amiga");
    assert_refused(resolve("123", &plain, true, &err), EINVAL, &err, "amiga");
}

static size_t threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    cr_assert_not_null(tasks);
    while (readdir(tasks))
        count++;
    (void)closedir(tasks);
    return count;
}

/* Runs of one server share its HTTP engine: thread, connections and pace. */
Test(place, stores_of_one_server_have_one_thread)
{
    const struct run_config config = {.connections = 2,
                                      .timeout_ms = 1000,
                                      .site = {.endpoint = "http://127.0.0.1:1", .no_sign_request = true}};
    const struct source source = {.kind = SOURCE_RUNS};
    struct store *stores[8];
    struct server *server = NULL;
    struct error err = {0};
    assert_ok(server_resolve(&config, &server, &err), &err);
    assert_ok(server_open_store(server, &source, "a", "", &stores[0], &err), &err);
    size_t with_one = threads(); /* a sanitizer may have one, too */
    for (size_t i = 1; i < COUNT(stores); i++)
        assert_ok(server_open_store(server, &source, i % 2 ? "a" : "b", "", &stores[i], &err), &err);
    cr_assert_eq(threads(), with_one);
    for (size_t i = 0; i < COUNT(stores); i++)
        store_close(stores[i]);
    server_free(server);
    wait_until(threads() == with_one - 1); /* the task of a joined thread may show for an instant */
}
