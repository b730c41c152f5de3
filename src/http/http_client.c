/* The life of an engine and its clients, and what other threads ask of them; see http.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/wait.h"
#include "http/http_engine.h"

static void engine_free(struct http_engine *engine)
{
    for (unsigned i = 0; i < engine->idle_count; i++)
        curl_easy_cleanup(engine->idle[i]);
    free(engine->idle);
    if (engine->multi)
        (void)curl_multi_cleanup(engine->multi);
    (void)pthread_cond_destroy(&engine->ended);
    lock_done(&engine->lock);
    free(engine->ca_bundle);
    free(engine);
}

static int engine_set_up(struct http_engine *engine, const struct http_config *config)
{
    engine->connections = config->connections;
    http_pace_init(&engine->pace, config->connections);
    atomic_store(&engine->allowed, engine->pace.allowed);
    engine->sweep_at = UINT64_MAX;
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
    lock_init(&engine->lock, LOCK_LEAF);
    (void)pthread_cond_init(&engine->ended, NULL);
    int result = engine_set_up(engine, config);
    if (result == 0)
        result = -thread_create(&engine->thread, 0, http_engine_thread, engine);
    if (result < 0) {
        engine_free(engine);
        return error_errno(err, -result, "HTTP engine");
    }
    *ret_engine = engine;
    return 0;
}

void http_engine_close(struct http_engine *engine)
{
    if (!engine)
        return;
    lock_take(&engine->lock);
    engine->stopping = true;
    lock_drop(&engine->lock);
    (void)curl_multi_wakeup(engine->multi);
    thread_join(engine->thread);
    engine_free(engine);
}

int http_client_open(struct http_engine *engine, struct http_client **ret_client, struct error *err)
{
    struct http_client *client = calloc(1, sizeof *client);
    if (!client)
        return error_errno(err, ENOMEM, "HTTP client");
    client->engine = engine;
    *ret_client = client;
    return 0;
}

void http_client_close(struct http_client *client)
{
    if (!client)
        return;
    struct http_engine *engine = client->engine;
    assert_may_wait("closes an HTTP client");
    lock_take(&engine->lock);
    atomic_store(&client->closing, true);
    lock_drop(&engine->lock);
    http_wake(client);
    lock_take(&engine->lock);
    while (client->count)
        lock_wait(&engine->lock, &engine->ended);
    lock_drop(&engine->lock);
    free(client);
}

void http_submit(struct http_client *client, struct http_request *request)
{
    struct http_engine *engine = client->engine;
    lock_assert_none("submits a request");
    request->client = client;
    request->submitted_us = clock_us();
    request->queued_at = clock_ms();
    request->progress_at = request->since_ms ? request->since_ms : request->queued_at;
    lock_take(&engine->lock);
    bool closing = atomic_load(&client->closing);
    if (!closing) {
        client->count++;
        client->stats.open++;
        TAILQ_INSERT_TAIL(&engine->incoming, request, link);
    }
    lock_drop(&engine->lock);
    if (closing) {
        (void)error_errno(&request->failure, ECANCELED, "%s", request->what);
        request->ops->done(request, -ECANCELED, &request->failure);
        return;
    }
    (void)curl_multi_wakeup(engine->multi);
}

void http_wake(struct http_client *client)
{
    atomic_store(&client->engine->look, true);
    (void)curl_multi_wakeup(client->engine->multi);
}

void http_client_stats(struct http_client *client, struct request_stats *ret_stats)
{
    http_stats_read(&client->stats, ret_stats);
    ret_stats->allowed = atomic_load(&client->engine->allowed);
}
