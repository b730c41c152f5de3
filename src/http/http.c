/* The HTTP engine's thread: queues by urgency, back-off, stalls, deadlines; see http.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/http_engine.h"

#define ATTEMPTS_MAX   10
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define IDLE_MS        60000

static void finish(struct http_request *request, int result)
{
    struct http_client *client = request->client;
    struct http_engine *engine = client->engine;
    http_stats_ended(&client->stats, request, result);
    lock_assert_none("completes a request");
    request->ops->done(request, result, &request->failure);
    lock_take(&engine->lock);
    if (--client->count == 0 && atomic_load(&client->closing))
        (void)pthread_cond_broadcast(&engine->ended);
    lock_drop(&engine->lock);
}

/* The next sweep is due at AT at the latest. */
static void sweep_by(struct http_engine *engine, uint64_t at)
{
    if (at < engine->sweep_at)
        engine->sweep_at = at;
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

/* When a request on the wire ends, or its attempt does, unless bytes come. */
static uint64_t next_end(const struct http_request *request)
{
    return deadline(request) < stall_at(request) ? deadline(request) : stall_at(request);
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
    request->client->stats.results[request->kind][request->fault]++;
    TAILQ_INSERT_TAIL(&engine->delayed, request, link);
    sweep_by(engine, request->not_before);
}

static void enqueue_first(struct http_engine *engine, struct http_request *request)
{
    request->queued_at = clock_ms();
    TAILQ_INSERT_HEAD(&engine->queues[request->fetch_class], request, link);
    sweep_by(engine, deadline(request));
}

static void settle(struct http_engine *engine, struct http_request *request, enum attempt_result result)
{
    switch (result) {
    case ATTEMPT_DONE:
        engine->progress_at = clock_ms();
        http_pace_good(&engine->pace, request->pace_number);
        atomic_store(&engine->allowed, engine->pace.allowed);
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
        atomic_store(&engine->allowed, engine->pace.allowed);
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
    request->client->stats.active--;
}

static void start_one(struct http_engine *engine, struct http_request *request)
{
    request->failure.code = 0;
    excuse_queue(engine, request);
    request->pace_number = http_pace_start(&engine->pace);
    int result = attempt_start(engine, request);
    TAILQ_INSERT_TAIL(&engine->active, request, link);
    engine->active_count++;
    request->client->stats.attempts++;
    request->client->stats.active++;
    sweep_by(engine, next_end(request));
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
            http_stats_answered(&request->client->stats, request);
        leave_wire(engine, request);
        settle(engine, request, result);
    }
}

static bool is_cancelled(struct http_request *request)
{
    return atomic_load(&request->client->closing) ||
           (request->ops->cancelled && request->ops->cancelled(request));
}

static void finish_cancelled(struct http_request *request)
{
    (void)error_errno(&request->failure, ECANCELED, "%s", request->what);
    finish(request, -ECANCELED);
}

/* Ends requests of a waiting list that are cancelled or past their deadline. */
static void sweep_waiting(struct http_engine *engine, struct http_requests *list, uint64_t now)
{
    struct http_request *request;
    struct http_request *next;
    for (request = TAILQ_FIRST(list); request; request = next) {
        next = TAILQ_NEXT(request, link);
        bool gone = is_cancelled(request);
        if (list != &engine->delayed)
            excuse_queue(engine, request);
        if (!gone && now < deadline(request)) {
            sweep_by(engine, list == &engine->delayed ? request->not_before : deadline(request));
            continue;
        }
        TAILQ_REMOVE(list, request, link);
        if (gone)
            finish_cancelled(request);
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
        if (is_cancelled(request)) {
            leave_wire(engine, request);
            finish_cancelled(request);
        } else if (now >= deadline(request)) {
            leave_wire(engine, request);
            fail_timeout(request);
        } else if (now >= stall_at(request)) {
            leave_wire(engine, request);
            request->fault = REQUEST_TIMEOUT;
            retry(engine, request);
        } else {
            sweep_by(engine, next_end(request));
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

/* Ends what is cancelled or late, and has pauses end; only where that may be due. */
static void sweep(struct http_engine *engine, bool look)
{
    uint64_t now = clock_ms();
    if (!look && now < engine->sweep_at)
        return;
    engine->sweep_at = UINT64_MAX;
    move_due(engine, now);
    for (int c = 0; c < FETCH_CLASSES; c++)
        sweep_waiting(engine, &engine->queues[c], now);
    sweep_waiting(engine, &engine->delayed, now);
    sweep_active(engine, now);
}

/* Moves what was submitted to the queues; true when the engine is to stop. */
static bool take_incoming(struct http_engine *engine)
{
    lock_take(&engine->lock);
    struct http_request *request;
    while ((request = TAILQ_FIRST(&engine->incoming))) {
        TAILQ_REMOVE(&engine->incoming, request, link);
        TAILQ_INSERT_TAIL(&engine->queues[request->fetch_class], request, link);
        sweep_by(engine, deadline(request));
    }
    bool stopping = engine->stopping;
    lock_drop(&engine->lock);
    return stopping;
}

/* Milliseconds to wait for curl at most. */
static int patience(const struct http_engine *engine)
{
    uint64_t now = clock_ms();
    uint64_t left = engine->sweep_at > now ? engine->sweep_at - now : 0;
    return left < IDLE_MS ? (int)left : IDLE_MS;
}

void *http_engine_thread(void *context)
{
    struct http_engine *engine = context;
    for (;;) {
        int running;
        bool look =
            atomic_exchange(&engine->look, false); /* before incoming, which may hold what was cancelled */
        if (take_incoming(engine))
            break;
        start_ready(engine);
        lock_assert_none("drives transfers");
        (void)curl_multi_perform(engine->multi, &running);
        collect_ended(engine);
        sweep(engine, look);
        start_ready(engine);
        (void)curl_multi_poll(engine->multi, NULL, 0, patience(engine), NULL);
    }
    return NULL;
}
