/* Monotonic time in milliseconds, and what a waiting caller allows. */
#ifndef RUNFS_BASE_CLOCK_H
#define RUNFS_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
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

/* What whoever waits allows. */
struct wait {
    /* The most time without progress of what is waited for; 0: do not wait, answer -EAGAIN. */
    uint64_t timeout_ms;
    /* clock_ms when the waiting began, where that was before the call; 0: now. */
    uint64_t since_ms;
    /* Once true, the wait ends with -EINTR soon: the waiter's own flag, and one for a whole session. May be
     * NULL. */
    const atomic_bool *cancelled;
    const atomic_bool *shutdown;
};

/* Fewer bytes than these are no progress: a transfer that only trickles counts as stalled. */
#define PROGRESS_BYTES 1024

/* How often a wait looks at its cancel flag, in milliseconds. */
#define WAIT_SLICE_MS 200

/* Whether the waiter has given up. */
static inline bool wait_cancelled(const struct wait *wait)
{
    return (wait->cancelled && atomic_load(wait->cancelled)) ||
           (wait->shutdown && atomic_load(wait->shutdown));
}

#endif
