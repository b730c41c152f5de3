/* How much of the disk the cache takes, counted together by all processes that use it. Whoever wants to write reserves
   first, a batch at a time, so that the limit holds whatever is under way.

   DIR/space: "runfsspc", the bytes taken, the generation of the count (8 each, little-endian), XXH3-64 of those 24 bytes.
   A count that is missing or wrong is made anew from the files, and so it is where something is evicted; that begins a new
   generation. What a process had reserved before is not in the new count, so it reserves anew; what one had that was killed
   stays counted until then. */
#ifndef RUNFS_DISK_SPACE_H
#define RUNFS_DISK_SPACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the space is for: counts, and where necessary evicts, what lies in the directory. TARGET is how many bytes may
   stay; *RET_TAKEN how many are taken then. Called with the file locked. */
typedef int (*space_evict_fn)(void *context, uint64_t target, uint64_t *ret_taken);

struct space {
    int fd;           /* of the file, owned; -1: nothing can be reserved */
    int directory_fd; /* borrowed: the file system whose free bytes count */
    uint64_t size_max;
    uint64_t free_min;
    space_evict_fn evict;
    void *context;
    pthread_mutex_t
        lock;            /* guards what follows; held while the file is locked, so that a process asks once */
    uint64_t reserved;   /* counted in the file and not used up yet */
    uint64_t generation; /* of the count that holds it */
    _Atomic uint64_t spent; /* used without having been reserved: small things, settled with the next batch */
};

/* Opens DIR/space. SPACE's other fields are set by the caller. -errno where it cannot be used. */
int space_open(struct space *space, int directory_fd);
void space_close(struct space *space);

/* Makes sure that BYTES may be written: 0, -ENOSPC where there is no room for them, -EAGAIN where other processes do not
   let us ask. */
int space_reserve(struct space *space, uint64_t bytes);

/* Something small was written, or BYTES of a reservation were not needed. */
void space_spend(struct space *space, uint64_t bytes);
void space_return(struct space *space, uint64_t bytes);

/* Evicts down to TARGET and counts anew. -EAGAIN as above. */
int space_shrink(struct space *space, uint64_t target, uint64_t *ret_before, uint64_t *ret_after);

#endif
