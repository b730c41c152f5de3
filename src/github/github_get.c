/* One GET of GitHub's API; see github_get.h. */
#include "github/github_get.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "github/github_record.h"
#include "github/github_refusal.h"

#define REDIRECTS_MAX 5
#define URL_MAX       4096

struct request {
    struct http_request http;
    const struct github_get *get;
    char *url; /* owned; where it is asked now */
    bool with_token;
    unsigned redirects;
    atomic_bool cancelled;
    struct strbuf answer; /* the engine's until it has ended */
    struct lock lock;     /* guards all below */
    pthread_cond_t changed;
    bool ended;
    int result;
    struct error failure;
};

static int on_prepare(struct http_request *http, CURL *easy, struct curl_slist **headers, struct error *err)
{
    const struct request *request = (struct request *)http;
    int result = http_header_add(headers, "Accept: application/vnd.github+json");
    if (result == 0)
        result = http_header_add(headers, "X-GitHub-Api-Version: 2022-11-28");
    if (result == 0 && request->with_token)
        result = http_header_add(headers, "Authorization: Bearer %s", request->get->token);
    if (result < 0 || curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK)
        return error_errno(err, ENOMEM, "%s", http->what);
    return 0;
}

static int on_begin(struct http_request *http, const struct http_response *response, struct error *err)
{
    struct request *request = (struct request *)http;
    strbuf_clear(&request->answer);
    if (response->status != 200)
        return error_set(err, EIO, "%s: HTTP %ld in place of an answer", http->what, response->status);
    return 0;
}

static int on_data(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct request *request = (struct request *)http;
    strbuf_add(&request->answer, bytes, len);
    if (!request->answer.failed)
        return 0;
    return error_set(err, EBADMSG, "%s: an answer of more than %u bytes", http->what, GITHUB_ANSWER_MAX);
}

/* A part of URL as an owned text of curl's; NULL where it has none. */
static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text : NULL;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *of_a = url_part(a, part);
    char *of_b = url_part(b, part);
    bool same = of_a && of_b && strcasecmp(of_a, of_b) == 0;
    curl_free(of_a);
    curl_free(of_b);
    return same;
}

enum place { PLACE_SAME, PLACE_OTHER, PLACE_REFUSED };

/* What kind of place TO is, seen from FROM. */
static enum place judge_place(const char *from, const char *to)
{
    const unsigned flags = CURLU_DISALLOW_USER;
    enum place place = PLACE_REFUSED;
    CURLU *a = curl_url();
    CURLU *b = curl_url();
    if (a && b && strlen(to) < URL_MAX && curl_url_set(a, CURLUPART_URL, from, flags) == CURLUE_OK &&
        curl_url_set(b, CURLUPART_URL, to, flags) == CURLUE_OK) {
        bool same_scheme = same_part(a, b, CURLUPART_SCHEME);
        if (same_scheme && same_part(a, b, CURLUPART_HOST) && same_part(a, b, CURLUPART_PORT))
            place = PLACE_SAME;
        else if (same_scheme || strncasecmp(to, "https://", 8) == 0)
            place = PLACE_OTHER;
    }
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return place;
}

/* GitHub sends on from a repository that was renamed. A token that was left behind once stays behind. */
static enum http_verdict redirect(struct request *request, struct error *err)
{
    char *to = NULL;
    (void)curl_easy_getinfo(request->http.easy, CURLINFO_REDIRECT_URL, &to);
    enum place place = to ? judge_place(request->url, to) : PLACE_REFUSED;
    char *url = place == PLACE_REFUSED || request->redirects == REDIRECTS_MAX ? NULL : strdup(to);
    if (!url) {
        (void)error_set(err, EIO, "%s: GitHub sends on to where nobody follows", request->http.what);
        return HTTP_FAIL;
    }
    free(request->url);
    request->url = url;
    request->redirects++;
    request->with_token = request->with_token && place == PLACE_SAME;
    (void)error_set(err, EIO, "%s: GitHub sends on without end", request->http.what);
    return HTTP_AGAIN;
}

static enum http_verdict on_refused(struct http_request *http, const struct http_response *response,
                                    struct error *err)
{
    struct request *request = (struct request *)http;
    bool passing;
    struct github_refusal refusal = {
        .status = response->status,
        .body = response->body,
        .body_len = response->body_len,
        .missing = request->get->missing,
        .token = request->with_token ? request->get->token : NULL,
        .token_name = request->get->token_name,
    };
    if (response->status >= 300 && response->status < 400 && response->status != 304)
        return redirect(request, err);
    http_header_get(http, "x-ratelimit-remaining", refusal.remaining, sizeof refusal.remaining);
    http_header_get(http, "x-ratelimit-reset", refusal.reset, sizeof refusal.reset);
    http_header_get(http, "retry-after", refusal.retry_after, sizeof refusal.retry_after);
    (void)github_refuse(&refusal, clock_real_ms(), http->what, &passing, err);
    return passing ? HTTP_RETRY : HTTP_FAIL;
}

static bool on_cancelled(struct http_request *http)
{
    return atomic_load(&((struct request *)http)->cancelled);
}

static void on_done(struct http_request *http, int result, const struct error *err)
{
    struct request *request = (struct request *)http;
    lock_take(&request->lock);
    request->result = result;
    request->failure = *err;
    request->ended = true;
    (void)pthread_cond_signal(&request->changed);
    lock_drop(&request->lock);
}

static const struct http_request_ops request_ops = {
    .prepare = on_prepare,
    .begin = on_begin,
    .data = on_data,
    .refused = on_refused,
    .cancelled = on_cancelled,
    .done = on_done,
};

static int await(struct request *request, const struct wait *wait, struct error *err)
{
    static const struct wait until_end = {0};
    const struct wait *now = wait;
    lock_take(&request->lock);
    while (!request->ended) {
        if (wait_on(now, &request->lock, &request->changed, UINT64_MAX) != -EINTR)
            continue;
        now = &until_end; /* the end comes soon now */
        atomic_store(&request->cancelled, true);
        http_wake(request->get->client);
    }
    lock_drop(&request->lock);
    if (request->result == 0)
        return 0;
    if (wait_cancelled(wait))
        return error_errno(err, EINTR, "%s", request->http.what);
    return error_set(err, -request->result, "%s", request->failure.message);
}

int github_get(const struct github_get *get, const struct wait *wait, struct strbuf *out, struct error *err)
{
    struct request request = {
        .http = {.ops = &request_ops,
                 .what = get->url,
                 .timeout_ms = wait->timeout_ms,
                 .since_ms = wait->since_ms},
        .get = get,
        .url = strdup(get->url),
        .with_token = get->token,
        .answer.max = GITHUB_ANSWER_MAX,
    };
    if (!request.url)
        return error_errno(err, ENOMEM, "GitHub");
    lock_init(&request.lock, LOCK_LEAF);
    (void)pthread_cond_init(&request.changed, NULL);
    http_submit(get->client, &request.http);
    int result = await(&request, wait, err);
    if (result == 0)
        strbuf_add(out, strbuf_text(&request.answer), request.answer.len);
    strbuf_done(&request.answer);
    (void)pthread_cond_destroy(&request.changed);
    lock_done(&request.lock);
    free(request.url);
    return result;
}
