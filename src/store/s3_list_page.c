/* One page of a listing: the engine's thread queues bytes, the caller's thread parses them; see
 * s3_list_page.h. */
#include "store/s3_list_page.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

struct page_request {
    struct s3_request request;
    const char *query; /* the caller's */
    atomic_bool cancelled;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct strbuf arrived; /* bytes not yet parsed */
    unsigned attempt;      /* grows when an attempt's body begins anew */
    bool ended;
    int result;
    struct error failure;
};

static int page_prepare(struct http_request *http, CURL *easy, struct curl_slist **headers, struct error *err)
{
    struct page_request *page = (struct page_request *)http;
    return s3_request_prepare(&page->request, easy, headers, "", 0, page->query, err);
}

static int page_begin(struct http_request *http, const struct http_response *response, struct error *err)
{
    struct page_request *page = (struct page_request *)http;
    (void)response, (void)err;
    (void)pthread_mutex_lock(&page->lock);
    strbuf_clear(&page->arrived);
    page->attempt++;
    (void)pthread_mutex_unlock(&page->lock);
    return 0;
}

static int page_data(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct page_request *page = (struct page_request *)http;
    (void)pthread_mutex_lock(&page->lock);
    strbuf_add(&page->arrived, bytes, len);
    int failed = page->arrived.failed;
    (void)pthread_cond_signal(&page->changed);
    (void)pthread_mutex_unlock(&page->lock);
    return failed ? error_set(err, EIO, "%s: the server's listing is too large", page->request.what) : 0;
}

static bool page_cancelled(struct http_request *http)
{
    return atomic_load(&((struct page_request *)http)->cancelled);
}

static void page_done(struct http_request *http, int result, const struct error *err)
{
    struct page_request *page = (struct page_request *)http;
    (void)pthread_mutex_lock(&page->lock);
    page->result = result;
    page->failure = *err;
    page->ended = true;
    (void)pthread_cond_signal(&page->changed);
    (void)pthread_mutex_unlock(&page->lock);
}

static const struct http_request_ops page_ops = {
    .prepare = page_prepare,
    .begin = page_begin,
    .data = page_data,
    .refused = s3_request_refused,
    .cancelled = page_cancelled,
    .done = page_done,
};

/* Waits until bytes arrived (taken into *RET_BYTES) or the request ended (true). */
static bool next_bytes(struct page_request *page, const struct wait *wait, struct strbuf *ret_bytes,
                       unsigned *ret_attempt)
{
    (void)pthread_mutex_lock(&page->lock);
    while (!page->arrived.len && !page->ended) {
        if (wait_cancelled(wait))
            atomic_store(&page->cancelled, true);
        struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
        (void)pthread_cond_clockwait(&page->changed, &page->lock, CLOCK_MONOTONIC, &until);
    }
    bool ended = page->ended && !page->arrived.len;
    struct strbuf taken = page->arrived;
    page->arrived = *ret_bytes;
    strbuf_clear(&page->arrived);
    *ret_bytes = taken;
    *ret_attempt = page->attempt;
    (void)pthread_mutex_unlock(&page->lock);
    return ended;
}

/* A parser for each attempt: what a broken one had delivered is forgotten. */
static int restart_parser(struct s3_page *page, struct s3_parser **parser, struct error *err)
{
    s3_parser_close(*parser);
    *parser = NULL;
    s3_page_clear(page);
    return s3_parser_open(page, parser, err);
}

static int finish_parser(struct s3_parser *parser, struct error *err)
{
    return parser ? s3_parser_end(parser, err) : error_set(err, EIO, "the server's listing is empty");
}

/* Parses until the request has ended; a malformed answer cancels it. */
static int parse_all(struct page_request *request, const struct wait *wait, struct s3_page *page,
                     struct error *err)
{
    struct s3_parser *parser = NULL;
    struct strbuf bytes = STRBUF_INIT(S3_PAGE_BYTES_MAX);
    unsigned current = 0;
    unsigned attempt;
    int result = 0;
    while (!next_bytes(request, wait, &bytes, &attempt)) {
        if (result == 0 && attempt != current)
            result = restart_parser(page, &parser, err);
        current = attempt;
        if (result == 0)
            result = s3_parser_feed(parser, strbuf_text(&bytes), bytes.len, err);
        if (result < 0)
            atomic_store(&request->cancelled, true);
    }
    if (result == 0 && wait_cancelled(wait))
        result = error_set(err, EINTR, "%s: listing interrupted", request->request.what);
    else if (result == 0 && request->result < 0)
        result = error_set(err, -request->result, "%s", request->failure.message);
    else if (result < 0 || (result = finish_parser(parser, err)) < 0)
        (void)error_prefix(err, "%s", request->request.what);
    s3_parser_close(parser);
    strbuf_done(&bytes);
    return result;
}

int s3_list_page(struct s3 *s3, const char *query, const struct wait *wait, struct s3_page *page,
                 struct error *err)
{
    struct page_request request = {
        .query = query,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .arrived = STRBUF_INIT(S3_PAGE_BYTES_MAX),
    };
    request.request.http.ops = &page_ops;
    request.request.http.kind = REQUEST_LIST;
    int result = s3_request_init(&request.request, s3, "", 0, s3->timeout_ms, err);
    if (result < 0)
        return result;
    http_submit(s3->engine, &request.request.http);
    result = parse_all(&request, wait, page, err);
    strbuf_done(&request.arrived);
    s3_request_done(&request.request);
    return result;
}
