/* The bucket rules, on both sides of each of their changes, and the places to probe. */
#include <errno.h>
#include <stdio.h>

#include "layout_test.h"

#define MAIN  "ROCm/TheRock"
#define OTHER "ROCm/rocm-libraries"
#define NO    RUNFS_FORK_NO
#define YES   RUNFS_FORK_YES

static const struct {
    const char *repository;
    enum runfs_fork fork;
    const char *release_type;
    const char *time;
    const char *bucket;
    const char *prefix;
} rules[] = {
    /* Today, unknown time. */
    {NULL, RUNFS_FORK_UNKNOWN, NULL, NULL, "therock-ci-artifacts", "7-linux"},
    {MAIN, NO, "ci", NULL, "therock-ci-artifacts", "7-linux"},
    {MAIN, YES, "ci", NULL, "therock-ci-artifacts-external", "ROCm-TheRock/7-linux"},
    {OTHER, NO, "ci", NULL, "therock-ci-artifacts-external", "ROCm-rocm-libraries/7-linux"},
    {OTHER, YES, "ci", NULL, "therock-ci-artifacts-external", "ROCm-rocm-libraries/7-linux"},
    {"rocm/therock", NO, "ci", NULL, "therock-ci-artifacts-external", "rocm-therock/7-linux"},
    {MAIN, NO, "dev", NULL, "therock-dev-artifacts", "7-linux"},
    {MAIN, YES, "dev", NULL, "therock-dev-artifacts", "7-linux"},
    {OTHER, NO, "dev-bkc", NULL, "therock-dev-artifacts", "7-linux"},
    {MAIN, NO, "dev-bkc", NULL, "therock-dev-artifacts", "7-linux"},
    {MAIN, NO, "nightly", NULL, "therock-nightly-artifacts", "7-linux"},
    {OTHER, YES, "nightly", NULL, "therock-nightly-artifacts", "7-linux"},
    {MAIN, NO, "nightly-bkc", NULL, "therock-nightly-artifacts", "7-linux"},
    {OTHER, NO, "prerelease", NULL, "therock-prerelease-artifacts", "7-linux"},
    /* The end of OWNER-REPO in release buckets. */
    {OTHER, NO, "nightly", "2026-04-08T00:00:00Z", "therock-nightly-artifacts", "7-linux"},
    {OTHER, NO, "nightly", "2026-04-07T23:59:59Z", "therock-nightly-artifacts",
     "ROCm-rocm-libraries/7-linux"},
    {OTHER, YES, "dev-bkc", "2026-04-07T23:59:59Z", "therock-dev-artifacts", "ROCm-rocm-libraries/7-linux"},
    {MAIN, YES, "dev", "2026-04-07T23:59:59Z", "therock-dev-artifacts", "7-linux"},
    {MAIN, NO, "prerelease", "2025-11-12T00:00:00Z", "therock-prerelease-artifacts", "7-linux"},
    {OTHER, NO, "prerelease", "2025-11-11T16:18:49Z", "therock-prerelease-artifacts",
     "ROCm-rocm-libraries/7-linux"},
    /* The change of buckets. */
    {MAIN, NO, "ci", "2025-11-11T16:18:49Z", "therock-ci-artifacts", "7-linux"},
    {MAIN, NO, "ci", "2025-11-11T16:18:48.000000001Z", "therock-ci-artifacts", "7-linux"},
    {MAIN, NO, "ci", "2025-11-11T16:18:48Z", "therock-artifacts", "7-linux"},
    {MAIN, YES, "ci", "2025-11-11T16:18:49Z", "therock-ci-artifacts-external", "ROCm-TheRock/7-linux"},
    {MAIN, YES, "ci", "2025-11-11T16:18:48Z", "therock-artifacts-external", "ROCm-TheRock/7-linux"},
    {OTHER, NO, "ci", "2025-11-11T16:18:48Z", "therock-artifacts-external", "ROCm-rocm-libraries/7-linux"},
    {MAIN, NO, "nightly", "2025-11-11T16:18:48Z", "therock-artifacts", "7-linux"},
    {OTHER, NO, "nightly", "2025-11-11T16:18:48Z", "therock-artifacts-external",
     "ROCm-rocm-libraries/7-linux"},
    /* The beginning of OWNER-REPO. */
    {OTHER, NO, "ci", "2025-06-03T00:00:00Z", "therock-artifacts-external", "ROCm-rocm-libraries/7-linux"},
    {OTHER, NO, "ci", "2025-06-02T23:59:59Z", "therock-artifacts-external", "7-linux"},
    {MAIN, NO, "ci", "2025-06-02T23:59:59Z", "therock-artifacts", "7-linux"},
    /* The beginning of the platform. */
    {MAIN, NO, "ci", "2025-05-13T00:00:00Z", "therock-artifacts", "7-linux"},
    {MAIN, NO, "ci", "2025-05-12T23:59:59Z", "therock-artifacts", "7"},
    {MAIN, NO, "ci", "2025-03-01T00:00:00Z", "therock-artifacts", "7"},
};

