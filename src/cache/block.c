/* A reader's way to a block: in the pool, on disk, or fetched; alone or with others who wait for it; see pool.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/wait.h"
#include "cache/fetch.h"
#include "disk/map.h"

#define FAILURE_KEPT_MS 1000
#define THERE_TRIES     3       /* what is said to be there and cannot be read is fetched */
#define FOREIGN_POLL_NS 3000000 /* how often to look whether another process has fetched a block */
#define FOREIGN_MAX_MS  5000    /* then it is stopped or slow: fetched here as well */
#define IMPATIENT_MS    30000   /* and so is what any of them has claimed, for so long */

/* When a reader gives up that WAIT allows to wait. */
static uint64_t deadline_of(const struct cache *cache, const struct wait *wait)
{
    return wait_deadline(wait, cache_progress_at(cache));
}

static int timed_out(const struct cached_object *source, const struct wait *wait, struct error *err)
{
    return error_set(err, ETIMEDOUT, "%s: timed out: no progress for %.1f s", source->object.key,
                     (double)wait->timeout_ms / 1000);
}

/* Waits once for CONDITION, or until no byte has come for any reader for as long as WAIT allows. */
static int wait_for(struct cache *cache, pthread_cond_t *condition, const struct wait *wait,
                    const struct cached_object *source, struct error *err)
{
    int result = wait_on(wait, &cache->lock, condition, deadline_of(cache, wait));
    if (result == -EINTR)
        return error_errno(err, EINTR, "%s", source->object.key);
    return clock_ms() < deadline_of(cache, wait) ? 0 : timed_out(source, wait, err);
}

static struct timed_out *find_timed_out(struct cache *cache, const struct cached_object *source,
                                        uint64_t number)
{
    for (unsigned i = 0; i < TIMED_OUT_KEPT; i++)
        if (cache->timed_out[i].source == source->hash && cache->timed_out[i].number == number &&
            cache->timed_out[i].at)
            return &cache->timed_out[i];
    return NULL;
}

/* The kernel reads again what failed while it read ahead: that read must not wait as long once more, also where the
   block never was in the pool, or has been evicted. Reads that fail for that reason do not prolong it. */
static void note_timed_out(struct cache *cache, const struct cached_object *source, uint64_t number)
{
    struct timed_out *entry = find_timed_out(cache, source, number);
    if (entry && clock_ms() < entry->at + FAILURE_KEPT_MS)
        return;
    if (!entry)
        entry = &cache->timed_out[cache->timed_out_next++ % TIMED_OUT_KEPT];
    *entry = (struct timed_out){source->hash, number, clock_ms()};
}

/* Whether a reader of the block gave up within the last second, and nothing has made progress since. */
static bool has_timed_out(struct cache *cache, const struct cached_object *source, uint64_t number)
{
    const struct timed_out *entry = find_timed_out(cache, source, number);
    return entry && clock_ms() < entry->at + FAILURE_KEPT_MS && cache_progress_at(cache) < entry->at;
}

/* Evicts until block NUMBER fits; waits for users to finish where nothing is idle. *RET_BLOCK is the block
   itself where somebody else made it meanwhile, else NULL. */
static int make_room(struct cache *cache, const struct cached_object *source, uint64_t number,
                     const struct wait *wait, struct block **ret_block, struct error *err)
{
    size_t len = map_block_len(source->object.size, number);
    struct block *block = NULL;
    int result = wait_cancelled(wait)                    ? error_errno(err, EINTR, "%s", source->object.key)
                 : clock_ms() < deadline_of(cache, wait) ? 0
                                                         : timed_out(source, wait, err);
    while (result == 0 && !block && cache->used && cache->used + len > cache->pool_bytes) {
        if (!TAILQ_EMPTY(&cache->idle)) {
            block_evict(TAILQ_FIRST(&cache->idle));
            continue;
        }
        result = wait_for(cache, &cache->room, wait, source, err);
        block = pool_find(cache, source, number);
    }
    if (result == 0)
        *ret_block = block;
    return result;
}

