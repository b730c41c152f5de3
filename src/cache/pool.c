/* The pool of blocks: the table, a block's life, eviction, and the thread that writes blocks to disk; see pool.h. */
#include "cache/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "cache/fetch.h"
#include "disk/map.h"

static struct block_list *bucket_of(struct cache *cache, const struct cached_object *source, uint64_t number)
{
    return &cache->blocks[(source->hash + number * 0x9e3779b97f4a7c15u) % POOL_BUCKETS];
}

struct block *pool_find(struct cache *cache, const struct cached_object *source, uint64_t number)
{
    struct block *block;
    LIST_FOREACH(block, bucket_of(cache, source, number), link)
    {
        if (block->source == source && block->number == number)
            return block;
    }
    return NULL;
}

/* Spare memory is within the pool's limit. */
static void trim_spares(struct cache *cache)
{
    while (cache->memory.count &&
           cache->used + cache->memory.count * (uint64_t)CACHE_BLOCK_SIZE > cache->pool_bytes)
        memory_trim(&cache->memory);
}

struct block *pool_add(struct cache *cache, struct cached_object *source, uint64_t number)
{
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        return NULL;
    block->len = map_block_len(source->object.size, number);
    if (!(block->data = memory_take(&cache->memory, block->len))) {
        free(block);
        return NULL;
    }
    block->cache = cache;
    block->source = source;
    block->number = number;
    block->state = BLOCK_FETCHING;
    block->filling = true;
    (void)pthread_cond_init(&block->changed, NULL);
    source->references++;
    cache->used += block->len;
    trim_spares(cache);
    LIST_INSERT_HEAD(bucket_of(cache, source, number), block, link);
    (void)pthread_cond_broadcast(&cache->room); /* who waits for room to make the same block need not */
    return block;
}

void block_let_go(struct block *block)
{
    if (block->held)
        block->cache->ahead -= block->len;
    block->held = false;
}

static void free_block(struct block *block)
{
    struct cache *cache = block->cache;
    if (!block->abandoned)
        LIST_REMOVE(block, link);
    cache->used -= block->len;
    block_let_go(block);
    source_put(block->source);
    (void)pthread_cond_destroy(&block->changed);
    memory_give(&cache->memory, block->data, block->len);
    trim_spares(cache);
    free(block->why);
    free(block);
    (void)pthread_cond_broadcast(&cache->room);
}

/* From now on nobody finds it. */
static void abandon(struct block *block)
{
    if (!block->abandoned)
        LIST_REMOVE(block, link);
    block->abandoned = true;
}

static void set_failed(struct block *block, int result, const char *why)
{
    block->state = BLOCK_FAILED;
    block->failure = result;
    block->failed_at = clock_ms();
    free(block->why);
    block->why = strdup(why);
}

void block_settle(struct block *block)
{
    if (block->users || block->flight || block->saving || block->filling || block->wanted || block->idle)
        return;
    if (block->abandoned) {
        free_block(block);
        return;
    }
    block->idle = true;
    TAILQ_INSERT_TAIL(&block->cache->idle, block, age);
    (void)pthread_cond_broadcast(&block->cache->room);
}

/* Takes a block whose fetch has ended: to be written where it is whole, and to have its claim ended. The lock is held. */
static void saver_take(struct block *block)
{
    struct cache *cache = block->cache;
    bool worth = block->state == BLOCK_READY && !block->on_disk && !block->abandoned && block->source->disk &&
                 !cache->no_keep;
    if (block->saving || !cache->saver_runs || (!worth && !block->claimed))
        return;
    block->saving = true;
    TAILQ_INSERT_TAIL(&cache->unsaved, block, age);
    (void)pthread_cond_signal(&cache->unsaved_came);
}

void block_want(struct block *block)
{
    block->filling = false;
    if (block->state != BLOCK_FETCHING) { /* put while it was looked for on disk */
        saver_take(block);
        block_settle(block);
        return;
    }
    block->wanted = true;
    TAILQ_INSERT_TAIL(&block->source->wanted, block, age);
}

void block_unwant(struct block *block)
{
    if (block->wanted)
        TAILQ_REMOVE(&block->source->wanted, block, age);
    block->wanted = false;
}

void block_finish(struct block *block, int result, const char *why)
{
    block_unwant(block);
    block->flight = NULL;
    block->filling = false;
    if (block->state == BLOCK_FETCHING && result < 0)
        set_failed(block, result, why);
    else if (block->state == BLOCK_FETCHING)
        block->state = BLOCK_READY;
    /* what was fetched for nobody yet fails for nobody: a reader fetches it anew */
    if (result < 0 && block->ahead && !block->users)
        abandon(block);
    saver_take(block);
    (void)pthread_cond_broadcast(&block->changed);
    block_settle(block);
}

