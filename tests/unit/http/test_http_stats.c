/* What the HTTP engine counts, and what is told of it. */
#include "http/http_stats.h"

#include <errno.h>

#include "base/clock.h"
#include "http/http.h"
#include "testing.h"

static struct http_stats stats;
static struct request_stats told;

Test(http_stats, results_are_told_apart)
{
    static const struct {
        int result;
        enum request_result told;
    } cases[] = {
        {0, REQUEST_OK},
        {-EACCES, REQUEST_DENIED},
        {-ENOENT, REQUEST_MISSING},
        {-ESTALE, REQUEST_CHANGED},
        {-ECANCELED, REQUEST_CANCELLED},
        {-EIO, REQUEST_FAILED},
        {-ETIMEDOUT, REQUEST_FAILED},
        {-ENOMEM, REQUEST_FAILED},
    };
    struct http_request request = {.kind = REQUEST_GET};
    for (size_t i = 0; i < COUNT(cases); i++) {
        http_stats_read(&stats, &told);
        uint64_t before = told.results[REQUEST_GET][cases[i].told];
        stats.open++;
        http_stats_ended(&stats, &request, cases[i].result);
        http_stats_read(&stats, &told);
        cr_assert_eq(told.results[REQUEST_GET][cases[i].told], before + 1, "%d", cases[i].result);
        cr_assert_eq(told.results[REQUEST_LIST][cases[i].told], 0);
    }
}

Test(http_stats, requests_wait_run_and_end)
{
    struct http_request request = {.kind = REQUEST_LIST, .submitted_us = clock_us()};
    stats.open = 3;
    stats.attempts = stats.active = 2;
    http_stats_read(&stats, &told);
    cr_assert_eq(told.waiting, 1);
    cr_assert_eq(told.active, 2);
    cr_assert_eq(told.attempts, 2);
    stats.active--;
    http_stats_ended(&stats, &request, 0);
    http_stats_read(&stats, &told);
    cr_assert_eq(told.waiting, 1);
    cr_assert_eq(told.active, 1);
}

Test(http_stats, only_what_ended_well_has_a_latency)
{
    struct http_request request = {.kind = REQUEST_GET, .submitted_us = clock_us() - 1000000};
    http_stats_ended(&stats, &request, -EIO);
    http_stats_read(&stats, &told);
    cr_assert_eq(histogram_count(&told.whole), 0);
    http_stats_ended(&stats, &request, 0);
    http_stats_read(&stats, &told);
    cr_assert_eq(histogram_count(&told.whole), 1);
    cr_assert_geq(histogram_percentiles(&told.whole).p50, 1000000);
}
