/* Counters of the HTTP engine; see http_stats.h. */
#include "http/http_stats.h"

#include <errno.h>

#include "base/clock.h"
#include "http/http.h"

void http_stats_answered(struct http_stats *stats, const struct http_request *request)
{
    curl_off_t us;
    if (curl_easy_getinfo(request->easy, CURLINFO_STARTTRANSFER_TIME_T, &us) == CURLE_OK && us >= 0)
        histogram_add(&stats->first_byte, (uint64_t)us);
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
    stats->results[request->kind][result_of(result)]++;
    stats->open--;
    if (result == 0)
        histogram_add(&stats->whole, clock_us() - request->submitted_us);
}

void http_stats_read(const struct http_stats *stats, struct request_stats *ret_stats)
{
    uint64_t open = stats->open;
    for (int kind = 0; kind < REQUEST_KINDS; kind++)
        for (int result = 0; result < REQUEST_RESULTS; result++)
            ret_stats->results[kind][result] = stats->results[kind][result];
    ret_stats->attempts = stats->attempts;
    ret_stats->bytes = stats->bytes;
    ret_stats->active = (unsigned)stats->active;
    ret_stats->waiting = open > ret_stats->active ? open - ret_stats->active : 0;
    histogram_copy(&stats->first_byte, &ret_stats->first_byte);
    histogram_copy(&stats->whole, &ret_stats->whole);
}
