/* One page of a listing: the engine's thread queues bytes, the caller's thread parses them; see
 * s3_list_page.h. */
#include "store/s3_list_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/wait.h"

struct s3_page_request {
    struct s3_request request;
    char *query; /* owned */
    atomic_bool cancelled;
    struct lock lock; /* guards all below */
    pthread_cond_t changed;
    struct strbuf arrived; /* bytes not yet parsed */
    unsigned attempt;      /* grows when an attempt's body begins anew */
    bool ended;
    bool dropped; /* nobody receives it: freed when it has ended */
    int result;
    struct error failure;
};

static int page_prepare(struct http_request *http, CURL *easy, struct curl_slist **headers, struct error *err)
{
    struct s3_page_request *page = (struct s3_page_request *)http;
    return s3_request_prepare(&page->request, easy, headers, "", 0, page->query, err);
}

static int page_begin(struct http_request *http, const struct http_response *response, struct error *err)
{
    struct s3_page_request *page = (struct s3_page_request *)http;
    (void)response, (void)err;
    lock_take(&page->lock);
    strbuf_clear(&page->arrived);
    page->attempt++;
    lock_drop(&page->lock);
    return 0;
}

static int page_data(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct s3_page_request *page = (struct s3_page_request *)http;
    lock_take(&page->lock);
    strbuf_add(&page->arrived, bytes, len);
    int failed = page->arrived.failed;
    (void)pthread_cond_signal(&page->changed);
    lock_drop(&page->lock);
    return failed ? error_set(err, EIO, "%s: the server's listing is too large", page->request.what) : 0;
}

static bool page_cancelled(struct http_request *http)
{
    return atomic_load(&((struct s3_page_request *)http)->cancelled);
}

static void page_free(struct s3_page_request *page)
{
    strbuf_done(&page->arrived);
    s3_request_done(&page->request);
    (void)pthread_cond_destroy(&page->changed);
    lock_done(&page->lock);
    free(page->query);
    free(page);
}

static void page_done(struct http_request *http, int result, const struct error *err)
{
    struct s3_page_request *page = (struct s3_page_request *)http;
    lock_take(&page->lock);
    page->result = result;
    page->failure = *err;
    page->ended = true;
    bool dropped = page->dropped;
    (void)pthread_cond_signal(&page->changed);
    lock_drop(&page->lock);
    if (dropped)
        page_free(page);
}

static const struct http_request_ops page_ops = {
    .prepare = page_prepare,
    .begin = page_begin,
    .data = page_data,
    .refused = s3_request_refused,
    .cancelled = page_cancelled,
    .done = page_done,
};

static void page_cancel(struct s3_page_request *page)
{
    atomic_store(&page->cancelled, true);
    http_wake(page->request.s3->client);
}

/* Waits until bytes arrived (taken into *RET_BYTES) or the request ended (true); cancels it with WAIT. */
static bool next_bytes(struct s3_page_request *page, const struct wait *wait, struct strbuf *ret_bytes,
                       unsigned *ret_attempt)
{
    static const struct wait until_end = {0};
    const struct wait *now = atomic_load(&page->cancelled) ? &until_end : wait;
    lock_take(&page->lock);
    while (!page->arrived.len && !page->ended) {
        if (wait_on(now, &page->lock, &page->changed, UINT64_MAX) != -EINTR)
            continue;
        now = &until_end; /* the end comes soon now */
        page_cancel(page);
    }
    bool ended = page->ended && !page->arrived.len;
    struct strbuf taken = page->arrived;
    page->arrived = *ret_bytes;
    strbuf_clear(&page->arrived);
    *ret_bytes = taken;
    *ret_attempt = page->attempt;
    lock_drop(&page->lock);
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

/* What goes on while a page is received. */
struct reception {
    struct s3_page *page;
    struct s3_parser *parser;
    unsigned attempt;
    s3_page_more_fn more; /* NULL once told, or where nobody wants to know */
    void *context;
};

/* Parses bytes of an attempt. */
static int take_bytes(struct reception *r, const struct strbuf *bytes, unsigned attempt, s3_page_more_fn more,
                      struct error *err)
{
    int result = 0;
    if (attempt != r->attempt) {
        result = restart_parser(r->page, &r->parser, err);
        r->more = more;
    }
    r->attempt = attempt;
    if (result == 0)
        result = s3_parser_feed(r->parser, strbuf_text(bytes), bytes->len, err);
    if (result == 0 && r->more && r->page->truncated && r->page->token) {
        r->more(r->context, r->page->token);
        r->more = NULL;
    }
    return result;
}

/* Parses until the request has ended; a malformed answer cancels it. */
static int parse_all(struct s3_page_request *request, const struct wait *wait, struct reception *r,
                     struct error *err)
{
    s3_page_more_fn more = r->more;
    struct strbuf bytes = STRBUF_INIT(S3_PAGE_BYTES_MAX);
    unsigned attempt;
    int result = 0;
    while (!next_bytes(request, wait, &bytes, &attempt)) {
        if (result == 0)
            result = take_bytes(r, &bytes, attempt, more, err);
        if (result < 0)
            page_cancel(request);
    }
    if (result == 0 && wait_cancelled(wait))
        result = error_set(err, EINTR, "%s: listing interrupted", request->request.what);
    else if (result == 0 && request->result < 0)
        result = error_set(err, -request->result, "%s", request->failure.message);
    else if (result < 0 || (result = finish_parser(r->parser, err)) < 0)
        (void)error_prefix(err, result, "%s", request->request.what);
    s3_parser_close(r->parser);
    strbuf_done(&bytes);
    return result;
}

int s3_page_ask(struct s3 *s3, const char *query, bool may_wait, uint64_t since_ms,
                struct s3_page_request **ret_request, struct error *err)
{
    struct s3_page_request *request = calloc(1, sizeof *request);
    if (!request || !(request->query = strdup(query))) {
        free(request);
        return error_errno(err, ENOMEM, "s3://%s: listing", s3->address.bucket);
    }
    lock_init(&request->lock, LOCK_LEAF);
    (void)pthread_cond_init(&request->changed, NULL);
    request->arrived.max = S3_PAGE_BYTES_MAX;
    request->request.http.ops = &page_ops;
    request->request.http.kind = REQUEST_LIST;
    int result = s3_request_init(&request->request, s3, "", 0, may_wait, since_ms, err);
    if (result < 0) {
        page_free(request);
        return result;
    }
    http_submit(s3->client, &request->request.http);
    *ret_request = request;
    return 0;
}

int s3_page_receive(struct s3_page_request *request, const struct wait *wait, struct s3_page *page,
                    s3_page_more_fn more, void *context, struct error *err)
{
    struct reception reception = {.page = page, .more = more, .context = context};
    int result = parse_all(request, wait, &reception, err);
    page_free(request);
    return result;
}

void s3_page_drop(struct s3_page_request *request)
{
    if (!request)
        return;
    page_cancel(request);
    lock_take(&request->lock);
    bool ended = request->ended;
    request->dropped = true;
    lock_drop(&request->lock);
    if (ended)
        page_free(request);
}