Test(layout_place, follows_the_rules_of_the_runs_time)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct runfs_request request = {.run_id = "7",
                                        .platform = RUNFS_PLATFORM_LINUX,
                                        .repository = rules[i].repository,
                                        .release_type = rules[i].release_type,
                                        .fork = rules[i].fork,
                                        .updated_at = time_of(rules[i].time)};
        struct runfs_root places[RUNFS_PLACES_MAX];
        struct runfs_error err = {0};
        size_t count = 0;
        cr_assert_eq(runfs_places(&request, places, &count, &err), 0, "row %zu: %s", i, err.message);
        cr_assert_geq(count, 1u);
        cr_expect_str_eq(places[0].bucket, rules[i].bucket, "row %zu: %s", i, places[0].bucket);
        cr_expect_str_eq(places[0].prefix, rules[i].prefix, "row %zu: %s", i, places[0].prefix);
        cr_expect_eq(places[0].updated_at, request.updated_at);
    }
}

Test(layout_place, prefix_has_platform_and_key_prefix)
{
    static const struct {
        const char *key_prefix;
        const char *prefix;
    } rows[] = {{NULL, "ROCm-TheRock/7-windows"},
                {"", "ROCm-TheRock/7-windows"},
                {"v3/artifacts/", "v3/artifacts/ROCm-TheRock/7-windows"},
                {"v3/artifacts", "v3/artifacts/ROCm-TheRock/7-windows"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_request request = {.run_id = "7",
                                        .platform = RUNFS_PLATFORM_WINDOWS,
                                        .fork = RUNFS_FORK_YES,
                                        .key_prefix = rows[i].key_prefix};
        struct runfs_root places[RUNFS_PLACES_MAX];
        struct runfs_prefix parts;
        size_t count;
        cr_assert_eq(runfs_places(&request, places, &count, NULL), 0);
        cr_expect_str_eq(places[0].prefix, rows[i].prefix);
        cr_assert_eq(runfs_prefix_parse(places[0].prefix, rows[i].key_prefix, &parts, NULL), 0);
        cr_expect(span_equals(parts.external_repo, "ROCm-TheRock"));
        cr_expect_str_eq(parts.run.id, "7");
        cr_expect_eq(parts.run.platform, RUNFS_PLATFORM_WINDOWS);
    }
}

/* Renders the places of REQUEST as "bucket/prefix" lines. */
static void render(const struct runfs_request *request, char *text, size_t size)
{
    struct runfs_root places[RUNFS_PLACES_MAX];
    size_t count;
    size_t used = 0;
    cr_assert_eq(runfs_places(request, places, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(text + used, size - used, "%s/%s\n", places[i].bucket, places[i].prefix);
        cr_assert(n > 0 && (size_t)n < size - used);
        used += (size_t)n;
        cr_expect_str_not_empty(places[i].reason);
    }
}

Test(layout_place, other_places_follow_where_time_is_unknown_or_near_a_change)
{
    static const struct {
        const char *repository;
        const char *release_type;
        const char *time;
        const char *places;
    } rows[] = {
        {MAIN, "ci", NULL, "therock-ci-artifacts/7-linux\ntherock-artifacts/7-linux\ntherock-artifacts/7\n"},
        {OTHER, "ci", NULL,
         "therock-ci-artifacts-external/ROCm-rocm-libraries/7-linux\n"
         "therock-artifacts-external/ROCm-rocm-libraries/7-linux\n"
         "therock-artifacts-external/7-linux\n"
         "therock-artifacts-external/7\n"},
        {OTHER, "nightly", NULL,
         "therock-nightly-artifacts/7-linux\n"
         "therock-nightly-artifacts/ROCm-rocm-libraries/7-linux\n"
         "therock-artifacts-external/ROCm-rocm-libraries/7-linux\n"
         "therock-artifacts-external/7-linux\n"
         "therock-artifacts-external/7\n"},
        {MAIN, "dev", NULL,
         "therock-dev-artifacts/7-linux\ntherock-artifacts/7-linux\ntherock-artifacts/7\n"},
        {MAIN, "ci", "2026-06-01T00:00:00Z", "therock-ci-artifacts/7-linux\n"},
        {MAIN, "ci", "2025-12-11T16:18:48Z", "therock-ci-artifacts/7-linux\ntherock-artifacts/7-linux\n"},
        {MAIN, "ci", "2025-12-11T16:18:49Z", "therock-ci-artifacts/7-linux\n"},
        {MAIN, "ci", "2025-11-11T16:18:48Z", "therock-artifacts/7-linux\ntherock-ci-artifacts/7-linux\n"},
        {MAIN, "ci", "2025-10-01T00:00:00Z", "therock-artifacts/7-linux\n"},
        {OTHER, "dev", "2026-04-20T00:00:00Z",
         "therock-dev-artifacts/7-linux\ntherock-dev-artifacts/ROCm-rocm-libraries/7-linux\n"},
        {OTHER, "dev", "2026-04-01T00:00:00Z",
         "therock-dev-artifacts/ROCm-rocm-libraries/7-linux\ntherock-dev-artifacts/7-linux\n"},
        {OTHER, "ci", "2025-05-20T00:00:00Z",
         "therock-artifacts-external/7-linux\n"
         "therock-artifacts-external/ROCm-rocm-libraries/7-linux\n"
         "therock-artifacts-external/7\n"},
        {MAIN, "ci", "2025-02-01T00:00:00Z", "therock-artifacts/7\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_request request = {.run_id = "7",
                                        .repository = rows[i].repository,
                                        .release_type = rows[i].release_type,
                                        .updated_at = time_of(rows[i].time)};
        char text[4096] = "";
        render(&request, text, sizeof text);
        cr_expect_str_eq(text, rows[i].places, "row %zu:\n%s", i, text);
    }
}

Test(layout_place, says_why_and_lays_out_by_the_rules_that_led_there)
{
    struct runfs_request request = {.run_id = "7"};
    struct runfs_root places[RUNFS_PLACES_MAX];
    struct runfs_location location;
    size_t count;
    cr_assert_eq(runfs_places(&request, places, &count, NULL), 0);
    cr_assert_eq(count, 3u);
    cr_expect_str_eq(places[0].reason, "by today's rules, the run's time being unknown");
    cr_expect_str_eq(places[1].reason, "as runs up to 2025-11-11T16:18:48Z were placed");
    cr_expect_eq(places[1].updated_at, time_of("2025-11-11T16:18:48Z"));
    cr_expect_str_eq(places[2].reason, "as runs before 2025-05-13 were placed");
    cr_expect_eq(locate(&places[0], "python", NULL, 0, &location, NULL), 0);
    cr_expect_eq(locate(&places[1], "python", NULL, 0, &location, NULL), -EINVAL);

    request.updated_at = time_of("2025-11-20T00:00:00Z");
    cr_assert_eq(runfs_places(&request, places, &count, NULL), 0);
    cr_expect_str_eq(places[0].reason, "by the rules for a run of 2025-11-20");
}

Test(layout_place, refuses_wrong_release_types_naming_the_allowed_ones)
{
    static const char *const wrong[] = {"", "release", "CI", "ci ", "nightly-", "bkc", "dev-bkc-bkc", "ci\n"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_request request = {.run_id = "7", .release_type = wrong[i]};
        struct runfs_root places[RUNFS_PLACES_MAX];
        struct runfs_error err = {0};
        size_t count = 9;
        cr_expect_eq(runfs_places(&request, places, &count, &err), -EINVAL, "%s", wrong[i]);
        cr_expect_eq(count, 9u);
        cr_expect(strstr(err.message, "not one of ci, dev, dev-bkc, nightly, nightly-bkc, prerelease") !=
                      NULL,
                  "%s", err.message);
    }
}

Test(layout_place, refuses_wrong_repositories)
{
    static const char *const wrong[] = {"",
                                        "ROCm",
                                        "/",
                                        "ROCm/",
                                        "/TheRock",
                                        "ROCm/TheRock/",
                                        "a/b/c",
                                        "ROCm/..",
                                        "../TheRock",
                                        "RO Cm/x",
                                        "ROCm/The Rock",
                                        "a.b/c",
                                        "ROCm/x\n",
                                        "https://github.com/ROCm/TheRock"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_request request = {.run_id = "7", .repository = wrong[i]};
        struct runfs_root places[RUNFS_PLACES_MAX];
        struct runfs_error err = {0};
        size_t count;
        cr_expect_eq(runfs_places(&request, places, &count, &err), -EINVAL, "%s", wrong[i]);
        cr_expect(strstr(err.message, "not OWNER/NAME") != NULL, "%s", err.message);
    }
}

Test(layout_place, refuses_wrong_ids_key_prefixes_and_times)
{
    static const struct runfs_request wrong[] = {
        {.run_id = NULL},
        {.run_id = ""},
        {.run_id = "local"},
        {.run_id = "7-linux"},
        {.run_id = "7", .key_prefix = "/v3"},
        {.run_id = "7", .key_prefix = "v3//"},
        {.run_id = "7", .key_prefix = "v3/../x"},
        {.run_id = "7", .key_prefix = "v\x7f"},
        {.run_id = "7", .updated_at = -1},
        {.run_id = "7", .updated_at = INT64_MIN},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_root places[RUNFS_PLACES_MAX];
        size_t count;
        cr_expect_eq(runfs_places(&wrong[i], places, &count, NULL), -EINVAL, "row %zu", i);
    }
    char long_prefix[RUNFS_KEY_MAX + 1];
    memset(long_prefix, 'x', sizeof long_prefix - 1);
    long_prefix[sizeof long_prefix - 1] = '\0';
    struct runfs_request request = {.run_id = "7", .key_prefix = long_prefix};
    struct runfs_root places[RUNFS_PLACES_MAX];
    size_t count;
    cr_expect_eq(runfs_places(&request, places, &count, NULL), -ENAMETOOLONG);
}

Test(layout_place, local_runs_have_their_own_root)
{
    struct runfs_root root;
    cr_assert_eq(runfs_root_local(NULL, RUNFS_PLATFORM_UNSAID, &root, NULL), 0);
    cr_expect_str_eq(root.bucket, "local");
    cr_expect_str_eq(root.prefix, "local-linux");
    cr_assert_eq(runfs_root_local("123", RUNFS_PLATFORM_WINDOWS, &root, NULL), 0);
    cr_expect_str_eq(root.prefix, "123-windows");
    cr_expect_eq(runfs_root_local("../x", RUNFS_PLATFORM_LINUX, &root, NULL), -EINVAL);
    cr_expect_eq(runfs_root_local("", RUNFS_PLATFORM_LINUX, &root, NULL), -EINVAL);
    cr_expect_str_eq(root.prefix, "123-windows");
}

Test(layout_place, named_roots_are_taken_as_they_are)
{
    struct runfs_root root;
    cr_assert_eq(runfs_root_at("my-bucket", "a b/../123-linux/", &root, NULL), 0);
    cr_expect_str_eq(root.bucket, "my-bucket");
    cr_expect_str_eq(root.prefix, "a b/../123-linux");
    cr_assert_eq(runfs_root_at("my.bucket", "", &root, NULL), 0);
    cr_expect_str_eq(root.prefix, "");
    static const char *const wrong[] = {
        "",      "ab",   "a/b",   ".abc",
        "a b c", "abc?", "abc\n", "a123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        cr_expect_eq(runfs_root_at(wrong[i], "x", &root, NULL), -EINVAL, "%s", wrong[i]);
    char key[RUNFS_KEY_MAX + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    cr_expect_eq(runfs_root_at("bucket", key, &root, NULL), -ENAMETOOLONG);
    key[sizeof key - 2] = '/'; /* the slash at the end does not count */
    cr_expect_eq(runfs_root_at("bucket", key, &root, NULL), 0);
}
