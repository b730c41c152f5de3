/* The cache's life, and its readers; see cache.h. */
#include "cache/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/pool.h"

/* A reader is sequential as long as each read begins near the end of the one before; the kernel's own read-ahead runs
   several at once and out of order. */
#define NEAR_BYTES (512U * 1024)

struct cached_reader {
    struct reader reader;
    struct cache *cache;
    struct source *source;
    pthread_mutex_t lock; /* guards all below */
    uint64_t end;         /* of the furthest read of the sequence */
    uint64_t sequence;    /* bytes read in sequence */
    uint64_t ahead;       /* the block up to which fetching ahead was started */
};

/* Notes a read and tells which blocks to fetch ahead: as many bytes as were read in sequence, twice over. */
static uint64_t plan_ahead(struct cached_reader *reader, uint64_t offset, size_t len, uint64_t *ret_first)
{
    uint64_t blocks = reader->reader.size / CACHE_BLOCK_SIZE + (reader->reader.size % CACHE_BLOCK_SIZE != 0);
    uint64_t end = offset + len;
    (void)pthread_mutex_lock(&reader->lock);
    bool near = offset <= reader->end + NEAR_BYTES && end + NEAR_BYTES >= reader->end;
    if (!near)
        reader->sequence = reader->ahead = 0;
    reader->sequence += len;
    reader->end = near && reader->end > end ? reader->end : end;
    uint64_t window =
        2 * reader->sequence < reader->cache->readahead ? 2 * reader->sequence : reader->cache->readahead;
    uint64_t last = (reader->end + window) / CACHE_BLOCK_SIZE; /* the block that the window ends in */
    uint64_t first = reader->end / CACHE_BLOCK_SIZE + 1;
    if (first < reader->ahead)
        first = reader->ahead;
    if (last >= blocks)
        last = blocks ? blocks - 1 : 0;
    uint64_t count = last >= first && reader->sequence > len ? last - first + 1 : 0;
    (void)pthread_mutex_unlock(&reader->lock);
    *ret_first = first;
    return count;
}

static void fetch_ahead(struct cached_reader *reader, uint64_t offset, size_t len)
{
    uint64_t first;
    uint64_t count = plan_ahead(reader, offset, len, &first);
    if (!count)
        return;
    uint64_t got = blocks_fetch_ahead(reader->cache, reader->source, first, count);
    (void)pthread_mutex_lock(&reader->lock);
    if (first + got > reader->ahead)
        reader->ahead = first + got;
    (void)pthread_mutex_unlock(&reader->lock);
}

static int cached_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                        size_t *ret_n, struct error *err)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    size_t done = 0;
    fetch_ahead(reader, offset, len);
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
    *ret_n = done;
    return 0;
}

static void cached_close(struct reader *r)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    (void)pthread_mutex_lock(&reader->cache->lock);
    source_put(reader->source);
    (void)pthread_mutex_unlock(&reader->cache->lock);
    (void)pthread_mutex_destroy(&reader->lock);
    free(reader);
}

static const struct reader_ops cached_ops = {cached_pread, cached_close};

int cache_reader_open(struct cache *cache, const struct object *object, struct reader **ret_reader,
                      struct error *err)
{
    struct cached_reader *reader = calloc(1, sizeof *reader);
    if (!reader || !(reader->source = source_get(cache, object))) {
        free(reader);
        return error_errno(err, ENOMEM, "%s", object->key);
    }
    reader->reader = (struct reader){&cached_ops, object->size};
    reader->cache = cache;
    (void)pthread_mutex_init(&reader->lock, NULL);
    *ret_reader = &reader->reader;
    return 0;
}

bool cache_prefetch(struct cache *cache, const struct object *object)
{
    struct source *source = source_get(cache, object);
    if (!source)
        return false;
    bool fetched = blocks_fetch_ahead(cache, source, 0, 1) == 1;
    (void)pthread_mutex_lock(&cache->lock);
    source_put(source);
    (void)pthread_mutex_unlock(&cache->lock);
    return fetched;
}

int cache_open(const struct cache_config *config, struct store *store, struct cache **ret_cache,
               struct error *err)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return error_errno(err, ENOMEM, "cache");
    cache->store = store;
    cache->pool_bytes = config->pool_bytes < CACHE_BLOCK_SIZE ? CACHE_BLOCK_SIZE : config->pool_bytes;
    cache->readahead = config->readahead;
    TAILQ_INIT(&cache->idle);
    (void)pthread_mutex_init(&cache->lock, NULL);
    (void)pthread_cond_init(&cache->room, NULL);
    *ret_cache = cache;
    return 0;
}

void cache_close(struct cache *cache)
{
    if (!cache)
        return;
    pool_clear(cache);
    (void)pthread_cond_destroy(&cache->room);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}
