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

enum block_state { BLOCK_FETCHING, BLOCK_READY, BLOCK_FAILED };

struct block {
    LIST_ENTRY(block) link;
    TAILQ_ENTRY(block) age; /* in cache->idle, only while nobody uses the block */
    struct cache *cache;
    struct source *source; /* holds a reference */
    uint64_t number;
    size_t len;
    char *data; /* LEN bytes, owned; NULL once failed */

    /* Guarded by the cache's lock. */
    enum block_state state;
    unsigned users; /* readers that wait for it or copy from it */
    bool fetching;  /* the store still has the sink */
    bool abandoned; /* its users gave up while it was fetched: in no list any more */
    pthread_cond_t changed;
    uint64_t failed_at;
    int failure; /* negative errno */
    char *why;   /* owned */

    /* The fetch's, written by the store's thread alone. */
    struct fetch_sink sink;
    size_t filled;
    size_t noticed; /* FILLED when progress was last noticed */
    _Atomic uint64_t progress_at;
};

LIST_HEAD(block_list, block);
LIST_HEAD(source_list, source);
TAILQ_HEAD(block_queue, block);

struct cache {
    struct store *store;
    uint64_t pool_bytes;
    pthread_mutex_t lock;    /* guards everything below; never held across a store's call or a copy */
    pthread_cond_t room;     /* a block became idle or went away */
    uint64_t used;           /* bytes of blocks */
    struct block_queue idle; /* least recently used first */
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

/* Frees every block; only when no reader and no fetch is left. */
void pool_clear(struct cache *cache);

#endif
