/* The cache between readers and a store: objects in blocks, each fetched once, kept in a bounded pool in
 * memory. */
#ifndef RUNFS_CACHE_CACHE_H
#define RUNFS_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "reader/reader.h"
#include "store/store.h"

#define CACHE_BLOCK_SIZE (1024U * 1024)

struct cache;

struct cache_config {
    uint64_t pool_bytes; /* the most memory for blocks, at least one block */
    uint64_t
        readahead; /* the most bytes to fetch ahead of a sequential reader; half of the pool bounds it, too */
};

/* A cache over STORE (one with fetch()), which stays the caller's and must be closed first: closing it ends
   the fetches that the cache waits for. */
int cache_open(const struct cache_config *config, struct store *store, struct cache **ret_cache,
               struct error *err);

/* Frees the cache; no reader may be left, the store must be closed. NULL is allowed. */
void cache_close(struct cache *cache);

/* A reader of OBJECT (copied) as it was listed. Objects that are the same (key, ETag, size, time) share their
   blocks. Reading: concurrent readers of a block share one fetch; a block that failed fails again at once for
   a second; who cannot begin, for want of room, gives up when no byte came for anybody for the caller's timeout,
   -ETIMEDOUT, and the store ends each fetch in time. A fetch that nobody waits for any more is cancelled. Other errors are those of store_ops.fetch. */
int cache_reader_open(struct cache *cache, const struct object *object, struct reader **ret_reader,
                      struct error *err);

/* Fetches the first block of OBJECT for whoever may read it soon. Waits for nothing: false where there is no room. */
bool cache_prefetch(struct cache *cache, const struct object *object);

#endif
