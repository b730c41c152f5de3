/* Read-ahead: what to fetch ahead of a reader, from how it reads (struct plan; pure, without a clock of its own), and fetching
   it. */
#ifndef RUNFS_CACHE_READAHEAD_H
#define RUNFS_CACHE_READAHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/pool.h"

/* One reader's way through an object. */
struct plan {
    uint64_t size;  /* of the object */
    uint64_t bound; /* nothing behind this is fetched ahead */
    uint64_t end;   /* of the furthest read of the sequence */
    uint64_t last;  /* where the last read began, and where it ended */
    uint64_t last_end;
    uint64_t began;     /* where the sequence began */
    unsigned reads;     /* in the sequence */
    uint64_t ahead;     /* the block up to which the sequence was fetched ahead */
    uint64_t jumps;     /* reads elsewhere, one after the other */
    uint64_t jumped_ms; /* when the last one was */
    uint64_t whole;     /* the block up to which all of the object was fetched */
};

struct plan_limits {
    uint64_t window;    /* the most bytes ahead of a sequential reader */
    uint64_t whole_max; /* the largest object that may be fetched as a whole, in bytes */
};

/* Blocks to fetch now, COUNT of them from FIRST on; none where COUNT is 0. */
struct plan_step {
    uint64_t first;
    uint64_t count;
    bool whole;
};

void plan_init(struct plan *plan, uint64_t size);

/* Notes a read of LEN bytes at OFFSET at NOW_MS; the same read once more, as when it has to wait after all, is not noted
   again. A sequential reader gets a window that doubles with each block, from two
   blocks on. Where many reads in turn jump about (more than PLAN_JUMPS, and one for each PLAN_SHARE blocks of the object),
   fetching all of it, at full speed, costs less than waiting for one block after the other: then each further read asks
   for the next part of the whole. */
#define PLAN_JUMPS 8
#define PLAN_SHARE 64
struct plan_step plan_read(struct plan *plan, const struct plan_limits *limits, uint64_t offset, size_t len,
                           uint64_t now_ms);

/* The first GOT blocks of STEP are here or on their way; the rest is asked for again later. */
void plan_reached(struct plan *plan, const struct plan_step *step, uint64_t got);

/* Starts fetching those of COUNT blocks from NUMBER on that are neither here nor on disk, for nobody yet: neighbours in
   one request. Waits for nothing and evicts idle blocks only, as long as not too much is here that nobody has used.
   Returns how many blocks from NUMBER on are here, on disk or on their way now. */
uint64_t blocks_fetch_ahead(struct cache *cache, struct cached_object *source, uint64_t number,
                            uint64_t count);

#endif
