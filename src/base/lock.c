/* Ranked locks. In debug builds each thread keeps the locks that it holds in a small array, in the order of taking. */
#include "base/lock.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#ifdef RUNFS_CHECKS
#define HELD_MAX 16

struct held {
    const void *lock;
    enum lock_rank rank;
};

static _Thread_local struct held held[HELD_MAX];
static _Thread_local unsigned held_count;

static const char *rank_name(enum lock_rank rank)
{
    static const char *const names[] = {"runs",  "run",  "composite", "tree", "archive", "archives",
                                        "cache", "disk", "space",     "leaf", "cancel"};
    return names[rank];
}

static void note_taken(const void *lock, enum lock_rank rank)
{
    if (held_count && held[held_count - 1].rank >= rank) {
        (void)fprintf(stderr, "lock order: takes '%s' while it holds '%s'\n", rank_name(rank),
                      rank_name(held[held_count - 1].rank));
        abort();
    }
    if (held_count == HELD_MAX)
        abort();
    held[held_count++] = (struct held){lock, rank};
}

/* Locks may be dropped in any order. */
static void note_dropped(const void *lock)
{
    unsigned i = held_count;
    while (i > 0 && held[i - 1].lock != lock)
        i--;
    if (i == 0) {
        (void)fprintf(stderr, "lock order: drops a lock that this thread does not hold\n");
        abort();
    }
    for (; i < held_count; i++)
        held[i - 1] = held[i];
    held_count--;
}

static void check_only_one_held(const struct lock *lock)
{
    if (held_count == 1 && held[0].lock == lock)
        return;
    (void)fprintf(stderr, "lock order: waits under '%s' while it holds %u locks\n", rank_name(lock->rank),
                  held_count);
    abort();
}

void lock_assert_none(const char *what)
{
    if (!held_count)
        return;
    (void)fprintf(stderr, "lock order: %s while it holds '%s'\n", what, rank_name(held[held_count - 1].rank));
    abort();
}
#else
static inline void note_taken(const void *lock, enum lock_rank rank)
{
    (void)lock, (void)rank;
}

static inline void note_dropped(const void *lock)
{
    (void)lock;
}

static inline void check_only_one_held(const struct lock *lock)
{
    (void)lock;
}
#endif

/* Errors of these calls are programmers' errors. */
static void must(int code)
{
    if (code)
        abort();
}

void lock_init(struct lock *lock, enum lock_rank rank)
{
    lock->rank = rank;
    must(pthread_mutex_init(&lock->mutex, NULL));
}

void lock_done(struct lock *lock)
{
    (void)pthread_mutex_destroy(&lock->mutex);
}

void lock_take(struct lock *lock)
{
    note_taken(lock, lock->rank);
    must(pthread_mutex_lock(&lock->mutex));
}

void lock_drop(struct lock *lock)
{
    must(pthread_mutex_unlock(&lock->mutex));
    note_dropped(lock);
}

void lock_wait(struct lock *lock, pthread_cond_t *condition)
{
    check_only_one_held(lock);
    must(pthread_cond_wait(condition, &lock->mutex));
}

bool lock_wait_until(struct lock *lock, pthread_cond_t *condition, uint64_t until_ms)
{
    if (until_ms == UINT64_MAX) {
        lock_wait(lock, condition);
        return true;
    }
    struct timespec until = clock_timespec(until_ms);
    check_only_one_held(lock);
    (void)pthread_cond_clockwait(condition, &lock->mutex, CLOCK_MONOTONIC, &until);
    return clock_ms() < until_ms;
}

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
    pthread_rwlockattr_t attributes;
    lock->rank = rank;
    must(pthread_rwlockattr_init(&attributes));
    must(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    must(pthread_rwlock_init(&lock->lock, &attributes));
    (void)pthread_rwlockattr_destroy(&attributes);
}

void rwlock_done(struct rwlock *lock)
{
    (void)pthread_rwlock_destroy(&lock->lock);
}

void rwlock_take_read(struct rwlock *lock)
{
    note_taken(lock, lock->rank);
    must(pthread_rwlock_rdlock(&lock->lock));
}

void rwlock_take_write(struct rwlock *lock)
{
    note_taken(lock, lock->rank);
    must(pthread_rwlock_wrlock(&lock->lock));
}

void rwlock_drop(struct rwlock *lock)
{
    must(pthread_rwlock_unlock(&lock->lock));
    note_dropped(lock);
}
