/* Counts values on a logarithmic scale, four steps to a power of two, to tell percentiles of latencies: what one
   thread adds, any thread may read, without a lock. */
#ifndef RUNFS_BASE_HISTOGRAM_H
#define RUNFS_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 128 /* values from 2^33 on, hours in microseconds, share the last */

/* All zeros is an empty one. */
struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
};

struct percentiles {
    uint64_t p50;
    uint64_t p90;
    uint64_t p99;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* Copies what has been counted so far. RET_COPY is the caller's alone. */
void histogram_copy(const struct histogram *histogram, struct histogram *ret_copy);

/* How many values were added. */
uint64_t histogram_count(const struct histogram *histogram);

/* The value that PERCENT (1 to 100) of the values do not exceed, at most a quarter too high; 0 where there is none. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

/* Three of them at once. */
struct percentiles histogram_percentiles(const struct histogram *histogram);

#endif
