/* The HTTP engine's thread: queues by urgency, back-off, stalls, deadlines; see http.h. */
#include "http/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/http_engine.h"

#define ATTEMPTS_MAX   10
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define SWEEP_MS       100
#define IDLE_POLL_MS   60000

static void finish(struct http_request *request, int result)
{
    http_stats_ended(&request->engine->stats, request, result);
    request->ops->done(request, result, &request->failure);
}

/* Full jitter: anything from nothing to the doubled, capped step. */
static uint64_t backoff_ms(struct http_engine *engine, unsigned attempts)
{
    uint64_t step = BACKOFF_MIN_MS;
    for (unsigned i = 1; i < attempts && step < BACKOFF_MAX_MS; i++)
        step *= 2;
    if (step > BACKOFF_MAX_MS)
        step = BACKOFF_MAX_MS;
    return (uint64_t)rand_r(&engine->seed) % step;
}

static uint64_t deadline(const struct http_request *request)
{
    return request->progress_at + request->timeout_ms;
}

/* The time in a queue counts from when the requests before it stop making progress. A request that has been
   on the wire keeps the time that it used there. */
static void excuse_queue(const struct http_engine *engine, struct http_request *request)
{
    if (request->attempts == 0 && request->progress_at < engine->progress_at)
        request->progress_at = engine->progress_at;
    if (request->queued_at >= engine->progress_at)
        return;
    if (request->attempts)
        request->progress_at += engine->progress_at - request->queued_at;
    request->queued_at = engine->progress_at;
}

/* The first attempt may be silent for a third of the time only, so that a lost connection leaves room for
 * another. */
static uint64_t stall_at(const struct http_request *request)
{
    uint64_t allowed = request->attempts == 1 ? request->timeout_ms / 3 : request->timeout_ms;
    return request->attempt_at + allowed;
}

static void fail_timeout(struct http_request *request)
{
    if (!request->failure.code)
        (void)error_set(&request->failure, ETIMEDOUT, "%s: timed out: no answer for %.1f s", request->what,
                        (double)request->timeout_ms / 1000);
    finish(request, -ETIMEDOUT);
}

/* After a failed attempt: back-off, or the end where the retries or the time are used up. */
static void retry(struct http_engine *engine, struct http_request *request)
{
    uint64_t now = clock_ms();
    if (request->attempts >= ATTEMPTS_MAX) {
        finish(request, -(request->failure.code ? request->failure.code : EIO));
        return;
    }
    uint64_t pause = backoff_ms(engine, request->attempts);
    request->not_before = now + (pause > request->retry_after_ms ? pause : request->retry_after_ms);
    if (request->not_before >= deadline(request)) {
        fail_timeout(request);
        return;
    }
    http_stats_retried(&engine->stats, request);
    TAILQ_INSERT_TAIL(&engine->delayed, request, link);
}

static void enqueue_first(struct http_engine *engine, struct http_request *request)
{
    request->queued_at = clock_ms();
    TAILQ_INSERT_HEAD(&engine->queues[request->fetch_class], request, link);
}

static void settle(struct http_engine *engine, struct http_request *request, enum attempt_result result)
{
    switch (result) {
    case ATTEMPT_DONE:
        engine->progress_at = clock_ms();
        http_pace_good(&engine->pace, request->pace_number);
        http_stats_allowed(&engine->stats, engine->pace.allowed);
        finish(request, 0);
        break;
    case ATTEMPT_FAILED:
        finish(request, -(request->failure.code ? request->failure.code : EIO));
        break;
    case ATTEMPT_AGAIN:
        if (request->attempts < ATTEMPTS_MAX) {
            enqueue_first(engine, request);
            break;
        }
        finish(request, -(request->failure.code ? request->failure.code : EIO));
        break;
    case ATTEMPT_THROTTLED:
        http_pace_throttled(&engine->pace, request->pace_number);
        http_stats_allowed(&engine->stats, engine->pace.allowed);
        retry(engine, request);
        break;
    case ATTEMPT_RETRY:
        retry(engine, request);
        break;
    }
}

static void leave_wire(struct http_engine *engine, struct http_request *request)
{
    attempt_stop(engine, request);
    TAILQ_REMOVE(&engine->active, request, link);
    engine->active_count--;
    http_stats_active(&engine->stats, engine->active_count);
}

static void start_one(struct http_engine *engine, struct http_request *request)
{
    request->failure.code = 0;
    excuse_queue(engine, request);
    request->pace_number = http_pace_start(&engine->pace);
    int result = attempt_start(engine, request);
    TAILQ_INSERT_TAIL(&engine->active, request, link);
    engine->active_count++;
    http_stats_started(&engine->stats, engine->active_count);
    if (result < 0) {
        leave_wire(engine, request);
        finish(request, result);
    }
}

