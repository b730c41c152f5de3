/* Counters of the HTTP engine; see http_stats.h. */
#include "http/http_stats.h"

#include <errno.h>

#include "base/clock.h"
#include "http/http.h"

/* Nothing else hangs on the order in which the counters are seen. */
static void add(_Atomic uint64_t *counter, uint64_t value)
{
    (void)atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void http_stats_submitted(struct http_stats *stats)
{
    add(&stats->open, 1);
}

void http_stats_started(struct http_stats *stats)
{
    add(&stats->attempts, 1);
    add(&stats->active, 1);
}

void http_stats_left(struct http_stats *stats)
{
    (void)atomic_fetch_sub_explicit(&stats->active, 1, memory_order_relaxed);
}

void http_stats_bytes(struct http_stats *stats, size_t len)
{
    add(&stats->bytes, len);
}

void http_stats_answered(struct http_stats *stats, const struct http_request *request)
{
    curl_off_t us;
    if (curl_easy_getinfo(request->easy, CURLINFO_STARTTRANSFER_TIME_T, &us) == CURLE_OK && us >= 0)
        histogram_add(&stats->first_byte, (uint64_t)us);
}

void http_stats_retried(struct http_stats *stats, const struct http_request *request)
{
    add(&stats->results[request->kind][request->fault], 1);
}

static enum request_result result_of(int result)
{
    switch (-result) {
    case 0:
        return REQUEST_OK;
    case EACCES:
        return REQUEST_DENIED;
    case ENOENT:
        return REQUEST_MISSING;
    case ESTALE:
        return REQUEST_CHANGED;
    case ECANCELED:
        return REQUEST_CANCELLED;
    default:
        return REQUEST_FAILED;
    }
}

void http_stats_ended(struct http_stats *stats, const struct http_request *request, int result)
{
    add(&stats->results[request->kind][result_of(result)], 1);
    if (result == 0)
        histogram_add(&stats->whole, clock_us() - request->submitted_us);
    (void)atomic_fetch_sub_explicit(&stats->open, 1, memory_order_relaxed);
}

void http_stats_read(const struct http_stats *stats, struct request_stats *ret_stats)
{
    uint64_t open = load(&stats->open);
    for (int kind = 0; kind < REQUEST_KINDS; kind++)
        for (int result = 0; result < REQUEST_RESULTS; result++)
            ret_stats->results[kind][result] = load(&stats->results[kind][result]);
    ret_stats->attempts = load(&stats->attempts);
    ret_stats->bytes = load(&stats->bytes);
    ret_stats->active = (unsigned)load(&stats->active);
    ret_stats->waiting = open > ret_stats->active ? open - ret_stats->active : 0;
    histogram_copy(&stats->first_byte, &ret_stats->first_byte);
    histogram_copy(&stats->whole, &ret_stats->whole);
}
