#include "base/histogram.h"

#include <stddef.h>

#define STEP_BITS 2 /* 1 << STEP_BITS buckets to a power of two; values below that have one each */
#define STEPS     (1U << STEP_BITS)

static size_t bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (size_t)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    size_t bucket =
        (size_t)(power - STEP_BITS + 1) * STEPS + (size_t)(value >> (power - STEP_BITS) & (STEPS - 1));
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The greatest value of a bucket. */
static uint64_t greatest_of(size_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    size_t shift = bucket / STEPS - 1;
    return ((STEPS + bucket % STEPS + 1) << shift) - 1;
}

static uint64_t count_of(const struct histogram *histogram, size_t bucket)
{
    return atomic_load_explicit(&histogram->counts[bucket], memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    (void)atomic_fetch_add_explicit(&histogram->counts[bucket_of(value)], 1, memory_order_relaxed);
}

void histogram_copy(const struct histogram *histogram, struct histogram *ret_copy)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        atomic_store_explicit(&ret_copy->counts[i], count_of(histogram, i), memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += count_of(histogram, i);
    return count;
}

/* A value that is added meanwhile is counted or not: no percentile is that exact. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    uint64_t count = histogram_count(histogram);
    uint64_t wanted = count / 100 * percent + (count % 100 * percent + 99) / 100;
    uint64_t seen = 0;
    size_t last = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && seen < wanted; i++) {
        seen += count_of(histogram, i);
        last = i;
    }
    return greatest_of(last);
}

struct percentiles histogram_percentiles(const struct histogram *histogram)
{
    return (struct percentiles){
        .p50 = histogram_percentile(histogram, 50),
        .p90 = histogram_percentile(histogram, 90),
        .p99 = histogram_percentile(histogram, 99),
    };
}