/* Reads the block from disk; false where it is not there, or is not what it should be: then it is dropped from the disk.
   Counts the first use of what was fetched ahead. */
static bool load(struct block *block)
{
    struct cache *cache = block->cache;
    struct cached_object *source = block->source;
    bool unused = false;
    if (!source->disk ||
        disk_object_load(source->disk, block->number, block->data, block->len, &block->hash, &unused) < 0)
        return false;
    block->hashed = true;
    if (source->fill.check &&
        !source->fill.check(source->fill.context, block->number, block->data, &block->hash)) {
        disk_object_drop(source->disk, block->number);
        return false;
    }
    cache_note_progress(cache);
    lock_take(&cache->lock);
    block->on_disk = true;
    if (unused) {
        cache->ahead_used += block->len;
        cache->recent_used += block->len;
    }
    block_finish(block, 0, NULL);
    cache_unlock(cache);
    return true;
}

bool pool_is_impatient(const struct cache *cache)
{
    return clock_ms() < atomic_load(&cache->impatient_until);
}

/* Whether the process that has claimed a block is to be waited for on. Half of the time that is left is kept for a
   fetch of our own. */
static bool is_worth_waiting(struct cache *cache, const struct wait *wait, uint64_t began)
{
    uint64_t now = clock_ms();
    uint64_t most = wait->timeout_ms / 2 < FOREIGN_MAX_MS ? wait->timeout_ms / 2 : FOREIGN_MAX_MS;
    if (wait_cancelled(wait) || pool_is_impatient(cache))
        return false;
    if (now > began + most) {
        atomic_store(&cache->impatient_until, now + IMPATIENT_MS);
        return false;
    }
    return now + (now - began) < deadline_of(cache, wait);
}

enum disk_claim block_claim(struct block *block)
{
    struct disk_object *disk = block->cache->no_keep ? NULL : block->source->disk;
    enum disk_claim claim = disk ? disk_object_claim(disk, block->number) : DISK_UNUSABLE;
    block->claimed = claim == DISK_CLAIMED;
    return claim;
}

/* Claims the block, or waits for the process that has. True where it could be read from disk after all. */
static bool load_or_claim(struct block *block, const struct wait *wait)
{
    const struct timespec pause = {.tv_nsec = FOREIGN_POLL_NS};
    uint64_t began = clock_ms();
    unsigned there = 0;
    for (;;) {
        if (load(block))
            return true;
        enum disk_claim claim = block_claim(block);
        if (claim == DISK_CLAIMED || claim == DISK_UNUSABLE)
            return false;
        if (claim == DISK_FOREIGN && !is_worth_waiting(block->cache, wait, began))
            return false;
        if (claim == DISK_FOREIGN)
            (void)nanosleep(&pause, NULL);
        else if (++there > THERE_TRIES)
            return false;
    }
}

static void fail(struct block *block, int code, const char *why)
{
    lock_take(&block->cache->lock);
    block_finish(block, -code, why);
    cache_unlock(block->cache);
}

static void fail_offline(struct block *block)
{
    const struct cache *cache = block->cache;
    char why[ERROR_MESSAGE_MAX];
    (void)snprintf(why, sizeof why,
                   "s3://%s/%s%s: offline, and block %" PRIu64 " of it is not in the cache %s",
                   cache->scope.bucket, cache->scope.prefix, block->source->object.key, block->number,
                   cache->disk ? disk_directory(cache->disk) : "(there is none)");
    fail(block, EIO, why);
}

/* Has the block brought by its source's fill. */
static void wake_fill(struct block *block)
{
    struct cached_object *source = block->source;
    struct error err = {0};
    lock_take(&source->cache->lock);
    block_want(block);
    cache_unlock(source->cache);
    int result = source->fill.wake(source->fill.context, &err);
    if (result < 0)
        cached_object_refuse(source, 0, UINT64_MAX, result, &err);
}

/* Starts the fetch of a block that a reader waits for. */
static void fetch(struct block *block, const struct wait *wait)
{
    struct cache *cache = block->cache;
    struct flight *flight = flight_new(cache, FETCH_READ);
    if (!flight) {
        fail(block, ENOMEM, "out of memory");
        return;
    }
    flight->sink.since_ms = deadline_of(cache, wait) - wait->timeout_ms;
    lock_take(&cache->lock);
    flight_add(flight, block);
    cache_unlock(cache);
    flight_start(flight);
}

