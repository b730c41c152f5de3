/* Mutexes and read-write locks with ranks. A thread takes locks in rising order of their ranks and never holds two of one
   rank; the checks are compiled into debug builds (RUNFS_CHECKS) and abort with both names. No lock is held over I/O,
   callbacks, joins or notifications to the kernel: functions that do these call lock_assert_none(). */
#ifndef RUNFS_BASE_LOCK_H
#define RUNFS_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The order, outermost first. */
enum lock_rank {
    LOCK_RUNS,     /* the registry of runs of a mount */
    LOCK_RUN,      /* one run of it */
    LOCK_TREE,     /* the nodes of a run */
    LOCK_ARCHIVE,  /* one archive in use */
    LOCK_ARCHIVES, /* the registry of archives, and their slots */
    LOCK_CACHE,    /* the blocks in memory */
    LOCK_DISK,     /* the open cache directory and its objects */
    LOCK_SPACE,    /* what the cache directory may take */
    LOCK_LEAF,     /* under which no other lock is taken but ... */
    LOCK_CANCEL,   /* ... that of a flag that ends waits */
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

/* Initializes LOCK; cannot fail. lock_done() frees it. */
void lock_init(struct lock *lock, enum lock_rank rank);
void lock_done(struct lock *lock);

void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

/* For static storage. */
#define LOCK_INIT(rank)                                                                                      \
    {                                                                                                        \
        PTHREAD_MUTEX_INITIALIZER, rank                                                                      \
    }

/* Waits for a signal of CONDITION; drops and retakes LOCK, the only one that the thread holds. */
void lock_wait(struct lock *lock, pthread_cond_t *condition);

/* Likewise until UNTIL_MS of clock_ms() at the latest (UINT64_MAX: no limit); false where that time has come. */
bool lock_wait_until(struct lock *lock, pthread_cond_t *condition, uint64_t until_ms);

/* A read-write lock that prefers writers. */
struct rwlock {
    pthread_rwlock_t lock;
    enum lock_rank rank;
};

void rwlock_init(struct rwlock *lock, enum lock_rank rank);
void rwlock_done(struct rwlock *lock);
void rwlock_take_read(struct rwlock *lock);
void rwlock_take_write(struct rwlock *lock);
void rwlock_drop(struct rwlock *lock);

/* Aborts, in debug builds, where the calling thread holds a ranked lock. WHAT it is about to do is in the message. */
#ifdef RUNFS_CHECKS
void lock_assert_none(const char *what);
#else
static inline void lock_assert_none(const char *what)
{
    (void)what;
}
#endif

#endif
