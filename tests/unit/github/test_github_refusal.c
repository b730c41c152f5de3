/* Refusals of GitHub's told apart: rate limits of both kinds, tokens, what is not there. */
#include "github/github_refusal.h"

#include <errno.h>

#include "testing.h"

#define NOW_MS (UINT64_C(1788264000) * 1000) /* 2026-09-01T12:00:00Z */

static struct error err;
static bool passing;

static int refuse(struct github_refusal refusal, const char *body)
{
    refusal.body = body;
    refusal.body_len = strlen(body);
    refusal.missing = "no such run";
    refusal.token_name = "GH_TOKEN";
    return github_refuse(&refusal, NOW_MS, "URL", &passing, &err);
}

Test(github_refusal, the_rate_limit_says_when_it_ends)
{
    struct github_refusal refusal = {.status = 403, .remaining = "0", .reset = "1788264185"};
    assert_refused(
        refuse(refusal, "{\"message\": \"API rate limit exceeded for 127.0.0.1.\"}"), EBUSY, &err,
        "URL: GitHub's rate limit is reached, until 2026-09-01T12:03:05Z (3 min 5 s); it is higher with a "
        "token in GITHUB_TOKEN (HTTP 403: API rate limit exceeded for 127.0.0.1.)");
    cr_assert_not(passing);
    refusal.token = "secret";
    assert_refused(refuse(refusal, ""), EBUSY, &err, "until 2026-09-01T12:03:05Z (3 min 5 s) (HTTP 403)");
}

Test(github_refusal, the_other_rate_limit_is_known_by_its_words_or_by_retry_after)
{
    struct github_refusal words = {.status = 403, .remaining = "4000", .reset = "x"};
    assert_refused(refuse(words, "{\"message\": \"You have exceeded a secondary rate limit.\"}"), EBUSY, &err,
                   "GitHub's rate limit is reached; it is higher");
    struct github_refusal after = {.status = 403, .retry_after = "60"};
    assert_refused(refuse(after, "{}"), EBUSY, &err, "until 2026-09-01T12:01:00Z (1 min 0 s)");
    struct github_refusal many = {.status = 429, .retry_after = "18446744073709551615"};
    assert_refused(refuse(many, "not JSON"), EBUSY, &err, "GitHub's rate limit is reached;");
}

Test(github_refusal, other_refusals_are_none_of_it)
{
    struct github_refusal forbidden = {.status = 403, .remaining = "59"};
    assert_refused(refuse(forbidden, "{\"message\": \"Resource not accessible\"}"), EACCES, &err,
                   "URL: GitHub refuses (HTTP 403: Resource not accessible)");
    struct github_refusal token = {.status = 401, .token = "secret"};
    assert_refused(refuse(token, "{\"message\": \"Bad credentials\"}"), EACCES, &err,
                   "URL: GitHub refuses the token in GH_TOKEN (HTTP 401: Bad credentials)");
    struct github_refusal missing = {.status = 404};
    assert_refused(refuse(missing, "{\"message\": \"Not Found\"}"), ENOENT, &err,
                   "URL: no such run (HTTP 404: Not Found)");
    struct github_refusal wrong = {.status = 422};
    assert_refused(refuse(wrong, ""), EINVAL, &err, "URL: GitHub answers with HTTP 422");
    cr_assert_not(passing);
}

Test(github_refusal, a_server_that_fails_is_asked_again)
{
    struct github_refusal fails = {.status = 502};
    assert_refused(refuse(fails, "<html>"), EIO, &err, "URL: GitHub answers with HTTP 502");
    cr_assert(passing);
}

Test(github_refusal, the_token_is_never_shown)
{
    struct github_refusal echo = {.status = 403, .token = "s3cret"};
    (void)refuse(echo, "{\"message\": \"you sent Bearer s3cret\"}");
    cr_assert_null(strstr(err.message, "s3cret"), "%s", err.message);
}
