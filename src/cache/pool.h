/* The pool of blocks: which are here, which are on their way, which must go. */
#ifndef RUNFS_CACHE_POOL_H
#define RUNFS_CACHE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "cache/cache.h"
#include "cache/memory.h"
#include "disk/disk.h"

#define POOL_BUCKETS   1024
#define SOURCE_BUCKETS 1024
#define TIMED_OUT_KEPT 512

TAILQ_HEAD(block_queue, block);

/* An object that has readers or blocks. Objects that are the same share one, but for those with a fill of their own. */
struct cached_object {
    LIST_ENTRY(cached_object) link; /* in cache->sources (not those with a fill), at the end in cache->dead */
    struct cache *cache;
    struct cache_fill fill;    /* wake is NULL: the store brings its blocks */
    struct block_queue wanted; /* of fill, in no order; guarded by the cache's lock */
    uint64_t hash;
    unsigned references;      /* readers and blocks; guarded by the cache's lock */
    struct object object;     /* its strings are in the same allocation */
    struct disk_object *disk; /* owned; NULL where there is no disk cache */
};

/* A block's life: it is made FETCHING, for a reader or ahead of one; becomes READY with its last byte, from the disk cache,
   a flight or a fill, or FAILED with its flight; is saved on disk then, where there is a disk cache; is idle while it has no user,
   no flight can write to it and it is not being saved, and is evicted then sooner or later. A demanded block whose users
   all give up while it is FETCHING is abandoned: found by nobody, and freed when its flight ends. One fetched ahead that
   fails before anybody used it is dropped. */
enum block_state { BLOCK_FETCHING, BLOCK_READY, BLOCK_FAILED };

struct block {
    LIST_ENTRY(block) link;
    TAILQ_ENTRY(block) age; /* in cache->idle, in cache->unsaved or in source->wanted */
    struct cache *cache;
    struct cached_object *source; /* holds a reference */
    uint64_t number;
    size_t len;
    char *data; /* LEN bytes, owned; written by whoever fetches it alone until the block is ready */

    /* Guarded by the cache's lock. */
    enum block_state state;
    unsigned users;        /* readers that wait for it or copy from it */
    struct flight *flight; /* the fetch that still may write to it, NULL after its end */
    bool filling;          /* not in a flight, and a thread is writing to its data */
    bool wanted;           /* in source->wanted */
    bool idle;             /* in cache->idle */
    bool abandoned;        /* found by nobody: in no list of the table any more */
    bool ahead;            /* fetched ahead of readers and not used yet */
    bool held;             /* counted in cache->ahead: fetched ahead, not used, and nowhere else */
    bool claimed;          /* no other process fetches it meanwhile; ended when it is saved */
    bool saving;           /* waits to be saved, or to have its claim ended */
    bool on_disk;
    bool hashed;
    struct hash128 hash; /* of data, where it is hashed: by a fill, or when it was read from disk */
    pthread_cond_t changed;
    uint64_t failed_at;
    int failure; /* negative errno; -EAGAIN: whoever waits has to look again */
    char *why;   /* owned */
};

LIST_HEAD(block_list, block);
LIST_HEAD(cached_object_list, cached_object);

