/* The order of locks is checked in debug builds: what breaks it aborts. */
#include "base/lock.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "base/clock.h"

Test(lock, rising_ranks_are_right_and_locks_are_dropped_in_any_order)
{
    struct lock tree;
    struct lock cache;
    struct rwlock disk;
    lock_init(&tree, LOCK_TREE);
    lock_init(&cache, LOCK_CACHE);
    rwlock_init(&disk, LOCK_DISK);
    for (int i = 0; i < 3; i++) {
        lock_take(&tree);
        lock_take(&cache);
        rwlock_take_read(&disk);
        lock_drop(&tree);
        rwlock_drop(&disk);
        lock_drop(&cache);
        lock_assert_none("a test");
    }
    rwlock_take_write(&disk);
    rwlock_drop(&disk);
    lock_done(&tree);
    lock_done(&cache);
    rwlock_done(&disk);
}

Test(lock, a_wait_ends_at_its_time)
{
    static struct lock lock = LOCK_INIT(LOCK_RUN);
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    uint64_t until = clock_ms() + 20;
    lock_take(&lock);
    while (lock_wait_until(&lock, &condition, until))
        ;
    lock_drop(&lock);
    cr_assert_geq(clock_ms(), until);
}

#ifdef RUNFS_CHECKS /* the checks of debug builds */

#define ABORTS .signal = SIGABRT

Test(lock, a_lower_rank_aborts, ABORTS)
{
    static struct lock tree = LOCK_INIT(LOCK_TREE);
    static struct lock cache = LOCK_INIT(LOCK_CACHE);
    lock_take(&cache);
    lock_take(&tree);
}

Test(lock, two_of_one_rank_abort, ABORTS)
{
    static struct lock first = LOCK_INIT(LOCK_LEAF);
    static struct lock second = LOCK_INIT(LOCK_LEAF);
    lock_take(&first);
    lock_take(&second);
}

Test(lock, dropping_what_is_not_held_aborts, ABORTS)
{
    static struct lock lock = LOCK_INIT(LOCK_LEAF);
    pthread_mutex_lock(&lock.mutex);
    lock_drop(&lock);
}

Test(lock, waiting_under_another_lock_aborts, ABORTS)
{
    static struct lock tree = LOCK_INIT(LOCK_TREE);
    static struct lock cache = LOCK_INIT(LOCK_CACHE);
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    lock_take(&tree);
    lock_take(&cache);
    (void)lock_wait_until(&cache, &condition, clock_ms());
}

Test(lock, a_blocking_call_under_a_lock_aborts, ABORTS)
{
    static struct lock lock = LOCK_INIT(LOCK_RUN);
    lock_assert_none("a test");
    lock_take(&lock);
    lock_assert_none("a test");
}

#endif
