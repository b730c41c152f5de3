/* Percentiles on a logarithmic scale: how exact, which limits, and readers beside the writer. */
#include "base/histogram.h"

#include <pthread.h>

#include "testing.h"

static struct histogram histogram;

Test(histogram, an_empty_one_has_no_percentiles)
{
    struct percentiles found = histogram_percentiles(&histogram);
    cr_assert_eq(histogram_count(&histogram), 0);
    cr_assert_eq(found.p50 | found.p90 | found.p99, 0);
}

/* One value alone is given back, never too low and less than a quarter too high. */
Test(histogram, every_value_is_found_again)
{
    for (uint64_t value = 0; value < (UINT64_C(1) << 33); value += value / 7 + 1) {
        struct histogram one = {0};
        histogram_add(&one, value);
        uint64_t found = histogram_percentile(&one, 50);
        cr_assert(found >= value && found <= value + value / 4, "%lu for %lu", (unsigned long)found,
                  (unsigned long)value);
    }
}

Test(histogram, values_past_the_last_bucket_are_counted_in_it)
{
    histogram_add(&histogram, UINT64_MAX);
    histogram_add(&histogram, UINT64_C(1) << 33);
    histogram_add(&histogram, (UINT64_C(1) << 33) - 1);
    cr_assert_eq(histogram_count(&histogram), 3);
    cr_assert_eq(histogram_percentile(&histogram, 1), (UINT64_C(1) << 33) - 1);
    cr_assert_eq(histogram_percentile(&histogram, 100), (UINT64_C(1) << 33) - 1);
}

Test(histogram, percentiles_are_in_order)
{
    for (uint64_t value = 1; value <= 1000; value++)
        histogram_add(&histogram, value);
    struct percentiles found = histogram_percentiles(&histogram);
    cr_assert(found.p50 >= 500 && found.p50 <= 625);
    cr_assert(found.p90 >= 900 && found.p90 <= 1125);
    cr_assert(found.p99 >= 990 && found.p99 <= 1240);
    cr_assert_eq(histogram_percentile(&histogram, 100), 1023);
}

/* Of a hundred values the 99th percentile is the last but one. */
Test(histogram, one_of_a_hundred_is_above_the_99th)
{
    for (int i = 0; i < 99; i++)
        histogram_add(&histogram, 2);
    histogram_add(&histogram, 1000000);
    struct percentiles found = histogram_percentiles(&histogram);
    cr_assert_eq(found.p50, 2);
    cr_assert_eq(found.p99, 2);
    cr_assert_geq(histogram_percentile(&histogram, 100), 1000000);
}

static void *add_many(void *context)
{
    for (uint64_t i = 0; i < 100000; i++)
        histogram_add(context, i);
    return NULL;
}

Test(histogram, may_be_read_while_another_thread_adds)
{
    pthread_t thread;
    struct histogram copy = {0};
    cr_assert_eq(pthread_create(&thread, NULL, add_many, &histogram), 0);
    uint64_t before = 0;
    for (int i = 0; i < 1000; i++) {
        histogram_copy(&histogram, &copy);
        uint64_t now = histogram_count(&copy);
        cr_assert_geq(now, before);
        before = now;
    }
    cr_assert_eq(pthread_join(thread, NULL), 0);
    histogram_copy(&histogram, &copy);
    cr_assert_eq(histogram_count(&copy), 100000);
}
