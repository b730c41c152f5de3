/* The cache's life, and its readers; see cache.h. */
#include "cache/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/wait.h"
#include "cache/fetch.h"
#include "cache/pool.h"
#include "cache/readahead.h"

#define LEND_TRIES 3 /* to have both blocks of a read at the same time */

struct cached_reader {
    struct reader reader;
    struct cache *cache;
    struct cached_object *source;
    struct lock lock; /* guards the plan */
    struct plan plan;
};

static struct plan_limits limits_of(const struct cache *cache)
{
    return (struct plan_limits){
        .window = cache->readahead,
        .whole_max =
            cache->readahead
                ? (cache->disk && !cache->no_keep ? disk_size_max(cache->disk) : cache->pool_bytes) / 2
                : 0,
    };
}

/* Notes a read, and fetches what may be read next. False where that would be due and the reader may not touch the disk:
   then nothing is noted. */
static bool fetch_ahead(struct cached_reader *reader, uint64_t offset, size_t len, const struct wait *wait)
{
    struct plan_limits limits = limits_of(reader->cache);
    lock_take(&reader->lock);
    struct plan plan = reader->plan;
    struct plan_step step = plan_read(&plan, &limits, offset, len, clock_ms());
    bool later = step.count && wait->timeout_ms == 0 && reader->cache->disk;
    if (!later)
        reader->plan = plan;
    lock_drop(&reader->lock);
    if (later || !step.count)
        return !later;
    uint64_t blocks = map_blocks(reader->reader.size);
    uint64_t got = blocks_fetch_ahead(reader->cache, reader->source, step.first,
                                      step.count < blocks - step.first ? step.count : blocks - step.first);
    lock_take(&reader->lock);
    plan_reached(&reader->plan, &step, got);
    lock_drop(&reader->lock);
    return true;
}

/* Copies block by block, so that only one is needed at a time. */
static int copy(struct cached_reader *reader, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                struct error *err)
{
    size_t done = 0;
    while (done < len) {
        uint64_t at = offset + done;
        size_t skip = (size_t)(at % CACHE_BLOCK_SIZE);
        struct block *block;
        int result = block_acquire(reader->cache, reader->source, at / CACHE_BLOCK_SIZE, wait, &block, err);
        if (result < 0)
            return result;
        size_t n = block->len - skip < len - done ? block->len - skip : len - done;
        memcpy((char *)buf + done, block->data + skip, n);
        block_release(block);
        done += n;
    }
    atomic_fetch_add(&reader->cache->bytes_given, len);
    return 0;
}

static int cached_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                        size_t *ret_n, struct error *err)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    if (!fetch_ahead(reader, offset, len, wait))
        return -EAGAIN;
    int result = copy(reader, buf, len, offset, wait, err);
    if (result == 0)
        *ret_n = len;
    return result;
}

static void release_blocks(struct loan *loan)
{
    for (unsigned i = 0; i < loan->count; i++)
        block_release(loan->owners[i]);
}

/* Lends what BLOCK has of the range that is not lent yet. */
static void add_piece(struct loan *loan, struct block *block, size_t skip, size_t len)
{
    size_t n = block->len - skip < len - loan->len ? block->len - skip : len - loan->len;
    loan->pieces[loan->count] = (struct iovec){block->data + skip, n};
    loan->owners[loan->count++] = block;
    loan->len += n;
}

/* Both blocks of a range at the same time. Nobody waits for one while holding another, or a few readers could hold the
   whole pool: so one is waited for, then both are looked for at once. -EAGAIN where that failed. */
static int acquire_pair(struct cached_reader *reader, uint64_t number, const struct wait *wait,
                        struct block *ret_blocks[2], struct error *err)
{
    static const struct wait at_once = {0};
    struct cache *cache = reader->cache;
    for (int i = 0; i < LEND_TRIES; i++) {
        int result = block_acquire(cache, reader->source, number, wait, &ret_blocks[0], err);
        if (result < 0)
            return result;
        result = block_acquire(cache, reader->source, number + 1, &at_once, &ret_blocks[1], err);
        if (result == 0)
            return 0;
        block_release(ret_blocks[0]);
        if (result != -EAGAIN || wait->timeout_ms == 0)
            return result;
        result = block_acquire(cache, reader->source, number + 1, wait, &ret_blocks[1], err);
        if (result < 0)
            return result;
        block_release(ret_blocks[1]);
    }
    return -EAGAIN;
}

static int cached_lend(struct reader *r, size_t len, uint64_t offset, const struct wait *wait,
                       struct loan *ret_loan, struct error *err)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    uint64_t number = offset / CACHE_BLOCK_SIZE;
    uint64_t count = (offset + len - 1) / CACHE_BLOCK_SIZE - number + 1;
    struct loan loan = {.release = release_blocks};
    struct block *blocks[2];
    int result = -EAGAIN;
    if (!fetch_ahead(reader, offset, len, wait))
        return -EAGAIN;
    if (count == 1)
        result = block_acquire(reader->cache, reader->source, number, wait, &blocks[0], err);
    else if (count == 2)
        result = acquire_pair(reader, number, wait, blocks, err);
    if (result == -EAGAIN && wait->timeout_ms)
        return reader_lend_copy(r, len, offset, wait, ret_loan, err);
    if (result < 0)
        return result;
    for (uint64_t i = 0; i < count; i++)
        add_piece(&loan, blocks[i], i ? 0 : (size_t)(offset % CACHE_BLOCK_SIZE), len);
    atomic_fetch_add(&reader->cache->bytes_given, len);
    *ret_loan = loan;
    return 0;
}

