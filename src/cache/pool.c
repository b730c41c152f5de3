/* The pool of blocks: single flight, waiting, eviction; see pool.h. */
#include "cache/pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FAILURE_KEPT_MS 1000

static struct block_list *bucket_of(struct cache *cache, const struct source *source, uint64_t number)
{
    return &cache->blocks[(source->hash + number * 0x9e3779b97f4a7c15u) % POOL_BUCKETS];
}

static struct block *find_block(struct cache *cache, const struct source *source, uint64_t number)
{
    struct block *block;
    LIST_FOREACH(block, bucket_of(cache, source, number), link)
    {
        if (block->source == source && block->number == number)
            return block;
    }
    return NULL;
}

static void free_block(struct block *block)
{
    struct cache *cache = block->cache;
    if (!block->abandoned)
        LIST_REMOVE(block, link);
    cache->used -= block->len;
    source_put(block->source);
    (void)pthread_cond_destroy(&block->changed);
    free(block->data);
    free(block->why);
    free(block);
    (void)pthread_cond_broadcast(&cache->room);
}

/* The store's thread: bytes have come. Nobody else touches data before the block is ready. */
static void on_data(struct fetch_sink *sink, const void *bytes, size_t len)
{
    struct block *block = (struct block *)((char *)sink - offsetof(struct block, sink));
    memcpy(block->data + block->filled, bytes, len);
    block->filled += len;
    if (block->filled - block->noticed < PROGRESS_BYTES)
        return;
    block->noticed = block->filled;
    atomic_store(&block->progress_at, clock_ms());
}

static void set_failed(struct block *block, int result, const char *why)
{
    block->state = BLOCK_FAILED;
    block->failure = result;
    block->failed_at = clock_ms();
    free(block->why);
    block->why = strdup(why);
}

/* A block without users and without a fetch may be evicted. */
static void settle_idle(struct block *block)
{
    if (block->users || block->fetching)
        return;
    if (block->abandoned) {
        free_block(block);
        return;
    }
    TAILQ_INSERT_TAIL(&block->cache->idle, block, age);
    (void)pthread_cond_broadcast(&block->cache->room);
}

static void on_done(struct fetch_sink *sink, int result, const struct error *err)
{
    struct block *block = (struct block *)((char *)sink - offsetof(struct block, sink));
    struct cache *cache = block->cache;
    (void)pthread_mutex_lock(&cache->lock);
    block->fetching = false;
    if (block->state == BLOCK_FETCHING && result == 0)
        block->state = BLOCK_READY;
    else if (block->state == BLOCK_FETCHING)
        set_failed(block, result, err->message);
    (void)pthread_cond_broadcast(&block->changed);
    settle_idle(block);
    (void)pthread_mutex_unlock(&cache->lock);
}

static size_t block_len(const struct source *source, uint64_t number)
{
    uint64_t left = source->object.size - number * CACHE_BLOCK_SIZE;
    return left < CACHE_BLOCK_SIZE ? (size_t)left : CACHE_BLOCK_SIZE;
}

/* When the time without progress began, for a wait that starts now. */
static uint64_t wait_start(const struct wait *wait)
{
    return wait->since_ms ? wait->since_ms : clock_ms();
}

static int give_up(const struct wait *wait, uint64_t since, const struct source *source, struct error *err)
{
    if (wait_cancelled(wait))
        return error_errno(err, EINTR, "%s", source->object.key);
    if (clock_ms() >= since + wait->timeout_ms)
        return error_set(err, ETIMEDOUT, "%s: timed out: no progress for %.1f s", source->object.key,
                         (double)wait->timeout_ms / 1000);
    return 0;
}

static void wait_slice(struct cache *cache, pthread_cond_t *condition)
{
    struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
    (void)pthread_cond_clockwait(condition, &cache->lock, CLOCK_MONOTONIC, &until);
}

static void evict_one(struct cache *cache)
{
    struct block *block = TAILQ_FIRST(&cache->idle);
    TAILQ_REMOVE(&cache->idle, block, age);
    free_block(block);
}

/* Evicts until block NUMBER fits; waits for users to finish where nothing is idle. *RET_BLOCK is the block
   itself where somebody else made it meanwhile, else NULL. */
static int make_room(struct cache *cache, const struct source *source, uint64_t number,
                     const struct wait *wait, struct block **ret_block, struct error *err)
{
    uint64_t since = wait_start(wait);
    size_t len = block_len(source, number);
    struct block *block = NULL;
    while (!block && cache->used && cache->used + len > cache->pool_bytes) {
        if (!TAILQ_EMPTY(&cache->idle)) {
            evict_one(cache);
            continue;
        }
        int result = give_up(wait, since, source, err);
        if (result < 0)
            return result;
        wait_slice(cache, &cache->room);
        block = find_block(cache, source, number);
    }
    *ret_block = block;
    return 0;
}

