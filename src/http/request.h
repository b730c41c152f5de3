/* What is said of requests to a server: who waits for one, what it asks for, what became of it; and counts of these. */
#ifndef RUNFS_HTTP_REQUEST_H
#define RUNFS_HTTP_REQUEST_H

#include <stdint.h>

#include "base/histogram.h"

/* Who waits for a fetch; requests of a lower class go first. */
enum fetch_class { FETCH_READ, FETCH_READAHEAD, FETCH_CLASSES };

/* What a store asks its server for. */
enum request_kind {
    REQUEST_LIST, /* a page of a listing */
    REQUEST_GET,  /* a range of an object */
    REQUEST_KINDS
};

/* What became of a request: one of those before REQUEST_RETRIED, or of an attempt that was followed by another one,
 * after a pause. */
enum request_result {
    REQUEST_OK,
    REQUEST_DENIED,
    REQUEST_MISSING,
    REQUEST_CHANGED, /* the object is another one than was listed */
    REQUEST_FAILED,  /* anything else, also the end of its time or its attempts */
    REQUEST_CANCELLED,
    REQUEST_RETRIED,                     /* the first of the reasons for another attempt: */
    REQUEST_THROTTLED = REQUEST_RETRIED, /* the server asks for less */
    REQUEST_SERVER_ERROR,                /* it fails, or its answer is not whole */
    REQUEST_TIMEOUT,                     /* it is silent */
    REQUEST_CONNECTION,                  /* no connection, or a broken one */
    REQUEST_RESULTS
};

/* What a store has done since it was opened, and does now. A snapshot: its parts may be some moments apart. */
struct request_stats {
    uint64_t results[REQUEST_KINDS][REQUEST_RESULTS];
    uint64_t attempts; /* requests on the wire: first ones, retries, and those sent on to another region */
    uint64_t bytes;    /* of bodies, also of attempts that failed */
    uint64_t waiting;  /* requests that wait for a connection, or for another attempt */
    unsigned active;   /* requests on the wire */
    unsigned allowed;  /* requests that may be on the wire at once: fewer while the server asks for less */
    struct histogram
        first_byte;         /* microseconds from the start of an attempt that ended well to its first byte */
    struct histogram whole; /* microseconds from asking for a request that ended well to its end */
};

#endif
