/* What the environment says, and when it does not count. */
#include <errno.h>
#include <stdlib.h>

#include "layout_test.h"

static const char *const names[] = {"GITHUB_REPOSITORY", "RELEASE_TYPE",     "THEROCK_RUN_ID",
                                    "GITHUB_RUN_ID",     "THEROCK_PLATFORM", "IS_PR_FROM_FORK",
                                    "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH"};

/* Criterion runs each test in a process of its own: what is set here stays here. */
static void clear_environment(void)
{
    for (size_t i = 0; i < COUNT(names); i++)
        cr_assert_eq(unsetenv(names[i]), 0);
}

TestSuite(layout_environment, .init = clear_environment);

static void set(const char *name, const char *value)
{
    cr_assert_eq(setenv(name, value, 1), 0);
}

Test(layout_environment, an_empty_one_says_nothing)
{
    struct runfs_environment environment;
    struct runfs_request request = {.run_id = "7"};
    runfs_environment_read(&environment);
    cr_assert_eq(runfs_request_complete(&request, &environment, NULL), 0);
    cr_expect_str_eq(request.run_id, "7");
    cr_expect_null(request.repository);
    cr_expect_null(request.release_type);
    cr_expect_eq(request.platform, RUNFS_PLATFORM_UNSAID);
    cr_expect_eq(request.fork, RUNFS_FORK_UNKNOWN);
}

Test(layout_environment, fills_what_is_not_said)
{
    struct runfs_environment environment;
    struct runfs_request request = {0};
    set("GITHUB_REPOSITORY", "ROCm/rocm-libraries");
    set("RELEASE_TYPE", "nightly");
    set("GITHUB_RUN_ID", "11");
    set("THEROCK_PLATFORM", "windows");
    set("IS_PR_FROM_FORK", "true");
    set("GITHUB_EVENT_PATH", "/event.json");
    runfs_environment_read(&environment);
    cr_expect_str_eq(environment.event_path, "/event.json");
    cr_assert_eq(runfs_request_complete(&request, &environment, NULL), 0);
    cr_expect_str_eq(request.repository, "ROCm/rocm-libraries");
    cr_expect_str_eq(request.release_type, "nightly");
    cr_expect_str_eq(request.run_id, "11");
    cr_expect_eq(request.platform, RUNFS_PLATFORM_WINDOWS);
    cr_expect_eq(request.fork, RUNFS_FORK_YES);
}

Test(layout_environment, what_is_said_wins)
{
    struct runfs_environment environment;
    struct runfs_request request = {.run_id = "7",
                                    .platform = RUNFS_PLATFORM_LINUX,
                                    .repository = "a/b",
                                    .release_type = "ci",
                                    .fork = RUNFS_FORK_NO};
    set("GITHUB_REPOSITORY", "not a repository");
    set("RELEASE_TYPE", "release");
    set("THEROCK_RUN_ID", "11");
    set("THEROCK_PLATFORM", "amiga");
    set("IS_PR_FROM_FORK", "true");
    runfs_environment_read(&environment);
    cr_assert_eq(runfs_request_complete(&request, &environment, NULL), 0);
    cr_expect_str_eq(request.run_id, "7");
    cr_expect_str_eq(request.repository, "a/b");
    cr_expect_str_eq(request.release_type, "ci");
    cr_expect_eq(request.platform, RUNFS_PLATFORM_LINUX);
    cr_expect_eq(request.fork, RUNFS_FORK_NO);
}

Test(layout_environment, therock_run_id_comes_first_unless_it_is_empty)
{
    struct runfs_environment environment;
    set("THEROCK_RUN_ID", "22");
    set("GITHUB_RUN_ID", "11");
    runfs_environment_read(&environment);
    cr_expect_str_eq(environment.run_id, "22");
    set("THEROCK_RUN_ID", "");
    runfs_environment_read(&environment);
    cr_expect_str_eq(environment.run_id, "11");
}

Test(layout_environment, an_empty_release_type_or_repository_is_an_error)
{
    static const char *const empty[] = {"RELEASE_TYPE", "GITHUB_REPOSITORY"};
    for (size_t i = 0; i < COUNT(empty); i++) {
        struct runfs_environment environment;
        struct runfs_request request = {.run_id = "7"};
        struct runfs_root places[RUNFS_PLACES_MAX];
        size_t count;
        clear_environment();
        set(empty[i], "");
        runfs_environment_read(&environment);
        cr_assert_eq(runfs_request_complete(&request, &environment, NULL), 0);
        cr_expect_eq(runfs_places(&request, places, &count, NULL), -EINVAL, "%s", empty[i]);
    }
}

Test(layout_environment, an_unknown_platform_is_an_error_and_changes_nothing)
{
    struct runfs_environment environment;
    struct runfs_request request = {0};
    set("THEROCK_PLATFORM", "amiga");
    set("GITHUB_RUN_ID", "11");
    runfs_environment_read(&environment);
    cr_expect_eq(runfs_request_complete(&request, &environment, NULL), -EINVAL);
    cr_expect_null(request.run_id);
    cr_expect_eq(request.platform, RUNFS_PLATFORM_UNSAID);
}

Test(layout_environment, fork_comes_from_the_pull_requests_event_or_the_variable)
{
    static const struct {
        const char *variable;
        const char *event_name;
        enum runfs_fork event_fork;
        enum runfs_fork fork;
    } rows[] = {
        {NULL, NULL, RUNFS_FORK_YES, RUNFS_FORK_UNKNOWN},
        {NULL, "push", RUNFS_FORK_YES, RUNFS_FORK_UNKNOWN},
        {NULL, "pull_request", RUNFS_FORK_YES, RUNFS_FORK_YES},
        {NULL, "pull_request", RUNFS_FORK_NO, RUNFS_FORK_NO},
        {NULL, "pull_request", RUNFS_FORK_UNKNOWN, RUNFS_FORK_UNKNOWN},
        {"true", NULL, RUNFS_FORK_UNKNOWN, RUNFS_FORK_YES},
        {"true", "pull_request", RUNFS_FORK_NO, RUNFS_FORK_YES},
        {"false", "pull_request", RUNFS_FORK_YES, RUNFS_FORK_YES},
        {"false", NULL, RUNFS_FORK_UNKNOWN, RUNFS_FORK_UNKNOWN},
        {"", NULL, RUNFS_FORK_UNKNOWN, RUNFS_FORK_UNKNOWN},
        {"1", NULL, RUNFS_FORK_UNKNOWN, RUNFS_FORK_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_environment environment = {.is_pr_from_fork = rows[i].variable,
                                                .event_name = rows[i].event_name,
                                                .event_fork = rows[i].event_fork};
        struct runfs_request request = {0};
        cr_assert_eq(runfs_request_complete(&request, &environment, NULL), 0);
        cr_expect_eq(request.fork, rows[i].fork, "row %zu", i);
    }
}

Test(layout_environment, a_fork_is_a_run_of_another_repository)
{
    cr_expect_eq(runfs_fork_of("a/b", "a/b"), RUNFS_FORK_NO);
    cr_expect_eq(runfs_fork_of("a/b", "c/b"), RUNFS_FORK_YES);
    cr_expect_eq(runfs_fork_of("a/b", NULL), RUNFS_FORK_YES);
    cr_expect_eq(runfs_fork_of(NULL, "ROCm/TheRock"), RUNFS_FORK_NO);
    cr_expect_eq(runfs_fork_of(NULL, "someone/TheRock"), RUNFS_FORK_YES);
}
