/* The cache's life, and its readers; see cache.h. */
#include "cache/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/pool.h"

struct cached_reader {
    struct reader reader;
    struct cache *cache;
    struct source *source;
};

static int cached_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                        size_t *ret_n, struct error *err)
{
    struct cached_reader *reader = (struct cached_reader *)r;
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
    *ret_n = done;
    return 0;
}

static void cached_close(struct reader *r)
{
    struct cached_reader *reader = (struct cached_reader *)r;
    (void)pthread_mutex_lock(&reader->cache->lock);
    source_put(reader->source);
    (void)pthread_mutex_unlock(&reader->cache->lock);
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
    *ret_reader = &reader->reader;
    return 0;
}

int cache_open(const struct cache_config *config, struct store *store, struct cache **ret_cache,
               struct error *err)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return error_errno(err, ENOMEM, "cache");
    cache->store = store;
    cache->pool_bytes = config->pool_bytes < CACHE_BLOCK_SIZE ? CACHE_BLOCK_SIZE : config->pool_bytes;
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
