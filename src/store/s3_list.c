/* Lists a prefix: one chain of pages where that is enough; where the first page is truncated, the layout's
   known subtrees are listed at the same time, each by a thread of its own, and the chain leaps over them. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/thread.h"
#include "store/s3_list_page.h"

#define QUERY_MAX    (16U * 1024)
#define SUBTREES_MAX 16

/* Sorts behind every other key of a subtree: U+10FFFF, the greatest code point. */
#define LAST_OF_SUBTREE "\xf4\x8f\xbf\xbf"

/* One listing, shared by its chains. */
struct job {
    struct s3 *s3;
    const struct wait *wait;
    list_fn fn;
    void *context;
    struct lock lock;       /* guards what follows; not held while FN runs */
    pthread_cond_t changed; /* EMITTING has become false */
    bool emitting;          /* a chain gives out its page */
    int result;             /* the first failure, which ends the other chains */
    struct error failure;
};

/* A page that was asked for while the one before it was still arriving. */
struct ahead {
    struct s3_page_request *request; /* NULL: none */
    char *token;                     /* that it was asked for with, owned */
};

/* One chain of pages. Keys and texts are below the bucket. */
struct chain {
    struct job *job;
    const char *prefix;
    struct strbuf after; /* the last key seen; the first page starts behind it */
    char *token;         /* owned; NULL: go on by AFTER */
    const char *const
        *leaps; /* subtrees that others list, below the store's prefix; NULL-terminated, or NULL */
    struct ahead ahead;
    bool first_only; /* stop after one page */
    bool more;       /* there are pages left */
};

static void add_parameter(struct strbuf *query, const char *name, const char *value, size_t len)
{
    strbuf_addf(query, "%s%s=", query->len ? "&" : "", name);
    escape_percent(query, value, len, false);
}

/* Of the page behind TOKEN, or where that is NULL behind the last key seen. Parameters in the order in which they are
   signed. */
static int build_query(const struct chain *chain, const char *token, struct strbuf *query, struct error *err)
{
    if (token)
        add_parameter(query, "continuation-token", token, strlen(token));
    add_parameter(query, "encoding-type", "url", 3);
    add_parameter(query, "list-type", "2", 1);
    add_parameter(query, "prefix", chain->prefix, strlen(chain->prefix));
    if (!token && chain->after.len)
        add_parameter(query, "start-after", strbuf_text(&chain->after), chain->after.len);
    return query->failed ? error_errno(err, query->failed, "s3://%s: listing", chain->job->s3->address.bucket)
                         : 0;
}

/* The leap that KEY (below the store's prefix) lies in, or NULL. */
static const char *leap_of(const struct chain *chain, const char *key, size_t len)
{
    for (const char *const *leap = chain->leaps; leap && *leap; leap++)
        if (strlen(*leap) <= len && memcmp(key, *leap, strlen(*leap)) == 0)
            return *leap;
    return NULL;
}

static int emit(struct chain *chain, const struct s3_page *page, const struct s3_entry *entry,
                struct error *err)
{
    struct job *job = chain->job;
    size_t skip = strlen(job->s3->prefix);
    const char *key = s3_page_at(page, entry->key);
    if (entry->key_len < skip || memcmp(key, job->s3->prefix, skip) != 0)
        return error_set(err, EIO, "s3://%s/%s: the server's listing holds another prefix's key '%s'",
                         job->s3->address.bucket, job->s3->prefix, key);
    struct object object = {
        .key = key + skip,
        .key_len = entry->key_len - skip,
        .etag = s3_page_at(page, entry->etag),
        .size = entry->size,
        .mtime_ns = entry->mtime_ns,
    };
    return job->fn(job->context, &object, err);
}

static bool job_failed(struct job *job)
{
    lock_take(&job->lock);
    bool failed = job->result < 0;
    lock_drop(&job->lock);
    return failed;
}

/* Waits for the turn to give out a page; false where another chain has failed. */
static bool job_enter(struct job *job)
{
    lock_take(&job->lock);
    while (job->emitting)
        lock_wait(&job->lock, &job->changed);
    job->emitting = job->result == 0;
    bool entered = job->emitting;
    lock_drop(&job->lock);
    return entered;
}

static void job_leave(struct job *job)
{
    lock_take(&job->lock);
    job->emitting = false;
    (void)pthread_cond_signal(&job->changed);
    lock_drop(&job->lock);
}

/* Gives out a page's objects but for those of subtrees that are other chains'; tells the subtree that the
 * page ends in. */
