/* The cache between readers and a store: objects in blocks, each fetched once, kept in a bounded pool in memory, and on
 * disk where there is a disk cache. */
#ifndef RUNFS_CACHE_CACHE_H
#define RUNFS_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "disk/disk.h"
#include "disk/identity.h"
#include "disk/map.h"
#include "reader/reader.h"
#include "store/store.h"

struct cache;
struct cached_object;

struct cache_config {
    uint64_t pool_bytes;  /* the most memory for blocks, at least one block */
    uint64_t readahead;   /* the most bytes to fetch ahead of a sequential reader */
    unsigned connections; /* how many requests the store makes at once */
    struct disk *disk;    /* borrowed, must outlive the cache; NULL: nothing is kept on disk */
    struct cache *
        below; /* borrowed likewise: its progress is that of this cache, and the other way round; may be NULL */
    struct cache_scope scope; /* where the store's objects are, for their names on disk; borrowed likewise */
    bool no_keep;             /* what is on disk is used, but nothing more is put there */
    bool offline;             /* what is not on disk is an error, the store is asked for nothing */
};

/* A cache over STORE (one with fetch(); may be NULL where offline, or where all objects are filled by other means), which
   stays the caller's and must be closed first: closing it ends the fetches that the cache waits for. */
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

/* When there was progress last, in clock_ms(); 0: never. */
uint64_t cache_progress_at(const struct cache *cache);

/* Fills an object whose blocks no store has. Its functions are called without locks, and not after cached_object_close(). */
struct cache_fill {
    /* Blocks are wanted, as cached_object_wants() says. Where that fails they are refused. */
    int (*wake)(void *context, struct error *err);
    /* Whether DATA with HASH, read from disk, is block NUMBER. */
    bool (*check)(void *context, uint64_t number, const void *data, const struct hash128 *hash);
    void *context;
};

/* An object of SIZE bytes, a multiple of the block size, for one opener: OBJECT (copied) names it in messages, IDENTITY on
   disk ("": it is not kept there). */
int cached_object_open(struct cache *cache, const struct object *object, uint64_t size, const char *identity,
                       size_t identity_len, const struct cache_fill *fill, struct cached_object **ret_source,
                       struct error *err);

/* Refuses what is wanted, forgets the blocks in memory, and frees; no reader may be left. NULL is allowed. */
void cached_object_close(struct cached_object *source);

/* A reader of its first SIZE bytes. */
int cached_object_reader(struct cached_object *source, uint64_t size, struct reader **ret_reader,
                         struct error *err);

/* The first wanted block from FROM on, below LIMIT; else the first one below LIMIT. False if no block is wanted
   there. */
bool cached_object_wants(struct cached_object *source, uint64_t from, uint64_t limit, uint64_t *ret_number);

/* DATA with HASH is block NUMBER: wakes the readers that wait for it, keeps it in memory as long as there is room, and has it written
   to disk behind them. May wait for older blocks to be written. */
void cached_object_put(struct cached_object *source, uint64_t number, const void *data,
                       const struct hash128 *hash);

/* COUNT blocks from NUMBER on cannot be had: those that are wanted fail with RESULT. */
void cached_object_refuse(struct cached_object *source, uint64_t number, uint64_t count, int result,
                          const struct error *err);

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
