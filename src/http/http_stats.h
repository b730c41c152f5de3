/* What the HTTP engine counts: its thread, but for OPEN, which grows with a submission. Any thread may read, without waiting. */
#ifndef RUNFS_HTTP_HTTP_STATS_H
#define RUNFS_HTTP_HTTP_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "http/request.h"

struct http_request;

struct http_stats {
    _Atomic uint64_t results[REQUEST_KINDS][REQUEST_RESULTS];
    _Atomic uint64_t attempts;
    _Atomic uint64_t bytes;
    _Atomic uint64_t open; /* requests that have not ended */
    _Atomic uint64_t active;
    struct histogram first_byte;
    struct histogram whole;
};

/* The attempt under way ended well: before it leaves the wire. */
void http_stats_answered(struct http_stats *stats, const struct http_request *request);

/* The request ended with 0 or -errno. */
void http_stats_ended(struct http_stats *stats, const struct http_request *request, int result);

/* All but ret_stats->allowed. */
void http_stats_read(const struct http_stats *stats, struct request_stats *ret_stats);

#endif
