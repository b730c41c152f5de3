/* The cache between readers and a store: objects in blocks, each fetched once, kept in a bounded pool in memory, and on
 * disk where there is a disk cache. */
#ifndef RUNFS_CACHE_CACHE_H
#define RUNFS_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "disk/disk.h"
#include "disk/identity.h"
#include "disk/map.h"
#include "reader/reader.h"
#include "store/store.h"

/* Nobody knows at first how large a decoded archive is: so its size is no part of its identity (it is 0 there), on disk it has
   room for so many bytes, and its last block is filled up with zeros. */
#define CACHE_DECODED_SIZE (64ULL << 30)

struct cache;

struct cache_config {
    uint64_t pool_bytes;  /* the most memory for blocks, at least one block */
    uint64_t readahead;   /* the most bytes to fetch ahead of a sequential reader */
    unsigned connections; /* how many requests the store makes at once */
    struct disk *disk;    /* borrowed, must outlive the cache; NULL: nothing is kept on disk */
    bool decoded;         /* the store's objects are decoded archives, see CACHE_DECODED_SIZE */
    /* Whether DATA, read from disk, is block NUMBER of OBJECT. Called without a lock. NULL: the map's hash alone decides. */
    bool (*check)(void *context, const struct object *object, uint64_t number, const void *data);
    void *check_context;
    struct cache_scope scope; /* where the store's objects are, for their names on disk; borrowed likewise */
    bool no_keep;             /* what is on disk is used, but nothing more is put there */
    bool offline;             /* what is not on disk is an error, the store is asked for nothing */
};

/* A cache over STORE (one with fetch(); may be NULL where offline), which stays the caller's and must be closed first:
   closing it ends the fetches that the cache waits for. */
int cache_open(const struct cache_config *config, struct store *store, struct cache **ret_cache,
               struct error *err);

/* Writes to disk what is still to be written, and frees the cache; no reader may be left, the store must be closed. NULL is
   allowed. */
void cache_close(struct cache *cache);

/* A reader of OBJECT (copied) as it was listed. Objects that are the same (key, ETag, size; time where there is no ETag)
   share their blocks. Reading: concurrent readers of a block share one fetch, those of other processes too where there is a
   disk cache; a block that failed fails again at once for a second; who cannot begin, for want of room, gives up when no
   byte came for anybody for the caller's timeout, -ETIMEDOUT, and the store ends each fetch in time. A fetch that nobody
   waits for any more is cancelled. A read that may not wait never touches the disk. Other errors are those of
   store_ops.fetch; -EIO where offline. */
int cache_reader_open(struct cache *cache, const struct object *object, struct reader **ret_reader,
                      struct error *err);

/* Says that READER, one of cache_reader_open(), will not soon be read behind END: nothing there is fetched ahead. */
void cache_reader_bound(struct reader *reader, uint64_t end);

/* Fetches the first block of OBJECT for whoever may read it soon. May touch the disk, waits for nothing else: false where
   there is no room. */
bool cache_prefetch(struct cache *cache, const struct object *object);

/* How many bytes of OBJECT are on disk. Reads its map. */
uint64_t cache_bytes_here(struct cache *cache, const struct object *object);

/* Counts as progress for all who wait for blocks of this cache: what they wait for comes nearer by other ways than a fetch. */
void cache_note_progress(struct cache *cache);

/* Waits until what has been fetched so far is on disk, or could not be written. */
void cache_settle(struct cache *cache);

/* What the cache has done so far. */
struct cache_stats {
    uint64_t bytes_given;   /* to readers */
    uint64_t bytes_fetched; /* from the store, whole blocks or not */
    uint64_t bytes_ahead;   /* asked for before anybody read them */
    uint64_t bytes_ahead_used;
    uint64_t pool_bytes; /* in memory now */
    uint64_t pool_max;
};
void cache_stats(struct cache *cache, struct cache_stats *ret_stats);

#endif
