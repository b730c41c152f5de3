/* Inside of the HTTP engine, shared by http.c (thread and queues) and http_attempt.c (one attempt on the
 * wire). */
#ifndef RUNFS_HTTP_HTTP_ENGINE_H
#define RUNFS_HTTP_HTTP_ENGINE_H

#include <pthread.h>

#include "http/http.h"
#include "http/http_pace.h"
#include "http/http_stats.h"

TAILQ_HEAD(http_requests, http_request);

struct http_engine {
    CURLM *multi;
    pthread_t thread;
    char *ca_bundle; /* owned, may be NULL */
    unsigned connections;

    struct http_stats stats; /* written by the thread, but for http_stats_submitted(); read by any */

    pthread_mutex_t lock;          /* guards the two below */
    struct http_requests incoming; /* submitted, not yet seen by the thread */
    bool stopping;

    /* The thread's own. */
    struct http_requests queues[FETCH_CLASSES]; /* ready to start */
    struct http_requests delayed;               /* backing off */
    struct http_requests active;
    unsigned active_count;
    struct http_pace pace; /* how many may be active */
    CURL **idle;           /* handles to use again, up to CONNECTIONS */
    unsigned idle_count;
    uint64_t progress_at; /* clock_ms of the last body byte or whole answer, of any request */
    uint64_t swept_at;    /* clock_ms when deadlines were last looked at */
    unsigned seed;        /* of the back-off's jitter */
};

enum attempt_result { ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_RETRY, ATTEMPT_THROTTLED, ATTEMPT_AGAIN };

/* Puts the request on the wire. 0, or -errno with request->failure set. */
int attempt_start(struct http_engine *engine, struct http_request *request);

/* Takes the request off the wire and frees what the attempt held. */
void attempt_stop(struct http_engine *engine, struct http_request *request);

/* Judges an attempt that curl has ended with CODE; request->failure says why where it is not ATTEMPT_DONE.
   Before attempt_stop(). */
enum attempt_result attempt_judge(struct http_request *request, CURLcode code);

#endif
