/* Objects that have readers or blocks, one source each; see pool.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/strbuf.h"
#include "cache/pool.h"

/* An ETag tells versions apart; the time does only where there is none. */
static int64_t time_of(const struct object *object)
{
    return object->etag[0] ? 0 : object->mtime_ns;
}

static uint64_t hash_object(const struct object *object)
{
    uint64_t seed = XXH3_64bits_withSeed(object->etag, strlen(object->etag), object->size);
    return XXH3_64bits_withSeed(object->key, object->key_len, seed ^ (uint64_t)time_of(object));
}

static bool same_object(const struct object *a, const struct object *b)
{
    return a->size == b->size && time_of(a) == time_of(b) && a->key_len == b->key_len &&
           memcmp(a->key, b->key, a->key_len) == 0 && strcmp(a->etag, b->etag) == 0;
}

static struct cached_object *source_new(struct cache *cache, const struct object *object)
{
    size_t etag_size = strlen(object->etag) + 1;
    struct cached_object *source = calloc(1, sizeof *source + object->key_len + 1 + etag_size);
    if (!source)
        return NULL;
    char *key = (char *)(source + 1);
    memcpy(key, object->key, object->key_len);
    memcpy(key + object->key_len + 1, object->etag, etag_size);
    source->cache = cache;
    source->hash = hash_object(object);
    source->object = *object;
    source->object.key = key;
    source->object.etag = key + object->key_len + 1;
    source->object.link = NULL;
    source->references = 1;
    TAILQ_INIT(&source->wanted);
    return source;
}

/* Without its place on disk an object is only read from the store. */
static struct disk_object *place_on_disk(struct cache *cache, const struct object *object)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    if (!cache->disk)
        return NULL;
    identity_build(&cache->scope, object, &identity);
    return identity.failed ? NULL
                           : disk_object_new(cache->disk, strbuf_text(&identity), identity.len, object->size);
}

struct cached_object *source_get(struct cache *cache, const struct object *object)
{
    uint64_t hash = hash_object(object);
    struct cached_object_list *list = &cache->sources[hash % SOURCE_BUCKETS];
    struct cached_object *source;
    lock_take(&cache->lock);
    LIST_FOREACH(source, list, link)
    {
        if (source->hash == hash && same_object(&source->object, object))
            break;
    }
    if (source) {
        source->references++;
    } else if ((source = source_new(cache, object))) {
        source->disk = place_on_disk(cache, object);
        LIST_INSERT_HEAD(list, source, link);
    }
    cache_unlock(cache);
    return source;
}

void source_put(struct cached_object *source)
{
    if (--source->references)
        return;
    if (!source->fill.wake)
        LIST_REMOVE(source, link);
    LIST_INSERT_HEAD(&source->cache->dead, source, link);
}

void cache_unlock(struct cache *cache)
{
    struct cached_object_list dead = cache->dead;
    struct store *store = cache->cancelled ? cache->store : NULL;
    struct cached_object *source;
    LIST_INIT(&cache->dead);
    cache->cancelled = false;
    lock_drop(&cache->lock);
    if (store && store->ops->wake)
        store->ops->wake(store);
    while ((source = LIST_FIRST(&dead))) {
        dead.lh_first = LIST_NEXT(source, link);
        disk_object_free(source->disk);
        free(source);
    }
}

int cached_object_open(struct cache *cache, const struct object *object, uint64_t size, const char *identity,
                       size_t identity_len, const struct cache_fill *fill, struct cached_object **ret_source,
                       struct error *err)
{
    struct cached_object *source = source_new(cache, object);
    if (!source)
        return error_errno(err, ENOMEM, "%s", object->key);
    source->object.size = size;
    source->fill = *fill;
    if (cache->disk && identity_len)
        source->disk = disk_object_new(cache->disk, identity, identity_len, size);
    *ret_source = source;
    return 0;
}

void cached_object_close(struct cached_object *source)
{
    struct block *next;
    if (!source)
        return;
    struct cache *cache = source->cache;
    struct error err = {0};
    (void)error_errno(&err, ECANCELED, "%s", source->object.key);
    cached_object_refuse(source, 0, UINT64_MAX, -ECANCELED, &err);
    lock_take(&cache->lock);
    for (struct block *block = TAILQ_FIRST(&cache->idle); block; block = next) {
        next = TAILQ_NEXT(block, age);
        if (block->source == source)
            block_evict(block);
    }
    source_put(source);
    cache_unlock(cache);
}

bool cached_object_wants(struct cached_object *source, uint64_t from, uint64_t limit, uint64_t *ret_number)
{
    const struct block *block;
    uint64_t ahead = UINT64_MAX;
    uint64_t first = UINT64_MAX;
    lock_take(&source->cache->lock);
    TAILQ_FOREACH(block, &source->wanted, age)
    {
        if (block->number >= from && block->number < ahead)
            ahead = block->number;
        if (block->number < first)
            first = block->number;
    }
    cache_unlock(source->cache);
    if (ahead < limit)
        first = ahead;
    if (first >= limit)
        return false;
    *ret_number = first;
    return true;
}

/* Room for a block that no reader waits for. What is to be written to disk leaves it soon; what readers wait for does not. */
static bool make_room_to_put(struct cache *cache, size_t len)
{
    while (cache->used && cache->used + len > cache->pool_bytes) {
        struct block *oldest = TAILQ_FIRST(&cache->idle);
        if (oldest && oldest->held)
            return false; /* it would be brought twice */
        if (oldest)
            block_evict(oldest);
        else if (cache->saving || !TAILQ_EMPTY(&cache->unsaved))
            lock_wait(&cache->lock, &cache->room);
        else
            return false;
    }
    return true;
}

/* A block that data with HASH can be written to: the one that is wanted, else a new one. NULL where the block is there already, in memory
   or on disk, and where there is no room. The lock is held. */
static struct block *block_to_put(struct cached_object *source, uint64_t number, const struct hash128 *hash)
{
    struct cache *cache = source->cache;
    struct block *block = pool_find(cache, source, number);
    if (block && block->wanted) {
        block_unwant(block);
        block->filling = true;
        return block;
    }
    if (block && block->state == BLOCK_READY && memcmp(&block->hash, hash, sizeof *hash) == 0)
        return NULL;
    if (!block && source->disk && disk_object_knows(source->disk, number))
        return NULL;
    if (block)
        block_displace(block);
    bool room = make_room_to_put(cache, map_block_len(source->object.size, number));
    if (pool_find(cache, source, number)) /* a reader has come for it since */
        return block_to_put(source, number, hash);
    return room ? pool_add(cache, source, number) : NULL;
}

void cached_object_put(struct cached_object *source, uint64_t number, const void *data,
                       const struct hash128 *hash)
{
    struct cache *cache = source->cache;
    cache_note_progress(cache);
    lock_take(&cache->lock);
    struct block *block = block_to_put(source, number, hash);
    cache_unlock(cache);
    if (!block)
        return;
    memcpy(block->data, data, block->len);
    block->hash = *hash;
    block->hashed = true;
    lock_take(&cache->lock);
    block_finish(block, 0, NULL);
    cache_unlock(cache);
}

void cached_object_refuse(struct cached_object *source, uint64_t number, uint64_t count, int result,
                          const struct error *err)
{
    struct cache *cache = source->cache;
    struct block *next;
    lock_take(&cache->lock);
    for (struct block *block = TAILQ_FIRST(&source->wanted); block; block = next) {
        next = TAILQ_NEXT(block, age);
        if (block->number >= number && block->number - number < count)
            block_finish(block, result, err->message);
    }
    cache_unlock(cache);
}