static struct block *new_block(struct cache *cache, struct source *source, uint64_t number)
{
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        return NULL;
    block->len = block_len(source, number);
    if (!(block->data = malloc(block->len))) {
        free(block);
        return NULL;
    }
    block->cache = cache;
    block->source = source;
    block->number = number;
    block->state = BLOCK_FETCHING;
    block->users = 1;
    block->fetching = true;
    block->sink = (struct fetch_sink){.data = on_data, .done = on_done};
    atomic_store(&block->progress_at, clock_ms());
    (void)pthread_cond_init(&block->changed, NULL);
    source->references++;
    cache->used += block->len;
    LIST_INSERT_HEAD(bucket_of(cache, source, number), block, link);
    (void)pthread_cond_broadcast(&cache->room); /* who waits for room to make the same block need not */
    return block;
}

/* Starts the fetch without the lock: getting credentials may take a while. */
static void start_fetch(struct cache *cache, struct block *block)
{
    struct error err = {0};
    (void)pthread_mutex_unlock(&cache->lock);
    int result =
        cache->store->ops->fetch(cache->store, &block->source->object, block->number * CACHE_BLOCK_SIZE,
                                 block->len, FETCH_READ, &block->sink, &err);
    (void)pthread_mutex_lock(&cache->lock);
    if (result == 0)
        return;
    block->fetching = false;
    set_failed(block, result, err.message);
    (void)pthread_cond_broadcast(&block->changed);
}

/* Forgets a failed block that is not worth keeping, so that it is fetched anew. */
static struct block *drop_stale_failure(struct block *block)
{
    if (block->state != BLOCK_FAILED || block->users || block->fetching)
        return block;
    if (clock_ms() < block->failed_at + FAILURE_KEPT_MS)
        return block;
    TAILQ_REMOVE(&block->cache->idle, block, age);
    free_block(block);
    return NULL;
}

static void use_block(struct block *block)
{
    if (!block->users && !block->fetching)
        TAILQ_REMOVE(&block->cache->idle, block, age);
    block->users++;
}

static void unuse_block(struct block *block)
{
    if (--block->users)
        return;
    if (block->fetching)
        atomic_store(&block->sink.cancelled, true); /* nobody waits for it any more */
    if (block->state == BLOCK_FETCHING) {           /* it must not be found, and goes when the fetch ends */
        LIST_REMOVE(block, link);
        block->abandoned = true;
    }
    settle_idle(block);
}

/* Finds the block and uses it, or makes it and starts its fetch. -EAGAIN where that means waiting and WAIT
 * forbids. */
static int get_block(struct cache *cache, struct source *source, uint64_t number, const struct wait *wait,
                     struct block **ret_block, struct error *err)
{
    bool nowait = wait->timeout_ms == 0;
    struct block *block = find_block(cache, source, number);
    if (block)
        block = drop_stale_failure(block);
    if (!block && !nowait) {
        int result = make_room(cache, source, number, wait, &block, err);
        if (result < 0)
            return result;
    }
    if (nowait && (!block || block->state == BLOCK_FETCHING))
        return -EAGAIN;
    if (block) {
        use_block(block);
    } else {
        block = new_block(cache, source, number);
        if (!block) {
            (void)error_errno(err, ENOMEM, "%s", source->object.key);
            return -ENOMEM;
        }
        start_fetch(cache, block);
    }
    *ret_block = block;
    return 0;
}

static int await_block(struct cache *cache, struct block *block, const struct wait *wait, struct error *err)
{
    uint64_t start = wait_start(wait);
    while (block->state == BLOCK_FETCHING) {
        uint64_t progress = atomic_load(&block->progress_at);
        int result = give_up(wait, progress > start ? progress : start, block->source, err);
        if (result == -ETIMEDOUT) { /* so that the next to ask does not wait for as long again */
            set_failed(block, result, err->message);
            (void)pthread_cond_broadcast(&block->changed);
        }
        if (result < 0)
            return result;
        wait_slice(cache, &block->changed);
    }
    if (block->state == BLOCK_FAILED)
        return error_set(err, -block->failure, "%s", block->why ? block->why : "out of memory");
    return 0;
}

static int acquire_locked(struct cache *cache, struct source *source, uint64_t number,
                          const struct wait *wait, struct block **ret_block, struct error *err)
{
    struct block *block;
    int result = get_block(cache, source, number, wait, &block, err);
    if (result < 0)
        return result;
    result = await_block(cache, block, wait, err);
    if (result < 0)
        unuse_block(block);
    else
        *ret_block = block;
    return result;
}

int block_acquire(struct cache *cache, struct source *source, uint64_t number, const struct wait *wait,
                  struct block **ret_block, struct error *err)
{
    (void)pthread_mutex_lock(&cache->lock);
    int result = acquire_locked(cache, source, number, wait, ret_block, err);
    (void)pthread_mutex_unlock(&cache->lock);
    return result;
}

void block_release(struct block *block)
{
    struct cache *cache = block->cache;
    (void)pthread_mutex_lock(&cache->lock);
    unuse_block(block);
    (void)pthread_mutex_unlock(&cache->lock);
}

void pool_clear(struct cache *cache)
{
    while (!TAILQ_EMPTY(&cache->idle))
        evict_one(cache);
}