static int emit_page(struct chain *chain, const struct s3_page *page, const char **ret_leap,
                     struct error *err)
{
    size_t skip = strlen(chain->job->s3->prefix);
    int result = 0;
    *ret_leap = NULL;
    if (!job_enter(chain->job))
        return -ECANCELED;
    for (size_t i = 0; result == 0 && i < page->count; i++) {
        const struct s3_entry *entry = &page->entries[i];
        *ret_leap = entry->key_len < skip
                        ? NULL
                        : leap_of(chain, s3_page_at(page, entry->key) + skip, entry->key_len - skip);
        result = *ret_leap ? 0 : emit(chain, page, entry, err);
    }
    job_leave(chain->job);
    return result;
}

/* Compares a key of a page with the last key seen. */
static int compare_key(const struct chain *chain, const struct s3_page *page, const struct s3_entry *entry)
{
    size_t common = entry->key_len < chain->after.len ? entry->key_len : chain->after.len;
    int order = memcmp(s3_page_at(page, entry->key), strbuf_text(&chain->after), common);
    return order ? order : (entry->key_len > chain->after.len) - (entry->key_len < chain->after.len);
}

static int no_advance(const struct chain *chain, struct error *err)
{
    return error_set(err, EIO, "s3://%s/%s: the server's listing does not advance",
                     chain->job->s3->address.bucket, chain->prefix);
}

/* Remembers the page's last key; each page must begin and end behind the one before. */
static int advance(struct chain *chain, const struct s3_page *page, struct error *err)
{
    if (!page->count)
        return no_advance(chain, err);
    const struct s3_entry *last = &page->entries[page->count - 1];
    if (chain->after.len &&
        (compare_key(chain, page, &page->entries[0]) <= 0 || compare_key(chain, page, last) <= 0))
        return no_advance(chain, err);
    strbuf_clear(&chain->after);
    strbuf_add(&chain->after, s3_page_at(page, last->key), last->key_len);
    return chain->after.failed ? error_errno(err, ENOMEM, "listing") : 0;
}

static void set_token(struct chain *chain, char *token)
{
    free(chain->token);
    chain->token = token;
}

/* Goes on behind a subtree that another chain lists, or behind the page where that is further. */
static int leap_over(struct chain *chain, const char *leap, struct error *err)
{
    _cleanup_strbuf_ struct strbuf end = STRBUF_INIT(QUERY_MAX);
    strbuf_addf(&end, "%s%s%s", chain->job->s3->prefix, leap, LAST_OF_SUBTREE);
    set_token(chain, NULL);
    if (end.failed || strcmp(strbuf_text(&end), strbuf_text(&chain->after)) <= 0)
        return end.failed ? error_errno(err, ENOMEM, "listing") : 0;
    strbuf_clear(&chain->after);
    strbuf_add(&chain->after, strbuf_text(&end), end.len);
    return chain->after.failed ? error_errno(err, ENOMEM, "listing") : 0;
}

static void drop_ahead(struct chain *chain)
{
    s3_page_drop(chain->ahead.request);
    free(chain->ahead.token);
    chain->ahead = (struct ahead){0};
}

/* Each page after the first one has the time from the page before it. */
static int ask(const struct chain *chain, const char *token, bool may_wait,
               struct s3_page_request **ret_request, struct error *err)
{
    _cleanup_strbuf_ struct strbuf query = STRBUF_INIT(QUERY_MAX);
    const struct job *job = chain->job;
    uint64_t since_ms = chain->first_only ? job->wait->since_ms : 0;
    int result = build_query(chain, token, &query, err);
    return result < 0 ? result
                      : s3_page_ask(job->s3, strbuf_text(&query), may_wait, since_ms, ret_request, err);
}

/* The server works on the next page while this one is read. Where that fails, the page is asked for in its turn. */
static void ask_ahead(void *context, const char *token)
{
    struct chain *chain = context;
    struct error ignored;
    drop_ahead(chain);
    chain->ahead.token = strdup(token);
    if (chain->ahead.token)
        (void)ask(chain, token, false, &chain->ahead.request, &ignored);
}

/* The page that was asked for ahead, where it goes on as the page before it said in the end: an attempt that broke
   off may have said something else. */
static struct s3_page_request *take_ahead(struct chain *chain)
{
    bool right = chain->ahead.request && chain->token && strcmp(chain->ahead.token, chain->token) == 0;
    struct s3_page_request *request = right ? TAKE_PTR(chain->ahead.request) : NULL;
    drop_ahead(chain);
    return request;
}

static int get_page(struct chain *chain, struct s3_page *page, struct error *err)
{
    struct s3_page_request *request = take_ahead(chain);
    /* a chain that leaps does not always go on by the token */
    s3_page_more_fn more = chain->first_only || chain->leaps ? NULL : ask_ahead;
    s3_page_clear(page);
    int result = request ? 0 : ask(chain, chain->token, true, &request, err);
    return result < 0 ? result : s3_page_receive(request, chain->job->wait, page, more, chain, err);
}

