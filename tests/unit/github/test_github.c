/* The client against a real server that answers as GitHub does, or worse: what is asked with which headers, tokens and where
   they go, redirects, sizes, endings. */
#include "github/github.h"

#include <errno.h>

#include "github_server.h"
#include "testing.h"

#define RUN                                                                                                  \
    "{\"id\": 123, \"status\": \"completed\", \"updated_at\": \"2026-01-01T00:00:00Z\", "                    \
    "\"head_repository\": {\"full_name\": \"ROCm/TheRock\"}}"
#define SHA "0123456789abcdef0123456789abcdef01234567"

static struct github *github;
static struct error err;
static struct github_run run;
static char url[128];
static const struct wait patient = {.timeout_ms = 60000};

static void open_with(const char *token)
{
    struct github_config config = {.api_url = url, .token = token, .token_name = "GITHUB_TOKEN"};
    github_close(github);
    assert_ok(github_open(&config, &github, &err), &err);
}

static void set_up(void)
{
    scratch_open();
    github_server_start(false);
    (void)snprintf(url, sizeof url, "%s/api/", github_server_url());
    open_with(NULL);
}

static void tear_down(void)
{
    github_close(github);
    scratch_close();
}

TestSuite(github, .init = set_up, .fini = tear_down);

static int get_run(void)
{
    return github_get_run(github, "ROCm/TheRock", "123", &patient, &run, &err);
}

static int get_newest(void)
{
    return github_get_newest(github, "ROCm/TheRock", "multi_arch_ci.yml", SHA, &patient, &run, &err);
}

Test(github, a_run_is_asked_for_as_the_api_wants_it)
{
    github_server_rules("[{\"match\": \"^/api/repos/ROCm/TheRock/actions/runs/123$\", \"body\": " RUN "}]");
    assert_ok(get_run(), &err);
    cr_assert_str_eq(run.head_repository, "ROCm/TheRock");
    github_server_await(
        "GET\t/api/repos/ROCm/TheRock/actions/runs/123\t200\t-\tapplication/vnd.github+json\t2022-11-28\n");
    open_with("t0ken");
    assert_ok(get_run(), &err);
    github_server_await("\t200\tBearer t0ken\t");
}

Test(github, the_newest_run_of_a_commit_may_need_a_second_question)
{
    github_server_rules(
        "[{\"match\": \"^/api/repos/ROCm/TheRock/actions/workflows/multi_arch_ci.yml/runs.head_sha=" SHA
        "$\", \"body\": {\"workflow_runs\": [{\"id\": 123}]}},"
        "{\"match\": \"/runs/123$\", \"body\": " RUN "}]");
    assert_ok(get_newest(), &err);
    cr_assert(run.has_place);
    github_server_rules("[{\"match\": \"head_sha=\", \"body\": {\"workflow_runs\": [" RUN "]}}]");
    assert_ok(get_newest(), &err);
    github_server_rules("[{\"match\": \"head_sha=\", \"body\": {\"workflow_runs\": []}}]");
    assert_refused(get_newest(), ENOENT, &err, "multi_arch_ci.yml has not run for this commit");
}

Test(github, answers_of_something_else_are_refused)
{
    github_server_rules(
        "[{\"match\": \"/\", \"body\": \"{\\\"id\\\": 124, \\\"updated_at\\\": \\\"2026-01-01T00:00:00Z\\\", "
        "\\\"head_repository\\\": null}\"}]");
    assert_refused(get_run(), EBADMSG, &err, "/actions/runs/123: its answer is of run 124");
    github_server_rules("[{\"match\": \"/\", \"body\": \"<html>\"}]");
    assert_refused(get_run(), EBADMSG, &err, "/actions/runs/123: its answer is not JSON");
    github_server_rules("[{\"match\": \"/\", \"status\": 204}]");
    assert_refused(get_run(), EIO, &err, "HTTP 204");
    github_server_rules("[{\"match\": \"/\", \"body\": \"[\", \"repeat\": 100000}]");
    assert_refused(get_run(), EBADMSG, &err, "not JSON");
}

Test(github, an_answer_without_end_is_cut_off)
{
    github_server_rules("[{\"match\": \"/\", \"body\": \"[1234567,\", \"repeat\": 600000}]");
    assert_refused(get_run(), EBADMSG, &err, "an answer of more than 4194304 bytes");
}

Test(github, refusals_say_what_and_why)
{
    github_server_rules(
        "[{\"match\": \"/\", \"status\": 403, \"headers\": {\"x-ratelimit-remaining\": \"0\", "
        "\"x-ratelimit-reset\": \"1788264185\"}, \"body\": {\"message\": \"API rate limit exceeded\"}}]");
    assert_refused(get_run(), EBUSY, &err, "rate limit is reached, until 2026-09-01T12:03:05Z");
    github_server_rules("[]");
    assert_refused(get_run(), ENOENT, &err, "no such run, or not for everybody to see (HTTP 404: Not Found)");
    open_with("t0ken");
    github_server_rules(
        "[{\"match\": \"/\", \"status\": 401, \"body\": {\"message\": \"Bad credentials t0ken\"}}]");
    assert_refused(get_run(), EACCES, &err, "GitHub refuses the token in GITHUB_TOKEN (HTTP 401)");
}

Test(github, a_server_that_fails_is_asked_until_the_time_is_up)
{
    static const struct wait brief = {.timeout_ms = 600};
    github_server_rules("[{\"match\": \"/\", \"status\": 503}]");
    cr_assert_eq(github_get_run(github, "a/b", "123", &brief, &run, &err), -ETIMEDOUT, "%s", err.message);
    cr_assert(strstr(err.message, "HTTP 503"), "%s", err.message);
    github_server_rules("[{\"match\": \"/\", \"hang\": true}]");
    cr_assert_eq(github_get_run(github, "a/b", "123", &brief, &run, &err), -ETIMEDOUT, "%s", err.message);
}

