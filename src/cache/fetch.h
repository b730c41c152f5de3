/* A flight: one fetch of neighbouring blocks of an object. Each block is ready as soon as its own bytes are there. */
#ifndef RUNFS_CACHE_FETCH_H
#define RUNFS_CACHE_FETCH_H

#include "cache/pool.h"

#define FLIGHT_BLOCKS_MAX 8

struct flight {
    struct fetch_sink sink;
    struct cache *cache;
    struct block *blocks[FLIGHT_BLOCKS_MAX]; /* in order; each has flight set to this until it is done */
    unsigned count;
    unsigned current; /* the block that bytes go to; the store's thread alone */
    size_t filled;    /* bytes of the current block */
    size_t noticed;   /* bytes since progress was last noticed */
    enum fetch_class fetch_class;
    bool demanded; /* made for a reader: ends when nobody waits for its blocks; guarded by the cache's lock */
};

/* A flight without blocks. NULL without memory. */
struct flight *flight_new(struct cache *cache, enum fetch_class fetch_class);

/* Adds the next block, which must be the last one's neighbour. The lock is held. */
void flight_add(struct flight *flight, struct block *block);

/* Starts the fetch; where that fails, its blocks have failed. The lock must not be held: getting credentials may take a
   while. The flight frees itself when it has ended. */
void flight_start(struct flight *flight);

#endif