static void put_source(struct cache *cache, struct cached_object *source)
{
    lock_take(&cache->lock);
    source_put(source);
    cache_unlock(cache);
}

static void cached_close(struct reader *r)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    put_source(reader->cache, reader->source);
    lock_done(&reader->lock);
    free(reader);
}

static const struct reader_ops cached_ops = {
    .pread = cached_pread, .lend = cached_lend, .close = cached_close};

/* Takes over the reference to SOURCE. */
static int open_reader(struct cached_object *source, uint64_t size, struct reader **ret_reader,
                       struct error *err)
{
    struct cached_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        int result = error_errno(err, ENOMEM, "%s", source->object.key);
        put_source(source->cache, source);
        return result;
    }
    reader->reader = (struct reader){&cached_ops, size};
    reader->cache = source->cache;
    reader->source = source;
    plan_init(&reader->plan, size);
    lock_init(&reader->lock, LOCK_LEAF);
    *ret_reader = &reader->reader;
    return 0;
}

int cache_reader_open(struct cache *cache, const struct object *object, struct reader **ret_reader,
                      struct error *err)
{
    struct cached_object *source = source_get(cache, object);
    return source ? open_reader(source, object->size, ret_reader, err)
                  : error_errno(err, ENOMEM, "%s", object->key);
}

int cached_object_reader(struct cached_object *source, uint64_t size, struct reader **ret_reader,
                         struct error *err)
{
    lock_take(&source->cache->lock);
    source->references++;
    cache_unlock(source->cache);
    return open_reader(source, size, ret_reader, err);
}

void cache_reader_bound(struct reader *r, uint64_t end)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    lock_take(&reader->lock);
    reader->plan.bound = end < r->size ? end : r->size;
    lock_drop(&reader->lock);
}

bool cache_prefetch(struct cache *cache, const struct object *object)
{
    struct cached_object *source = source_get(cache, object);
    if (!source)
        return false;
    bool fetched = blocks_fetch_ahead(cache, source, 0, 1) == 1;
    put_source(cache, source);
    return fetched;
}

uint64_t cache_bytes_here(struct cache *cache, const struct object *object)
{
    struct cached_object *source = source_get(cache, object);
    uint64_t bytes = source && source->disk ? disk_object_bytes(source->disk) : 0;
    if (source)
        put_source(cache, source);
    return bytes;
}

void cache_stats(struct cache *cache, struct cache_stats *ret_stats)
{
    lock_take(&cache->lock);
    *ret_stats = (struct cache_stats){
        .bytes_given = cache->bytes_given,
        .bytes_fetched = cache->bytes_fetched,
        .bytes_ahead = cache->ahead_bytes,
        .bytes_ahead_used = cache->ahead_used,
        .pool_bytes = cache->used,
        .pool_max = cache->pool_bytes,
    };
    cache_unlock(cache);
}

void cache_note_progress(struct cache *cache)
{
    atomic_store(cache->progress_at, clock_ms());
}

uint64_t cache_progress_at(const struct cache *cache)
{
    return atomic_load(cache->progress_at);
}

/* As many requests as there are connections share what may be on its way. */
static void set_sizes(struct cache *cache, const struct cache_config *config)
{
    cache->pool_bytes = config->pool_bytes < CACHE_BLOCK_SIZE ? CACHE_BLOCK_SIZE : config->pool_bytes;
    cache->ahead_max = cache->pool_bytes / 8 * 7;
    cache->readahead = config->readahead;
    uint64_t share = cache->ahead_max / CACHE_BLOCK_SIZE / (config->connections ? config->connections : 1);
    cache->flight_blocks = share > FLIGHT_BLOCKS_MAX ? FLIGHT_BLOCKS_MAX : share ? (unsigned)share : 1;
}

int cache_open(const struct cache_config *config, struct store *store, struct cache **ret_cache,
               struct error *err)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return error_errno(err, ENOMEM, "cache");
    cache->store = store;
    cache->disk = config->disk;
    cache->scope = config->scope;
    cache->progress_at = config->below ? config->below->progress_at : &cache->own_progress_at;
    cache->offline = config->offline;
    cache->no_keep = config->no_keep;
    set_sizes(cache, config);
    TAILQ_INIT(&cache->idle);
    TAILQ_INIT(&cache->unsaved);
    lock_init(&cache->lock, LOCK_CACHE);
    (void)pthread_cond_init(&cache->room, NULL);
    (void)pthread_cond_init(&cache->unsaved_came, NULL);
    (void)pthread_cond_init(&cache->saved, NULL);
    int code = saver_open(cache);
    if (code) {
        cache_close(cache);
        return error_errno(err, code, "cache");
    }
    *ret_cache = cache;
    return 0;
}

void cache_close(struct cache *cache)
{
    if (!cache)
        return;
    saver_close(cache);
    lock_take(&cache->lock);
    pool_clear(cache);
    cache_unlock(cache);
    (void)pthread_cond_destroy(&cache->saved);
    (void)pthread_cond_destroy(&cache->unsaved_came);
    (void)pthread_cond_destroy(&cache->room);
    lock_done(&cache->lock);
    free(cache);
}