void block_displace(struct block *block)
{
    abandon(block);
    if (block->idle) {
        block_evict(block);
        return;
    }
    block_unwant(block);
    if (block->state == BLOCK_FETCHING)
        set_failed(block, -EAGAIN, "");
    if (!block->filling) /* else that thread may be about to claim it */
        saver_take(block);
    (void)pthread_cond_broadcast(&block->changed);
    block_settle(block);
}

void block_withdraw(struct block *block)
{
    block->filling = false;
    block_displace(block);
}

void block_use(struct block *block)
{
    struct cache *cache = block->cache;
    if (block->idle)
        TAILQ_REMOVE(&cache->idle, block, age);
    block->idle = false;
    block->users++;
    if (block->flight)
        atomic_store(&block->flight->sink.urgent, true);
    if (block->ahead) {
        cache->ahead_used += block->len;
        cache->recent_used += block->len;
    }
    block->ahead = false;
    block_let_go(block);
}

void block_unuse(struct block *block)
{
    if (--block->users)
        return;
    bool demanded = block->flight && block->flight->demanded;
    if (demanded) { /* no reader waits for it any more */
        atomic_store(&block->flight->sink.cancelled, true);
        block->cache->cancelled = true;
    }
    if (block->state == BLOCK_FETCHING && (demanded || block->wanted))
        abandon(block); /* it must not be found, and goes when the fetch ends */
    if (block->wanted)
        block_finish(block, -ECANCELED, "");
    else
        block_settle(block);
}

void block_release(struct block *block)
{
    struct cache *cache = block->cache;
    lock_take(&cache->lock);
    block_unuse(block);
    cache_unlock(cache);
}

void block_evict(struct block *block)
{
    TAILQ_REMOVE(&block->cache->idle, block, age);
    free_block(block);
}

void pool_clear(struct cache *cache)
{
    while (!TAILQ_EMPTY(&cache->idle))
        block_evict(TAILQ_FIRST(&cache->idle));
    while (cache->memory.count)
        memory_trim(&cache->memory);
}

/* Nobody else changes what is looked at here: the block is whole, and being saved. */
static bool saver_write(struct block *block, bool ahead)
{
    struct disk_object *disk = block->source->disk;
    bool ready = block->state == BLOCK_READY;
    struct hash128 hash = ready && !block->hashed ? hash128(block->data, block->len) : block->hash;
    bool saved = ready && disk_object_save(disk, block->number, block->data, block->len, &hash, ahead) == 0;
    if (block->claimed)
        disk_object_release(disk, block->number);
    return saved;
}

static void *saver_thread(void *context)
{
    struct cache *cache = context;
    struct block *block;
    lock_take(&cache->lock);
    for (;;) {
        while (!(block = TAILQ_FIRST(&cache->unsaved)) && !cache->closing)
            lock_wait(&cache->lock, &cache->unsaved_came);
        if (!block)
            break;
        TAILQ_REMOVE(&cache->unsaved, block, age);
        cache->saving = true;
        bool ahead = block->ahead;
        cache_unlock(cache);
        bool saved = saver_write(block, ahead);
        lock_take(&cache->lock);
        cache->saving = false;
        (void)pthread_cond_broadcast(&cache->room);
        if (TAILQ_EMPTY(&cache->unsaved))
            (void)pthread_cond_broadcast(&cache->saved);
        block->saving = false;
        block->claimed = false;
        block->on_disk = saved;
        if (saved)
            block_let_go(block);
        block_settle(block);
    }
    cache_unlock(cache);
    return NULL;
}

int saver_open(struct cache *cache)
{
    if (!cache->disk)
        return 0;
    int code = thread_create(&cache->saver, 0, saver_thread, cache);
    cache->saver_runs = code == 0;
    return code;
}

void saver_close(struct cache *cache)
{
    if (!cache->saver_runs)
        return;
    lock_take(&cache->lock);
    cache->closing = true;
    (void)pthread_cond_signal(&cache->unsaved_came);
    cache_unlock(cache);
    (void)pthread_join(cache->saver, NULL);
}

void cache_settle(struct cache *cache)
{
    lock_take(&cache->lock);
    while (cache->saving || !TAILQ_EMPTY(&cache->unsaved))
        lock_wait(&cache->lock, &cache->saved);
    cache_unlock(cache);
}
