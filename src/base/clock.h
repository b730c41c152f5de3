/* Monotonic time in milliseconds. */
#ifndef RUNFS_BASE_CLOCK_H
#define RUNFS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic milliseconds since an arbitrary start. */
uint64_t clock_ms(void);

/* The same clock in microseconds. */
uint64_t clock_us(void);

/* Milliseconds since 1970 UTC: for what outlives the process. */
uint64_t clock_real_ms(void);

/* The absolute CLOCK_MONOTONIC time of MS (of clock_ms), for pthread_cond_clockwait. */
struct timespec clock_timespec(uint64_t ms);

/* How often a wait looks at its cancel flag, in milliseconds. */
#define WAIT_SLICE_MS 200

#endif