Test(github, whoever_gives_up_does_not_wait)
{
    struct cancel cancelled = CANCEL_INIT;
    const struct wait wait = {.timeout_ms = 60000, .cancelled = &cancelled};
    cancel_request(&cancelled);
    github_server_rules("[{\"match\": \"/\", \"hang\": true}]");
    cr_assert_eq(github_get_run(github, "a/b", "123", &wait, &run, &err), -EINTR, "%s", err.message);
}

Test(github, a_renamed_repository_is_followed_with_the_token)
{
    open_with("t0ken");
    github_server_rules("[{\"match\": \"^/api/repos/\", \"status\": 301, \"headers\": {\"Location\": "
                        "\"/repositories/5/runs/123\"}},"
                        "{\"match\": \"^/repositories/5/runs/123$\", \"body\": " RUN "}]");
    assert_ok(get_run(), &err);
    github_server_await("/repositories/5/runs/123\t200\tBearer t0ken\t");
}

Test(github, another_host_never_gets_the_token)
{
    open_with("t0ken");
    github_server_rules(
        "[{\"match\": \"/\", \"port\": \"first\", \"status\": 302, \"headers\": {\"Location\": "
        "\"http://127.0.0.1:OTHER/there\"}},"
        "{\"match\": \"/there\", \"port\": \"other\", \"status\": 307, \"headers\": {\"Location\": "
        "\"/here\"}},"
        "{\"match\": \"/here\", \"port\": \"other\", \"body\": " RUN "}]");
    assert_ok(get_run(), &err);
    github_server_await("GET\t/there\t307\t-\t");
    github_server_await("GET\t/here\t200\t-\t");
}

Test(github, redirects_have_an_end_and_a_scheme)
{
    github_server_rules("[{\"match\": \"/\", \"status\": 302, \"headers\": {\"Location\": \"/again\"}}]");
    assert_refused(get_run(), EIO, &err, "GitHub sends on to where nobody follows");
    github_server_rules(
        "[{\"match\": \"/\", \"status\": 302, \"headers\": {\"Location\": \"file:///etc/passwd\"}}]");
    assert_refused(get_run(), EIO, &err, "GitHub sends on to where nobody follows");
    github_server_rules("[{\"match\": \"/\", \"status\": 302, \"headers\": {\"Location\": "
                        "\"http://user:pass@127.0.0.1/\"}}]");
    assert_refused(get_run(), EIO, &err, "GitHub sends on to where nobody follows");
    github_server_rules("[{\"match\": \"/\", \"status\": 302}]");
    assert_refused(get_run(), EIO, &err, "GitHub sends on to where nobody follows");
}

Test(github_tls, a_certificate_that_nobody_trusts_is_refused, .init = scratch_open, .fini = tear_down)
{
    github_server_start(true);
    github_server_rules("[{\"match\": \"/\", \"body\": " RUN "}]");
    (void)snprintf(url, sizeof url, "%s", github_server_tls_url());
    open_with("t0ken");
    assert_refused(get_run(), EIO, &err, "certificate");
    cr_assert_eq(github_server_asked(), 0);
}

static const char *const bad_urls[] = {"",           "api.github.com",       "ftp://x",     "http://",
                                       "http://a b", "http://u:p@127.0.0.1", "http://h/?q", "http://h/#f"};

Test(github_config, odd_addresses_and_tokens_are_refused)
{
    struct github_config config = {.token_name = "GH_TOKEN"};
    for (size_t i = 0; i < COUNT(bad_urls); i++) {
        config.api_url = bad_urls[i];
        cr_assert_eq(github_open(&config, &github, &err), -EINVAL, "'%s'", bad_urls[i]);
        cr_assert(strstr(err.message, "GITHUB_API_URL"), "%s", err.message);
        cr_assert_null(strstr(err.message, "u:p"), "%s", err.message);
    }
    config.api_url = GITHUB_API;
    config.token = "line\nbreak: it";
    assert_refused(github_open(&config, &github, &err), EINVAL, &err, "GH_TOKEN: it holds");
    cr_assert_null(strstr(err.message, "break"), "%s", err.message);
}

Test(github_config, the_environment_says_where_and_as_whom)
{
    struct github_config config;
    char first[] = "GITHUB_TOKEN=one";
    char second[] = "GH_TOKEN=two";
    (void)unsetenv("GITHUB_API_URL");
    (void)unsetenv("GITHUB_TOKEN");
    (void)unsetenv("GH_TOKEN");
    github_environment_read(&config);
    cr_assert_str_eq(config.api_url, "https://api.github.com");
    cr_assert_null(config.token);
    cr_assert_eq(setenv("GITHUB_API_URL", "https://ghe/api/v3", 1) | putenv(second), 0);
    github_environment_read(&config);
    cr_assert_str_eq(config.api_url, "https://ghe/api/v3");
    cr_assert_str_eq(config.token, "two");
    cr_assert_str_eq(config.token_name, "GH_TOKEN");
    cr_assert_eq(putenv(first), 0);
    github_environment_read(&config);
    cr_assert_str_eq(config.token, "one");
    github_environment_wipe();
    cr_assert_null(getenv("GITHUB_TOKEN"));
    cr_assert_null(getenv("GH_TOKEN"));
    cr_assert_str_eq(first, "GITHUB_TOKEN=");
    cr_assert_str_eq(second, "GH_TOKEN=");
}
