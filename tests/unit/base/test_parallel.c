/* The same work on many things at once: each is done, once, by no more threads than were asked for. */
#include "base/parallel.h"

#include <signal.h>

#include <stdatomic.h>
#include <unistd.h>

#include "base/wait.h"
#include "testing.h"

#define WORK 1000

static atomic_uint done[WORK];
static atomic_uint busy;
static atomic_uint most;

static void work(void *context, size_t index)
{
    cr_assert_eq(context, done);
    unsigned now = atomic_fetch_add(&busy, 1) + 1;
    unsigned before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        continue;
    atomic_fetch_add(&done[index], 1);
    (void)usleep(100);
    atomic_fetch_sub(&busy, 1);
}

static void check(size_t count, unsigned threads)
{
    parallel_each(count, threads, work, done);
    for (size_t i = 0; i < WORK; i++)
        cr_assert_eq(atomic_load(&done[i]), i < count, "%zu of %zu", i, count);
    cr_assert_leq(atomic_load(&most), threads ? threads : 1);
}

Test(parallel, does_each_once)
{
    check(WORK, 8);
    cr_assert_gt(atomic_load(&most), 1);
}

Test(parallel, one_thread_is_the_callers)
{
    check(20, 1);
}

Test(parallel, nothing_is_nothing)
{
    check(0, 0);
}

static void wait_for_all(void *context, size_t index)
{
    (void)context, (void)index;
    atomic_fetch_add(&busy, 1);
    wait_until(atomic_load(&busy) == 3);
}

Test(parallel, few_things_are_all_done_at_once)
{
    parallel_each(3, PARALLEL_MAX, wait_for_all, NULL);
}

#ifdef RUNFS_CHECKS
Test(parallel, work_under_a_lock_aborts, .signal = SIGABRT)
{
    static struct lock lock = LOCK_INIT(LOCK_LEAF);
    lock_take(&lock);
    parallel_each(1, 1, wait_for_all, NULL);
}

Test(parallel, work_by_a_thread_that_must_not_wait_aborts, .signal = SIGABRT)
{
    wait_forbid(true);
    parallel_each(1, 1, wait_for_all, NULL);
}
#endif
