/* Inside of the HTTP engine, shared by http.c (queues and deadlines), http_attempt.c (one attempt on the wire) and
   http_client.c (what other threads call). */
#ifndef RUNFS_HTTP_HTTP_ENGINE_H
#define RUNFS_HTTP_HTTP_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "http/http.h"
#include "http/http_pace.h"
#include "http/http_stats.h"

TAILQ_HEAD(http_requests, http_request);

struct http_engine {
    CURLM *multi;
    pthread_t thread;
    char *ca_bundle; /* owned, may be NULL */
    unsigned connections;
    atomic_uint allowed; /* as the pace says */
    atomic_bool look;    /* requests may have been cancelled */

    struct lock lock;              /* guards incoming, stopping, and each client's count */
    struct http_requests incoming; /* submitted, not yet seen by the thread */
    bool stopping;
    pthread_cond_t ended; /* the last request of a client that is being closed */

    /* The thread's own. */
    struct http_requests queues[FETCH_CLASSES]; /* ready to start */
    struct http_requests delayed;               /* backing off */
    struct http_requests active;
    unsigned active_count;
    struct http_pace pace; /* how many may be active */
    CURL **idle;           /* handles to use again, up to CONNECTIONS */
    unsigned idle_count;
    uint64_t progress_at; /* clock_ms of the last body byte or whole answer, of any request */
    uint64_t sweep_at;    /* clock_ms when the next deadline, stall or pause may end; UINT64_MAX: none */
    unsigned seed;        /* of the back-off's jitter */
};

struct http_client {
    struct http_engine *engine;
    struct http_stats stats; /* written by the engine's thread, but for OPEN; read by any */
    uint64_t count;          /* requests whose done() has not returned; guarded by the engine's lock */
    atomic_bool closing;
};

enum attempt_result { ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_RETRY, ATTEMPT_THROTTLED, ATTEMPT_AGAIN };

/* Puts the request on the wire. 0, or -errno with request->failure set. */
int attempt_start(struct http_engine *engine, struct http_request *request);

/* Takes the request off the wire and frees what the attempt held. */
void attempt_stop(struct http_engine *engine, struct http_request *request);

/* Judges an attempt that curl has ended with CODE; request->failure says why where it is not ATTEMPT_DONE.
   Before attempt_stop(). */
enum attempt_result attempt_judge(struct http_request *request, CURLcode code);

/* The thread: runs until the engine stops. */
void *http_engine_thread(void *engine);

#endif
