/* The pool of blocks: single flight, waiting, eviction; see pool.h. */
#include "cache/pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/flight.h"

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
    if (block->ahead)
        cache->ahead -= block->len;
    source_put(block->source);
    (void)pthread_cond_destroy(&block->changed);
    free(block->data);
    free(block->why);
    free(block);
    (void)pthread_cond_broadcast(&cache->room);
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
    if (block->users || block->flight)
        return;
    if (block->abandoned) {
        free_block(block);
        return;
    }
    TAILQ_INSERT_TAIL(&block->cache->idle, block, age);
    (void)pthread_cond_broadcast(&block->cache->room);
}

void block_finish(struct block *block, int result, const char *why)
{
    block->flight = NULL;
    if (block->state == BLOCK_FETCHING && result < 0)
        set_failed(block, result, why);
    else if (block->state == BLOCK_FETCHING)
        block->state = BLOCK_READY;
    /* what was fetched for nobody yet fails for nobody: a reader fetches it anew */
    if (result < 0 && block->ahead && !block->users) {
        free_block(block);
        return;
    }
    (void)pthread_cond_broadcast(&block->changed);
    settle_idle(block);
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

/* Whether a reader that still waits to begin has to give up: no byte has come for anybody since it came, or for as long
   as it allows. Once its fetch is under way the store ends that in time. */
static int give_up(struct cache *cache, const struct wait *wait, uint64_t since, const struct source *source,
                   struct error *err)
{
    uint64_t progress = atomic_load(&cache->progress_at);
    if (wait_cancelled(wait))
        return error_errno(err, EINTR, "%s", source->object.key);
    if (clock_ms() >= (progress > since ? progress : since) + wait->timeout_ms)
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
    int result = give_up(cache, wait, since, source, err);
    while (result == 0 && !block && cache->used && cache->used + len > cache->pool_bytes) {
        if (!TAILQ_EMPTY(&cache->idle)) {
            evict_one(cache);
            continue;
        }
        wait_slice(cache, &cache->room);
        block = find_block(cache, source, number);
        result = give_up(cache, wait, since, source, err);
    }
    if (result == 0)
        *ret_block = block;
    return result;
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
    (void)pthread_cond_init(&block->changed, NULL);
    source->references++;
    cache->used += block->len;
    LIST_INSERT_HEAD(bucket_of(cache, source, number), block, link);
    (void)pthread_cond_broadcast(&cache->room); /* who waits for room to make the same block need not */
    return block;
}

/* Makes a block and its fetch for a reader. The lock is let go of meanwhile. */
static int fetch_block(struct cache *cache, struct source *source, uint64_t number, struct block **ret_block)
{
    struct flight *flight = flight_new(cache, FETCH_READ);
    struct block *block = flight ? new_block(cache, source, number) : NULL;
    if (!block) {
        free(flight);
        return -ENOMEM;
    }
    block->users = 1;
    flight_add(flight, block);
    (void)pthread_mutex_unlock(&cache->lock);
    flight_start(flight);
    (void)pthread_mutex_lock(&cache->lock);
    *ret_block = block;
    return 0;
}

/* Forgets a failed block that is not worth keeping, so that it is fetched anew. */
static struct block *drop_stale_failure(struct block *block)
{
    if (block->state != BLOCK_FAILED || block->users || block->flight)
        return block;
    if (clock_ms() < block->failed_at + FAILURE_KEPT_MS)
        return block;
    TAILQ_REMOVE(&block->cache->idle, block, age);
    free_block(block);
    return NULL;
}

static void use_block(struct block *block)
{
    if (!block->users && !block->flight)
        TAILQ_REMOVE(&block->cache->idle, block, age);
    block->users++;
    if (block->flight)
        atomic_store(&block->flight->sink.urgent, true);
    if (block->ahead) {
        block->ahead = false;
        block->cache->ahead -= block->len;
    }
}

static void unuse_block(struct block *block)
{
    if (--block->users)
        return;
    bool demanded = block->flight && block->flight->demanded;
    if (demanded)
        atomic_store(&block->flight->sink.cancelled, true); /* nobody waits for it any more */
    if (demanded && block->state == BLOCK_FETCHING) { /* it must not be found, and goes when the fetch ends */
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
        int result = fetch_block(cache, source, number, &block);
        if (result < 0) {
            (void)error_errno(err, ENOMEM, "%s", source->object.key);
            return result;
        }
    }
    *ret_block = block;
    return 0;
}

/* Waits for the end of the block's fetch, which the store brings about in bounded time. */
static int await_block(struct cache *cache, struct block *block, const struct wait *wait, struct error *err)
{
    while (block->state == BLOCK_FETCHING) {
        if (wait_cancelled(wait))
            return error_errno(err, EINTR, "%s", block->source->object.key);
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

/* Makes room for LEN bytes by evicting idle blocks; false where that is not enough, or where too much is here already
   that nobody has used. */
static bool make_room_ahead(struct cache *cache, size_t len)
{
    if (cache->ahead + len > cache->pool_bytes / 2)
        return false;
    while (cache->used + len > cache->pool_bytes && !TAILQ_EMPTY(&cache->idle)) {
        const struct block *oldest = TAILQ_FIRST(&cache->idle);
        if (oldest->ahead)
            return false; /* it would be fetched twice */
        evict_one(cache);
    }
    return cache->used + len <= cache->pool_bytes;
}

/* Adds up to FLIGHT_BLOCKS_MAX missing neighbours from *NUMBER on to a flight; NULL where there is none to fetch or no
   room. Steps *NUMBER over what is here or in the flight. */
static struct flight *plan_flight(struct cache *cache, struct source *source, uint64_t *number, uint64_t end)
{
    struct flight *flight = NULL;
    for (; *number < end && (!flight || flight->count < FLIGHT_BLOCKS_MAX); (*number)++) {
        if (find_block(cache, source, *number)) {
            if (flight)
                break;
            continue;
        }
        if (!make_room_ahead(cache, block_len(source, *number)) ||
            (!flight && !(flight = flight_new(cache, FETCH_READAHEAD))))
            break;
        struct block *block = new_block(cache, source, *number);
        if (!block)
            break;
        block->ahead = true;
        cache->ahead += block->len;
        flight_add(flight, block);
    }
    if (flight && !flight->count) {
        free(flight);
        flight = NULL;
    }
    return flight;
}

uint64_t blocks_fetch_ahead(struct cache *cache, struct source *source, uint64_t number, uint64_t count)
{
    uint64_t next = number;
    struct flight *flight;
    do {
        (void)pthread_mutex_lock(&cache->lock);
        flight = plan_flight(cache, source, &next, number + count);
        (void)pthread_mutex_unlock(&cache->lock);
        if (flight)
            flight_start(flight);
    } while (flight);
    return next - number;
}

void pool_clear(struct cache *cache)
{
    while (!TAILQ_EMPTY(&cache->idle))
        evict_one(cache);
}
