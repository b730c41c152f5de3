/* Waits end by a signal, by time, or by a flag, which wakes the waiter: nothing here polls. */
#include "base/wait.h"

#include <errno.h>
#include <signal.h>

#include "testing.h"

#define WAITERS 8

/* A thread that waits until VALUE is set, by any of its ways. */
struct waiting {
    pthread_t thread;
    struct wait wait;
    uint64_t until_ms;
    bool value;
    unsigned waits; /* calls of wait_on() */
    int result;
};

static struct lock lock = LOCK_INIT(LOCK_RUN);
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned started; /* guarded by the lock */

static void *wait_for_value(void *context)
{
    struct waiting *waiting = context;
    lock_take(&lock);
    started++;
    while (!waiting->value && waiting->result == 0) {
        waiting->waits++;
        waiting->result = wait_on(&waiting->wait, &lock, &changed, waiting->until_ms);
    }
    lock_drop(&lock);
    return NULL;
}

static void start(struct waiting *waiting)
{
    cr_assert_eq(pthread_create(&waiting->thread, NULL, wait_for_value, waiting), 0);
}

static unsigned started_now(void)
{
    lock_take(&lock);
    unsigned count = started;
    lock_drop(&lock);
    return count;
}

Test(wait, a_flag_wakes_all_who_wait_with_it_and_no_others, .timeout = 60)
{
    struct cancel session = CANCEL_INIT;
    struct cancel own[WAITERS];
    struct waiting waiting[WAITERS];
    for (unsigned i = 0; i < WAITERS; i++) {
        cancel_init(&own[i]);
        waiting[i] = (struct waiting){.wait = {.cancelled = &own[i], .shutdown = i ? &session : NULL},
                                      .until_ms = UINT64_MAX};
        start(&waiting[i]);
    }
    wait_until(started_now() == WAITERS);
    cancel_request(&own[1]);
    (void)pthread_join(waiting[1].thread, NULL);
    cr_assert_eq(waiting[1].result, -EINTR);
    cancel_request(&session);
    for (unsigned i = 2; i < WAITERS; i++) {
        (void)pthread_join(waiting[i].thread, NULL);
        cr_assert_eq(waiting[i].result, -EINTR);
        cancel_done(&own[i]);
    }
    lock_take(&lock);
    cr_assert_eq(waiting[0].result, 0, "it waits on");
    waiting[0].value = true;
    (void)pthread_cond_broadcast(&changed);
    lock_drop(&lock);
    (void)pthread_join(waiting[0].thread, NULL);
    cr_assert_eq(waiting[0].result, 0);
    cancel_done(&session);
}

Test(wait, a_flag_that_is_set_already_ends_the_wait_at_once)
{
    struct cancel cancel = CANCEL_INIT;
    struct wait wait = {.cancelled = &cancel};
    cr_assert_not(wait_cancelled(&wait));
    cancel_request(&cancel);
    cancel_request(&cancel);
    cr_assert(wait_cancelled(&wait));
    lock_take(&lock);
    cr_assert_eq(wait_on(&wait, &lock, &changed, UINT64_MAX), -EINTR);
    lock_drop(&lock);
}

Test(wait, time_ends_a_wait)
{
    struct wait wait = {0};
    lock_take(&lock);
    int result = 0;
    while (result == 0)
        result = wait_on(&wait, &lock, &changed, clock_ms() + 10);
    lock_drop(&lock);
    cr_assert_eq(result, -ETIMEDOUT);
}

static void *request(void *context)
{
    cancel_request(context);
    return NULL;
}

/* The flag is set at any moment of a wait, and freed at once after it. */
Test(wait, no_wake_up_is_lost, .timeout = 120)
{
    for (unsigned round = 0; round < ROUNDS(2000); round++) {
        struct cancel cancel = CANCEL_INIT;
        struct waiting waiting = {.wait = {.cancelled = &cancel}, .until_ms = UINT64_MAX};
        pthread_t requester;
        start(&waiting);
        cr_assert_eq(pthread_create(&requester, NULL, request, &cancel), 0);
        (void)pthread_join(waiting.thread, NULL);
        cr_assert_eq(waiting.result, -EINTR);
        cr_assert_leq(waiting.waits, 1);
        (void)pthread_join(requester, NULL);
        cancel_done(&cancel);
    }
}

Test(wait, progress_moves_the_deadline)
{
    struct wait wait = {.timeout_ms = 100, .since_ms = 1000};
    cr_assert_eq(wait_deadline(&wait, 0), 1100);
    cr_assert_eq(wait_deadline(&wait, 900), 1100);
    cr_assert_eq(wait_deadline(&wait, 1500), 1600);
    wait.timeout_ms = UINT64_MAX;
    cr_assert_eq(wait_deadline(&wait, 0), UINT64_MAX);
}

Test(wait, a_thread_that_must_not_wait_aborts, .signal = SIGABRT)
{
    struct wait wait = {0};
    wait_forbid(true);
    lock_take(&lock);
    (void)wait_on(&wait, &lock, &changed, clock_ms());
}