static int next_page(struct chain *chain, struct s3_page *page, struct error *err)
{
    const char *leap = NULL;
    int result = get_page(chain, page, err);
    if (result == 0)
        result = emit_page(chain, page, &leap, err);
    if (result < 0)
        return result;
    chain->more = page->truncated;
    if (!chain->more)
        return 0;
    result = advance(chain, page, err);
    if (result == 0 && leap)
        return leap_over(chain, leap, err);
    set_token(chain, TAKE_PTR(page->token));
    return result;
}

static void job_fail(struct job *job, int result, const struct error *err)
{
    lock_take(&job->lock);
    if (job->result == 0) {
        job->result = result;
        job->failure = *err;
    }
    lock_drop(&job->lock);
}

static void run_chain(struct chain *chain)
{
    struct s3_page page = S3_PAGE_INIT;
    struct error err = {0};
    do {
        int result = next_page(chain, &page, &err);
        if (result < 0) {
            job_fail(chain->job, result, &err);
            break;
        }
    } while (chain->more && !chain->first_only && !job_failed(chain->job));
    drop_ahead(chain);
    s3_page_done(&page);
}

static void *chain_thread(void *context)
{
    run_chain(context);
    return NULL;
}

/* A subtree's chain: its own prefix, behind what the first page has shown of it. */
struct branch {
    struct chain chain;
    struct strbuf prefix;
    pthread_t thread;
    bool started;
};

static int start_branch(struct branch *branch, const struct chain *main, const char *subtree,
                        struct error *err)
{
    branch->prefix = (struct strbuf)STRBUF_INIT(QUERY_MAX);
    strbuf_addf(&branch->prefix, "%s%s", main->job->s3->prefix, subtree);
    branch->chain = (struct chain){
        .job = main->job, .prefix = strbuf_text(&branch->prefix), .after = STRBUF_INIT(QUERY_MAX)};
    if (main->after.len >= branch->prefix.len &&
        memcmp(strbuf_text(&main->after), strbuf_text(&branch->prefix), branch->prefix.len) == 0)
        strbuf_add(&branch->chain.after, strbuf_text(&main->after), main->after.len);
    if (branch->prefix.failed || branch->chain.after.failed)
        return error_errno(err, ENOMEM, "listing");
    int code = thread_create(&branch->thread, 0, chain_thread, &branch->chain);
    if (code)
        return error_errno(err, code, "listing");
    branch->started = true;
    return 0;
}

static void end_branch(struct branch *branch)
{
    if (branch->started)
        thread_join(branch->thread);
    strbuf_done(&branch->chain.after);
    free(branch->chain.token);
    strbuf_done(&branch->prefix);
}

/* Whether all of SUBTREE lies before the key up to which the first page went. */
static bool is_behind(const struct chain *main, const char *subtree)
{
    size_t skip = strlen(main->job->s3->prefix);
    const char *seen = strbuf_text(&main->after) + (skip < main->after.len ? skip : main->after.len);
    return strncmp(seen, subtree, strlen(subtree)) > 0;
}

static void list_in_branches(struct chain *main, const char *const *subtrees)
{
    struct branch branches[SUBTREES_MAX] = {0};
    const char *leaps[SUBTREES_MAX + 1] = {NULL};
    size_t count = 0;
    struct error err;
    for (; *subtrees && count < SUBTREES_MAX; subtrees++) {
        if (is_behind(main, *subtrees))
            continue;
        if (start_branch(&branches[count], main, *subtrees, &err) < 0) {
            end_branch(&branches[count]);
            branches[count] = (struct branch){0};
            continue; /* the chain lists it itself */
        }
        leaps[count++] = *subtrees;
    }
    main->leaps = count ? leaps : NULL;
    run_chain(main);
    for (size_t i = 0; i < count; i++)
        end_branch(&branches[i]);
}

int s3_list(struct store *store, const char *const *subtrees, list_fn fn, void *context,
            const struct wait *wait, struct error *err)
{
    struct s3 *s3 = (struct s3 *)store;
    struct job job = {.s3 = s3,
                      .wait = wait,
                      .fn = fn,
                      .context = context,
                      .lock = LOCK_INIT(LOCK_LEAF),
                      .changed = PTHREAD_COND_INITIALIZER};
    struct chain main = {
        .job = &job, .prefix = s3->prefix, .after = STRBUF_INIT(QUERY_MAX), .first_only = true};
    run_chain(&main);
    main.first_only = false;
    if (job.result == 0 && main.more)
        list_in_branches(&main, subtrees);
    strbuf_done(&main.after);
    free(main.token);
    return job.result < 0 ? error_set(err, -job.result, "%s", job.failure.message) : 0;
}
