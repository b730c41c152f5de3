/* Waits and their cancelling. A waiter registers its lock and condition with the flags that may end its wait; the one who
   sets a flag pins a waiter, so that it stays, and signals under the waiter's lock, so that no wake-up is lost. */
#include "base/wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A thread inside of wait_on(), on its stack; guarded by the flag's lock. */
struct waiter {
    LIST_ENTRY(waiter) link;
    struct lock *lock;
    pthread_cond_t *condition;
    bool woken;
    bool pinned;
};

#ifdef RUNFS_CHECKS
static _Thread_local bool forbidden;

void wait_forbid(bool forbid)
{
    forbidden = forbid;
}

void assert_may_wait(const char *what)
{
    if (!forbidden)
        return;
    (void)fprintf(stderr, "a thread that serves the kernel must not wait: %s\n", what);
    abort();
}
#endif

void cancel_init(struct cancel *cancel)
{
    *cancel = (struct cancel)CANCEL_INIT;
}

void cancel_done(struct cancel *cancel)
{
    (void)pthread_cond_destroy(&cancel->unpinned);
    lock_done(&cancel->lock);
}

static struct waiter *next_to_wake(struct cancel *cancel)
{
    struct waiter *waiter;
    LIST_FOREACH(waiter, &cancel->waiters, link)
    if (!waiter->woken)
        break;
    return waiter;
}

void cancel_request(struct cancel *cancel)
{
    struct waiter *waiter;
    lock_assert_none("cancels waits");
    lock_take(&cancel->lock);
    atomic_store(&cancel->requested, true);
    while ((waiter = next_to_wake(cancel))) {
        waiter->woken = waiter->pinned = true;
        lock_drop(&cancel->lock);
        lock_take(waiter->lock);
        (void)pthread_cond_broadcast(waiter->condition);
        lock_drop(waiter->lock);
        lock_take(&cancel->lock);
        waiter->pinned = false;
        (void)pthread_cond_broadcast(&cancel->unpinned);
    }
    lock_drop(&cancel->lock);
}

/* Registers WAITER; false where the flag is set already. */
static bool waiter_enter(struct cancel *cancel, struct waiter *waiter)
{
    lock_take(&cancel->lock);
    bool requested = cancel_requested(cancel);
    waiter->woken = requested;
    LIST_INSERT_HEAD(&cancel->waiters, waiter, link);
    lock_drop(&cancel->lock);
    return !requested;
}

/* Drops and retakes the waiter's lock where the thread that wakes it still needs that. */
static void waiter_leave(struct cancel *cancel, struct waiter *waiter)
{
    bool dropped = false;
    lock_take(&cancel->lock);
    LIST_REMOVE(waiter, link);
    if (waiter->pinned) {
        lock_drop(waiter->lock);
        dropped = true;
    }
    while (waiter->pinned)
        lock_wait(&cancel->lock, &cancel->unpinned);
    lock_drop(&cancel->lock);
    if (dropped)
        lock_take(waiter->lock);
}

int wait_on(const struct wait *wait, struct lock *lock, pthread_cond_t *condition, uint64_t until_ms)
{
    struct cancel *cancels[] = {wait->cancelled, wait->shutdown};
    struct waiter waiters[2];
    bool may_wait = true;
    bool in_time = true;
    assert_may_wait("a condition");
    for (unsigned i = 0; i < 2; i++) {
        waiters[i] = (struct waiter){.lock = lock, .condition = condition};
        if (cancels[i])
            may_wait = waiter_enter(cancels[i], &waiters[i]) && may_wait;
    }
    if (may_wait)
        in_time = lock_wait_until(lock, condition, until_ms);
    for (unsigned i = 0; i < 2; i++)
        if (cancels[i])
            waiter_leave(cancels[i], &waiters[i]);
    if (wait_cancelled(wait))
        return -EINTR;
    return in_time ? 0 : -ETIMEDOUT;
}

uint64_t wait_deadline(const struct wait *wait, uint64_t progress_at_ms)
{
    uint64_t since = wait->since_ms ? wait->since_ms : clock_ms();
    if (progress_at_ms > since)
        since = progress_at_ms;
    return since > UINT64_MAX - wait->timeout_ms ? UINT64_MAX : since + wait->timeout_ms;
}