/* Fills a block that was just made; drops and retakes the lock. The caller uses the block, so it stays. */
static void fill(struct block *block, const struct wait *wait)
{
    struct cache *cache = block->cache;
    cache_unlock(cache);
    if (cache->offline ? !load(block) : !load_or_claim(block, wait)) {
        if (cache->offline)
            fail_offline(block);
        else if (block->source->fill.wake)
            wake_fill(block);
        else
            fetch(block, wait);
    }
    lock_take(&cache->lock);
}

/* Forgets a failed block that is not worth keeping, so that it is fetched anew. */
static struct block *drop_stale_failure(struct block *block)
{
    if (block->state != BLOCK_FAILED || !block->idle || clock_ms() < block->failed_at + FAILURE_KEPT_MS)
        return block;
    block_evict(block);
    return NULL;
}

/* Finds the block and uses it, or makes it and sees that it is filled. -EAGAIN where that means waiting and WAIT
 * forbids. */
static int get_block(struct cache *cache, struct cached_object *source, uint64_t number,
                     const struct wait *wait, struct block **ret_block, struct error *err)
{
    bool nowait = wait->timeout_ms == 0;
    struct block *block = pool_find(cache, source, number);
    if (block)
        block = drop_stale_failure(block);
    if (!block && !nowait && has_timed_out(cache, source, number))
        return timed_out(source, wait, err);
    if (!block && !nowait) {
        int result = make_room(cache, source, number, wait, &block, err);
        if (result < 0)
            return result;
    }
    if (nowait && (!block || block->state == BLOCK_FETCHING))
        return -EAGAIN;
    if (block) {
        block_use(block);
    } else {
        block = pool_add(cache, source, number);
        if (!block) {
            (void)error_errno(err, ENOMEM, "%s", source->object.key);
            return -ENOMEM;
        }
        block->users = 1;
        fill(block, wait);
    }
    *ret_block = block;
    return 0;
}

/* Waits for the end of the block's fetch, which a store brings about in bounded time. */
static int await_block(struct cache *cache, struct block *block, const struct wait *wait, struct error *err)
{
    while (block->state == BLOCK_FETCHING) {
        int result = block->source->fill.wake ? wait_for(cache, &block->changed, wait, block->source, err)
                                              : wait_on(wait, &cache->lock, &block->changed, UINT64_MAX);
        if (result < 0)
            return result == -EINTR ? error_errno(err, EINTR, "%s", block->source->object.key) : result;
    }
    if (block->state == BLOCK_FAILED)
        return error_set(err, -block->failure, "%s", block->why ? block->why : "out of memory");
    return 0;
}

static int acquire_locked(struct cache *cache, struct cached_object *source, uint64_t number,
                          const struct wait *wait, struct block **ret_block, struct error *err)
{
    for (;;) {
        struct block *block = NULL;
        int result = get_block(cache, source, number, wait, &block, err);
        if (result == -ETIMEDOUT)
            note_timed_out(cache, source, number);
        if (!block)
            return result;
        result = await_block(cache, block, wait, err);
        if (result == -ETIMEDOUT)
            note_timed_out(cache, source, number);
        if (result == 0) {
            *ret_block = block;
            return 0;
        }
        bool withdrawn = block->state == BLOCK_FAILED && block->failure == -EAGAIN;
        block_unuse(block);
        if (!withdrawn || wait->timeout_ms == 0)
            return result;
    }
}

int block_acquire(struct cache *cache, struct cached_object *source, uint64_t number, const struct wait *wait,
                  struct block **ret_block, struct error *err)
{
    struct wait own = *wait;
    if (wait->timeout_ms && !wait->since_ms)
        own.since_ms = clock_ms();
    lock_take(&cache->lock);
    int result = acquire_locked(cache, source, number, &own, ret_block, err);
    cache_unlock(cache);
    return result;
}
