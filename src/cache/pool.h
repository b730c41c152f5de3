/* The pool of blocks: which are here, which are on their way, which must go. */
#ifndef RUNFS_CACHE_POOL_H
#define RUNFS_CACHE_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cache/cache.h"

#define POOL_BUCKETS   1024
#define SOURCE_BUCKETS 1024

/* An object that has readers or blocks. Objects that are the same share one source. */
struct source {
    LIST_ENTRY(source) link;
    uint64_t hash;
    unsigned references;  /* readers and blocks; guarded by the cache's lock */
    struct object object; /* its strings are in the same allocation */
};

/* A block's life: it is made FETCHING, for a reader (its flight is demanded) or ahead of one; becomes READY with its last
   byte or FAILED with its flight; is idle while nobody uses it and no flight can write to it, and is evicted then sooner
   or later. A demanded block whose users all give up while it is FETCHING is abandoned: found by nobody, and freed when
   its flight ends. One fetched ahead that fails before anybody used it is dropped. */
enum block_state { BLOCK_FETCHING, BLOCK_READY, BLOCK_FAILED };

struct block {
    LIST_ENTRY(block) link;
    TAILQ_ENTRY(block) age; /* in cache->idle, only while nobody uses the block */
    struct cache *cache;
    struct source *source; /* holds a reference */
    uint64_t number;
    size_t len;
    char *data; /* LEN bytes, owned; written by the store's thread alone until the block is ready */

    /* Guarded by the cache's lock. */
    enum block_state state;
    unsigned users;        /* readers that wait for it or copy from it */
    struct flight *flight; /* the fetch that still may write to it, NULL after its end */
    bool abandoned;        /* its users gave up while it was fetched: in no list any more */
    bool ahead;            /* fetched ahead of readers and not used yet */
    pthread_cond_t changed;
    uint64_t failed_at;
    int failure; /* negative errno */
    char *why;   /* owned */
};

LIST_HEAD(block_list, block);
LIST_HEAD(source_list, source);
TAILQ_HEAD(block_queue, block);

struct cache {
    struct store *store;
    uint64_t pool_bytes;
    uint64_t readahead;
    _Atomic uint64_t progress_at; /* clock_ms when bytes came last, for any block */
    pthread_mutex_t lock;         /* guards everything below; never held across a store's call or a copy */
    pthread_cond_t room;          /* a block became idle, went away or was made */
    uint64_t used;                /* bytes of blocks */
    uint64_t ahead;               /* bytes of blocks that were fetched ahead and not used yet */
    struct block_queue idle;      /* least recently used first */
    struct block_list blocks[POOL_BUCKETS];
    struct source_list sources[SOURCE_BUCKETS];
};

/* Finds or makes the source of OBJECT and takes a reference; NULL without memory. Takes the lock. */
struct source *source_get(struct cache *cache, const struct object *object);

/* Gives back a reference. The lock is held. */
void source_put(struct source *source);

/* Block NUMBER of SOURCE, ready and in use by the caller (block_release()). Fetches or waits as WAIT allows. */
int block_acquire(struct cache *cache, struct source *source, uint64_t number, const struct wait *wait,
                  struct block **ret_block, struct error *err);

/* The caller has copied what it needed. */
void block_release(struct block *block);

/* Starts fetching those of COUNT blocks from NUMBER on that are not here, for nobody yet: neighbours in one request.
   Waits for nothing and evicts idle blocks only, as far as half of the pool may hold what nobody has used. Returns how
   many blocks from NUMBER on are here or on their way now. */
uint64_t blocks_fetch_ahead(struct cache *cache, struct source *source, uint64_t number, uint64_t count);

/* Frees every block; only when no reader and no fetch is left. */
void pool_clear(struct cache *cache);

/* For flight.c; the lock is held. */
void block_finish(struct block *block, int result, const char *why);

#endif
