/* GitHub's refusals; see github_refusal.h. Of rate limits there are two: the first says in headers how many requests are left
   and when there will be more, the second only in its words, or by retry-after. */
#include "github/github_refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "base/parse.h"
#include "github/github_record.h"

#define SECONDS_MAX UINT64_C(253402300799) /* the year 9999 */
#define MESSAGE_MAX 300

static bool is_rate_limit(const struct github_refusal *refusal)
{
    return refusal->status == 429 ||
           (refusal->status == 403 && (strcmp(refusal->remaining, "0") == 0 || refusal->retry_after[0] ||
                                       memmem(refusal->body, refusal->body_len, "rate limit", 10)));
}

/* Until when, as ", until 2026-10-01T12:00:00Z (3 min 5 s)"; "" where it is not said. */
static void describe_end(const struct github_refusal *refusal, uint64_t now_ms,
                         char text[FORMAT_MAX * 2 + 16])
{
    char when[FORMAT_MAX];
    char left[FORMAT_MAX];
    uint64_t seconds;
    uint64_t end;
    uint64_t now = now_ms / 1000;
    text[0] = '\0';
    if (parse_u64(refusal->retry_after, SECONDS_MAX - now, &seconds) == 0)
        end = now + seconds;
    else if (parse_u64(refusal->reset, SECONDS_MAX, &end) < 0)
        return;
    format_time(when, (int64_t)end);
    format_seconds(left, end > now ? end - now : 0);
    (void)snprintf(text, FORMAT_MAX * 2 + 16, ", until %s (%s)", when, left);
}

/* ": " and what GitHub says, unless that would show the token. */
static void describe_words(const struct github_refusal *refusal, char text[MESSAGE_MAX])
{
    char words[MESSAGE_MAX - 2];
    github_message_parse(refusal->body, refusal->body_len, words, sizeof words);
    bool shown = words[0] && !(refusal->token && strstr(words, refusal->token));
    (void)snprintf(text, MESSAGE_MAX, "%s%s", shown ? ": " : "", shown ? words : "");
}

static int refuse_rate(const struct github_refusal *refusal, uint64_t now_ms, const char *what,
                       const char *words, struct error *err)
{
    char end[FORMAT_MAX * 2 + 16];
    describe_end(refusal, now_ms, end);
    return error_set(err, EBUSY, "%s: GitHub's rate limit is reached%s%s (HTTP %ld%s)", what, end,
                     refusal->token ? "" : "; it is higher with a token in GITHUB_TOKEN", refusal->status,
                     words);
}

int github_refuse(const struct github_refusal *refusal, uint64_t now_ms, const char *what, bool *ret_passing,
                  struct error *err)
{
    char words[MESSAGE_MAX];
    long status = refusal->status;
    describe_words(refusal, words);
    *ret_passing = status >= 500 || status == 408;
    if (is_rate_limit(refusal))
        return refuse_rate(refusal, now_ms, what, words, err);
    if (status == 401 && refusal->token)
        return error_set(err, EACCES, "%s: GitHub refuses the token in %s (HTTP 401%s)", what,
                         refusal->token_name, words);
    if (status == 401 || status == 403)
        return error_set(err, EACCES, "%s: GitHub refuses (HTTP %ld%s)", what, status, words);
    if (status == 404)
        return error_set(err, ENOENT, "%s: %s (HTTP 404%s)", what, refusal->missing, words);
    return error_set(err, status >= 400 && status < 500 ? EINVAL : EIO, "%s: GitHub answers with HTTP %ld%s",
                     what, status, words);
}