struct cache {
    struct store *store;
    struct disk *disk; /* NULL: none */
    struct cache_scope scope;
    bool offline;
    bool no_keep;
    uint64_t pool_bytes;
    uint64_t ahead_max;     /* the most bytes in memory that were fetched ahead and not used */
    unsigned flight_blocks; /* neighbours in one request: more would keep other connections idle */
    uint64_t readahead;
    _Atomic uint64_t own_progress_at;
    _Atomic uint64_t
        *progress_at; /* clock_ms when bytes came last, for any block, from anywhere; of cache_config.below */
    _Atomic uint64_t bytes_given;
    _Atomic uint64_t bytes_fetched;
    _Atomic uint64_t impatient_until; /* clock_ms: other processes are not waited for */
    struct lock lock;     /* guards everything below; never held across a store's call, the disk or a copy */
    pthread_cond_t room;  /* a block became idle, went away or was made */
    uint64_t used;        /* bytes of blocks */
    uint64_t ahead;       /* bytes of blocks that are held, see struct block */
    uint64_t ahead_bytes; /* bytes ever fetched ahead, and how many of them were used */
    uint64_t ahead_used;
    uint64_t recent_ahead; /* the same, the older the less: what decides whether fetching ahead pays */
    uint64_t recent_used;
    struct timed_out {
        uint64_t source; /* its hash */
        uint64_t number;
        uint64_t at;
    } timed_out[TIMED_OUT_KEPT]; /* blocks whose readers gave up lately, in turn */
    unsigned timed_out_next;
    struct memory memory;
    struct block_queue idle;    /* least recently used first */
    struct block_queue unsaved; /* to be written to disk, oldest first */
    pthread_cond_t unsaved_came;
    bool saving;          /* a block is being written */
    pthread_cond_t saved; /* nothing is left to be written */
    bool closing;
    bool saver_runs;
    pthread_t saver;
    struct block_list blocks[POOL_BUCKETS];
    struct cached_object_list sources[SOURCE_BUCKETS];
    struct cached_object_list dead; /* to be freed without the lock */
    bool cancelled;                 /* a sink was, and the store is to be woken without the lock */
};

/* Drops the lock, and does what may not be done under it. */
void cache_unlock(struct cache *cache);

/* Finds or makes the source of OBJECT and takes a reference; NULL without memory. Takes the lock. */
struct cached_object *source_get(struct cache *cache, const struct object *object);

/* Gives back a reference. The lock is held. */
void source_put(struct cached_object *source);

/* Block NUMBER of SOURCE, ready and in use by the caller (block_release()). Loads, fetches or waits as WAIT allows. */
int block_acquire(struct cache *cache, struct cached_object *source, uint64_t number, const struct wait *wait,
                  struct block **ret_block, struct error *err);

/* The caller has copied what it needed. */
void block_release(struct block *block);

/* Claims the fetch of BLOCK for this process, where it is to be kept on disk; else DISK_UNUSABLE. */
enum disk_claim block_claim(struct block *block);

/* Whether a process that had claimed a block has just been waited for in vain: then others are not waited for either for a
   while, or one that was stopped would cost a wait for each block that it has claimed. */
bool pool_is_impatient(const struct cache *cache);

/* Starts the thread that writes fetched blocks to disk, behind their readers, where there is a disk cache; 0 or a positive
   errno. */
int saver_open(struct cache *cache);

/* Writes what is left and ends the thread. */
void saver_close(struct cache *cache);

/* Frees every block; only when no reader and no fetch is left. */
void pool_clear(struct cache *cache);

/* For all below the lock is held. */

struct block *pool_find(struct cache *cache, const struct cached_object *source, uint64_t number);

/* A new block in state FETCHING, in the table; NULL without memory. */
struct block *pool_add(struct cache *cache, struct cached_object *source, uint64_t number);

/* Frees an idle block. */
void block_evict(struct block *block);

void block_use(struct block *block);
void block_unuse(struct block *block);

/* The block is to be brought by its source's fill, whose wake() is to be called. */
void block_want(struct block *block);

/* It is not to be brought any more. */
void block_unwant(struct block *block);

/* The block is whole (RESULT 0) or failed. */
void block_finish(struct block *block, int result, const char *why);

/* The block, which is in no flight, makes way for another one: readers that wait for it look again. A thread that fills it keeps
   it until that has ended. */
void block_displace(struct block *block);

/* The same by the thread that fills the block, which does not go on. */
void block_withdraw(struct block *block);

/* Puts a block among the idle ones where nothing needs it now. */
void block_settle(struct block *block);

/* A block fetched ahead need not be kept for its first user any more: it was used, or is on disk. */
void block_let_go(struct block *block);

#endif
