/* The HTTP engine: one thread drives all requests to one server with curl's multi interface, over a bounded number of
   kept-alive connections (fewer while the server asks for less), with two classes of urgency, retries and
   deadlines. Each of its clients has requests and statistics of its own. It knows nothing of S3. */
#ifndef RUNFS_HTTP_HTTP_H
#define RUNFS_HTTP_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "http/request.h"

#define HTTP_ERROR_BODY_MAX 8192

struct http_engine;
struct http_client;
struct http_request;

/* The answer's head, and for a refusal the start of its body. Strings are "" where a header is missing. */
struct http_response {
    long status;
    char etag[256]; /* without quotes and "W/" */
    char content_range[96];
    char region[64];                /* x-amz-bucket-region */
    int64_t content_length;         /* -1 where unknown */
    uint64_t retry_after_ms;        /* 0 where not said */
    char body[HTTP_ERROR_BODY_MAX]; /* of a refusal, NUL-terminated */
    size_t body_len;
};

/* What to do after a refusal (any status but 200 and 206). */
enum http_verdict {
    HTTP_FAIL,      /* it is an answer: done() with the error set */
    HTTP_RETRY,     /* it may pass: again after a back-off */
    HTTP_THROTTLED, /* the same, and the server asks for less: fewer requests at once from now on */
    HTTP_AGAIN,     /* the request has been mended: again at once */
};

/* All callbacks run on the engine's thread and must not block. */
struct http_request_ops {
    /* Fills in URL, range, signing: before each attempt. HEADERS is the engine's list to append to, freed by
     * it. */
    int (*prepare)(struct http_request *request, CURL *easy, struct curl_slist **headers, struct error *err);
    /* A 200 or 206 has begun: check its head. A failure ends the request, or with -EAGAIN tries again. */
    int (*begin)(struct http_request *request, const struct http_response *response, struct error *err);
    /* Bytes of a 200 or 206. Failures as in begin(). */
    int (*data)(struct http_request *request, const void *bytes, size_t len, struct error *err);
    /* The body has ended well as far as HTTP goes: is it whole? Failures as in begin(). May be NULL. */
    int (*end)(struct http_request *request, struct error *err);
    /* Any other status: a verdict, with ERR set for all but HTTP_AGAIN. */
    enum http_verdict (*refused)(struct http_request *request, const struct http_response *response,
                                 struct error *err);
    /* Whether its caller has given the request up, who calls http_wake() after that; may be NULL. */
    bool (*cancelled)(struct http_request *request);
    bool (*urgent)(struct http_request *request); /* a reader waits for it now; may be NULL */
    /* Exactly once, last: the request may be freed here. */
    void (*done)(struct http_request *request, int result, const struct error *err);
};

/* Embedded as the first member of each kind of request. The caller sets the first six fields, zeroes the
 * others. */
struct http_request {
    const struct http_request_ops *ops;
    enum fetch_class fetch_class;
    enum request_kind kind; /* for the statistics */
    const char *what;    /* names the request in errors, such as its s3:// address; borrowed until done() */
    uint64_t timeout_ms; /* the request fails when it makes no progress for so long */
    uint64_t since_ms;   /* clock_ms when its caller began to wait; 0: the submission */

    /* The engine's own. */
    struct http_client *client;
    TAILQ_ENTRY(http_request) link;
    CURL *easy; /* while an attempt runs */
    struct curl_slist *headers;
    struct http_response *response;
    struct error failure; /* why the last attempt failed */
    char curl_error[CURL_ERROR_SIZE];
    uint64_t progress_at;    /* clock_ms of the last body byte, at first since_ms */
    uint64_t attempt_at;     /* clock_ms of the attempt's start or its last byte */
    uint64_t retry_after_ms; /* what the last refusal asked for, 0: nothing */
    uint64_t not_before;     /* clock_ms before which a retry must not start */
    uint64_t queued_at;      /* clock_ms since when it waits in a queue for others to end */
    uint64_t pace_number;    /* of the attempt, for http_pace */
    uint64_t submitted_us;   /* clock_us */
    size_t unnoticed;        /* body bytes since progress was last noticed */
    unsigned attempts;
    enum request_result fault; /* why the last attempt is tried again */
    int abort_code;            /* set by a callback that ended the attempt, negative errno */
    bool begun;                /* this attempt's head has been accepted */
};

struct http_config {
    unsigned connections;  /* at most so many at once */
    const char *ca_bundle; /* file of trusted certificates, NULL for the system's; copied */
};

/* Starts the engine's thread. */
int http_engine_open(const struct http_config *config, struct http_engine **ret_engine, struct error *err);

/* Joins the thread and frees the engine, which has no client any more; NULL is allowed. */
void http_engine_close(struct http_engine *engine);

/* A client of ENGINE, to be closed before that. */
int http_client_open(struct http_engine *engine, struct http_client **ret_client, struct error *err);

/* Ends the client's requests with -ECANCELED, waits until done() has returned for all of them, and frees the client; NULL
   is allowed. Requests of other clients go on. */
void http_client_close(struct http_client *client);

/* Queues a request; done() follows exactly once, on the engine's thread, or before this returns with -ECANCELED where the
   client is being closed. Not with locks that done() takes. Thread-safe. */
void http_submit(struct http_client *client, struct http_request *request);

/* For callbacks: the header NAME of the answer, cut to SIZE bytes; "" where it is missing. */
void http_header_get(const struct http_request *request, const char *name, char *text, size_t size);

/* For prepare(): appends a header line. 0 or -ENOMEM; the line is wiped, for it may hold a secret. */
int http_header_add(struct curl_slist **headers, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Has the engine ask its requests whether they are cancelled. Thread-safe; waits for nothing. */
void http_wake(struct http_client *client);

/* What became of the client's requests so far. Thread-safe; waits for nothing. */
void http_client_stats(struct http_client *client, struct request_stats *ret_stats);

#endif
