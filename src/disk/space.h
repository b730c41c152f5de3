/* How much of the disk the cache takes, counted together by all processes that use it. Whoever wants to write reserves
   first, a batch at a time, so that the limit holds whatever is under way.

   DIR/space: "runfsspc", the bytes taken, the generation of the count (8 each, little-endian), XXH3-64 of those 24 bytes.
   A count that is missing or wrong is made anew from the files, and so it is where something is evicted; that begins a new
   generation. What a process had reserved before is not in the new count, so it reserves anew; what one had that was killed
   stays counted until then. Byte 0 of the file is locked while the count is read and written, byte 1 during an eviction.

   Evictions run on a thread of the space. It begins before the limit is reached, so that a reservation rarely has to wait.
   One that cannot be granted waits for the eviction, or for another process, a fixed time after that began, and fails at
   once from then on. */
#ifndef RUNFS_DISK_SPACE_H
#define RUNFS_DISK_SPACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"

/* What the space is for: counts, and where necessary evicts, what lies in the directory. TARGET is how many bytes may
   stay; *RET_TAKEN how many are taken then. Other processes may write during the walk. -ECANCELED where CLOSING was set. */
typedef int (*space_evict_fn)(void *context, uint64_t target, uint64_t *ret_taken);

struct space {
    int fd;           /* of the file, owned; -1: nothing can be reserved */
    int directory_fd; /* borrowed: the file system whose free bytes count */
    uint64_t size_max;
    uint64_t free_min;
    space_evict_fn evict;
    void *context;
    _Atomic uint64_t spent; /* used without having been reserved: small things, settled with the next batch */
    atomic_bool closing;    /* an eviction ends early */
    struct lock lock;       /* guards what follows; not held while the file is used */
    pthread_cond_t changed; /* one of the flags below, or EVICTIONS */
    uint64_t reserved;      /* counted in the file and not used up yet */
    uint64_t generation;    /* of the count that holds it */
    bool asking;            /* a thread uses the file */
    bool foreign;           /* another process did not let us use it the last time */
    bool evicting;          /* a thread evicts, or the evictor is about to */
    uint64_t evicting_since;
    uint64_t wanted;    /* the most bytes that a reservation has asked for and not found */
    unsigned evictions; /* that have ended */
    int evict_result;   /* of the last one */
    bool evictor_runs;
    bool evictor_due; /* it has an eviction to begin */
    pthread_t evictor;
};

/* Opens DIR/space. SPACE's other fields are set by the caller. -errno where it cannot be used. */
int space_open(struct space *space, int directory_fd);
void space_close(struct space *space);

/* Makes sure that BYTES may be written: 0, -ENOSPC where there is no room for them, -EAGAIN where an eviction or another
   process takes too long. */
int space_reserve(struct space *space, uint64_t bytes);

/* Something small was written, or BYTES of a reservation were not needed. */
void space_spend(struct space *space, uint64_t bytes);
void space_return(struct space *space, uint64_t bytes);

/* Evicts down to TARGET on the calling thread and counts again. -EAGAIN where another process does so. */
int space_shrink(struct space *space, uint64_t target, uint64_t *ret_before, uint64_t *ret_after);

#endif
