/* Waits that end: by what is waited for, by a lack of progress, or by a request to cancel, which wakes the waiter. */
#ifndef RUNFS_BASE_WAIT_H
#define RUNFS_BASE_WAIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/lock.h"

/* A flag that ends waits. Once requested it stays so. Thread-safe. */
struct cancel {
    atomic_bool requested;
    struct lock lock;        /* guards what follows */
    pthread_cond_t unpinned; /* a waiter was woken */
    LIST_HEAD(, waiter) waiters;
};

#define CANCEL_INIT                                                                                          \
    {                                                                                                        \
        .lock = LOCK_INIT(LOCK_CANCEL), .unpinned = PTHREAD_COND_INITIALIZER                                 \
    }

void cancel_init(struct cancel *cancel);

/* Frees; no thread may wait with CANCEL any more. */
void cancel_done(struct cancel *cancel);

/* Sets the flag and wakes all who wait with it. Takes their locks one by one, so the caller must hold none. */
void cancel_request(struct cancel *cancel);

static inline bool cancel_requested(const struct cancel *cancel)
{
    return atomic_load(&cancel->requested);
}

/* What a caller allows. */
struct wait {
    uint64_t timeout_ms;      /* the most time without progress; 0: do not wait, answer -EAGAIN */
    uint64_t since_ms;        /* clock_ms() when the operation arrived, from where its time counts; 0: now */
    struct cancel *cancelled; /* of the operation; may be NULL */
    struct cancel *shutdown;  /* of the session; may be NULL */
};

/* Fewer bytes than these are no progress: a transfer that only trickles counts as stalled. */
#define PROGRESS_BYTES 1024

static inline bool wait_cancelled(const struct wait *wait)
{
    return (wait->cancelled && cancel_requested(wait->cancelled)) ||
           (wait->shutdown && cancel_requested(wait->shutdown));
}

/* When a wait that starts now ends for lack of progress, whose last sign was at PROGRESS_AT_MS (0: none). */
uint64_t wait_deadline(const struct wait *wait, uint64_t progress_at_ms);

/* Waits once for a signal of CONDITION, whose predicate LOCK guards; drops and retakes LOCK. 0 (woken: the caller looks at
   its predicate again), -EINTR (cancelled), -ETIMEDOUT (UNTIL_MS of clock_ms() has come; UINT64_MAX: no limit). */
int wait_on(const struct wait *wait, struct lock *lock, pthread_cond_t *condition, uint64_t until_ms);

/* Threads that serve the kernel must never wait: after wait_forbid(true), assert_may_wait() aborts in the calling thread, in
   debug builds. Functions that wait, read files, join threads or run callbacks of unknown length call it. */
#ifdef RUNFS_CHECKS
void wait_forbid(bool forbid);
void assert_may_wait(const char *what);
#else
static inline void wait_forbid(bool forbid)
{
    (void)forbid;
}
static inline void assert_may_wait(const char *what)
{
    (void)what;
}
#endif

/* Before I/O, joins, callbacks of unknown length: not on such a thread, and under no lock. */
static inline void assert_may_block(const char *what)
{
    assert_may_wait(what);
    lock_assert_none(what);
}

#endif