/* What somebody waits for now goes with the reads, so that those cannot keep it waiting for ever. */
static void promote_urgent(struct http_engine *engine)
{
    for (int c = FETCH_READ + 1; c < FETCH_CLASSES; c++) {
        struct http_request *next;
        for (struct http_request *request = TAILQ_FIRST(&engine->queues[c]); request; request = next) {
            next = TAILQ_NEXT(request, link);
            if (!request->ops->urgent || !request->ops->urgent(request))
                continue;
            TAILQ_REMOVE(&engine->queues[c], request, link);
            request->fetch_class = FETCH_READ;
            TAILQ_INSERT_TAIL(&engine->queues[FETCH_READ], request, link);
        }
    }
}

static void start_ready(struct http_engine *engine)
{
    if (engine->active_count < engine->pace.allowed)
        promote_urgent(engine);
    for (int c = 0; c < FETCH_CLASSES; c++)
        while (engine->active_count < engine->pace.allowed && !TAILQ_EMPTY(&engine->queues[c])) {
            struct http_request *request = TAILQ_FIRST(&engine->queues[c]);
            TAILQ_REMOVE(&engine->queues[c], request, link);
            start_one(engine, request);
        }
}

static void collect_ended(struct http_engine *engine)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(engine->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        struct http_request *request = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        enum attempt_result result = attempt_judge(request, code);
        if (result == ATTEMPT_DONE)
            http_stats_answered(&engine->stats, request);
        leave_wire(engine, request);
        settle(engine, request, result);
    }
}

static bool cancelled(struct http_request *request)
{
    return request->ops->cancelled && request->ops->cancelled(request);
}

/* Ends requests of a waiting list that nobody wants or that are past their deadline. */
static void sweep_waiting(struct http_engine *engine, struct http_requests *list, uint64_t now)
{
    struct http_request *request;
    struct http_request *next;
    for (request = TAILQ_FIRST(list); request; request = next) {
        next = TAILQ_NEXT(request, link);
        bool gone = cancelled(request);
        if (list != &engine->delayed)
            excuse_queue(engine, request);
        if (!gone && now < deadline(request))
            continue;
        TAILQ_REMOVE(list, request, link);
        if (gone)
            finish(request, -ECANCELED);
        else
            fail_timeout(request);
    }
}

static void sweep_active(struct http_engine *engine, uint64_t now)
{
    struct http_request *request;
    struct http_request *next;
    for (request = TAILQ_FIRST(&engine->active); request; request = next) {
        next = TAILQ_NEXT(request, link);
        if (cancelled(request)) {
            leave_wire(engine, request);
            finish(request, -ECANCELED);
        } else if (now >= deadline(request)) {
            leave_wire(engine, request);
            fail_timeout(request);
        } else if (now >= stall_at(request)) {
            leave_wire(engine, request);
            request->fault = REQUEST_TIMEOUT;
            retry(engine, request);
        }
    }
}

static void move_due(struct http_engine *engine, uint64_t now)
{
    struct http_request *request;
    struct http_request *next;
    for (request = TAILQ_FIRST(&engine->delayed); request; request = next) {
        next = TAILQ_NEXT(request, link);
        if (now < request->not_before)
            continue;
        TAILQ_REMOVE(&engine->delayed, request, link);
        enqueue_first(engine, request);
    }
}

static void sweep(struct http_engine *engine)
{
    uint64_t now = clock_ms();
    move_due(engine, now);
    if (now < engine->swept_at + SWEEP_MS)
        return;
    engine->swept_at = now;
    for (int c = 0; c < FETCH_CLASSES; c++)
        sweep_waiting(engine, &engine->queues[c], now);
    sweep_waiting(engine, &engine->delayed, now);
    sweep_active(engine, now);
}

/* Moves what was submitted to the queues; true when the engine is to stop. */
static bool take_incoming(struct http_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    struct http_request *request;
    while ((request = TAILQ_FIRST(&engine->incoming))) {
        TAILQ_REMOVE(&engine->incoming, request, link);
        TAILQ_INSERT_TAIL(&engine->queues[request->fetch_class], request, link);
    }
    bool stopping = engine->stopping;
    (void)pthread_mutex_unlock(&engine->lock);
    return stopping;
}

static void cancel_list(struct http_requests *list)
{
    struct http_request *request;
    while ((request = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, request, link);
        (void)error_errno(&request->failure, ECANCELED, "%s", request->what);
        finish(request, -ECANCELED);
    }
}

static void cancel_all(struct http_engine *engine)
{
    struct http_request *request;
    while ((request = TAILQ_FIRST(&engine->active))) {
        leave_wire(engine, request);
        TAILQ_INSERT_TAIL(&engine->delayed, request, link);
    }
    cancel_list(&engine->delayed);
    for (int c = 0; c < FETCH_CLASSES; c++)
        cancel_list(&engine->queues[c]);
}

static bool has_work(const struct http_engine *engine)
{
    for (int c = 0; c < FETCH_CLASSES; c++)
        if (!TAILQ_EMPTY(&engine->queues[c]))
            return true;
    return engine->active_count > 0 || !TAILQ_EMPTY(&engine->delayed);
}

static void *engine_thread(void *context)
{
    struct http_engine *engine = context;
    while (!take_incoming(engine)) {
        int running;
        start_ready(engine);
        (void)curl_multi_perform(engine->multi, &running);
        collect_ended(engine);
        sweep(engine);
        start_ready(engine);
        (void)curl_multi_poll(engine->multi, NULL, 0, has_work(engine) ? SWEEP_MS / 2 : IDLE_POLL_MS, NULL);
    }
    cancel_all(engine);
    return NULL;
}

void http_submit(struct http_engine *engine, struct http_request *request)
{
    request->engine = engine;
    request->submitted_us = clock_us();
    request->queued_at = clock_ms();
    request->progress_at = request->since_ms ? request->since_ms : request->queued_at;
    (void)pthread_mutex_lock(&engine->lock);
    bool stopping = engine->stopping; /* then the thread does not look at incoming any more */
    if (!stopping) {
        http_stats_submitted(&engine->stats);
        TAILQ_INSERT_TAIL(&engine->incoming, request, link);
    }
    (void)pthread_mutex_unlock(&engine->lock);
    if (stopping) {
        (void)error_errno(&request->failure, ECANCELED, "%s", request->what);
        request->ops->done(request, -ECANCELED, &request->failure);
        return;
    }
    (void)curl_multi_wakeup(engine->multi);
}

void http_engine_stats(struct http_engine *engine, struct request_stats *ret_stats)
{
    http_stats_read(&engine->stats, ret_stats);
}

static void free_engine(struct http_engine *engine)
{
    for (unsigned i = 0; i < engine->idle_count; i++)
        curl_easy_cleanup(engine->idle[i]);
    free(engine->idle);
    if (engine->multi)
        (void)curl_multi_cleanup(engine->multi);
    (void)pthread_mutex_destroy(&engine->lock);
    free(engine->ca_bundle);
    free(engine);
}

static int set_up(struct http_engine *engine, const struct http_config *config)
{
    engine->connections = config->connections;
    http_pace_init(&engine->pace, config->connections);
    http_stats_allowed(&engine->stats, engine->pace.allowed);
    engine->seed = (unsigned)clock_ms();
    TAILQ_INIT(&engine->incoming);
    TAILQ_INIT(&engine->delayed);
    TAILQ_INIT(&engine->active);
    for (int c = 0; c < FETCH_CLASSES; c++)
        TAILQ_INIT(&engine->queues[c]);
    if (config->ca_bundle && !(engine->ca_bundle = strdup(config->ca_bundle)))
        return -ENOMEM;
    engine->idle = calloc(config->connections, sizeof(CURL *));
    if (!engine->idle || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(engine->multi = curl_multi_init()))
        return -ENOMEM;
    if (curl_multi_setopt(engine->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) != CURLM_OK ||
        curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)config->connections) != CURLM_OK)
        return -EINVAL;
    /* without descriptors to spare, curl goes on without a way to wake it */
    return curl_multi_wakeup(engine->multi) == CURLM_OK ? 0 : -EMFILE;
}

int http_engine_open(const struct http_config *config, struct http_engine **ret_engine, struct error *err)
{
    struct http_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return error_errno(err, ENOMEM, "HTTP engine");
    (void)pthread_mutex_init(&engine->lock, NULL);
    int result = set_up(engine, config);
    if (result == 0)
        result = -thread_create(&engine->thread, 0, engine_thread, engine);
    if (result < 0) {
        free_engine(engine);
        return error_errno(err, -result, "HTTP engine");
    }
    *ret_engine = engine;
    return 0;
}

void http_engine_close(struct http_engine *engine)
{
    if (!engine)
        return;
    (void)pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    (void)pthread_mutex_unlock(&engine->lock);
    (void)curl_multi_wakeup(engine->multi);
    (void)pthread_join(engine->thread, NULL);
    free_engine(engine);
}
