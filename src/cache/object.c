/* Objects that have readers or blocks, one source each; see pool.h. */
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

static struct source *source_new(const struct object *object, uint64_t hash)
{
    size_t etag_size = strlen(object->etag) + 1;
    struct source *source = calloc(1, sizeof *source + object->key_len + 1 + etag_size);
    if (!source)
        return NULL;
    char *key = (char *)(source + 1);
    memcpy(key, object->key, object->key_len);
    memcpy(key + object->key_len + 1, object->etag, etag_size);
    source->hash = hash;
    source->object = *object;
    source->object.key = key;
    source->object.etag = key + object->key_len + 1;
    source->object.link = NULL;
    return source;
}

/* Without its place on disk an object is only read from the store. */
static struct disk_object *place_on_disk(struct cache *cache, const struct object *object)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    if (!cache->disk)
        return NULL;
    if (cache->decoded)
        identity_build_decoded(&cache->scope, object, &identity);
    else
        identity_build(&cache->scope, object, &identity);
    return identity.failed ? NULL
                           : disk_object_new(cache->disk, strbuf_text(&identity), identity.len,
                                             cache->decoded ? CACHE_DECODED_SIZE : object->size);
}

struct source *source_get(struct cache *cache, const struct object *object)
{
    uint64_t hash = hash_object(object);
    struct source_list *list = &cache->sources[hash % SOURCE_BUCKETS];
    struct source *source;
    (void)pthread_mutex_lock(&cache->lock);
    LIST_FOREACH(source, list, link)
    {
        if (source->hash == hash && same_object(&source->object, object))
            break;
    }
    if (!source && (source = source_new(object, hash))) {
        source->disk = place_on_disk(cache, object);
        LIST_INSERT_HEAD(list, source, link);
    }
    if (source)
        source->references++;
    (void)pthread_mutex_unlock(&cache->lock);
    return source;
}

void source_put(struct source *source)
{
    if (--source->references)
        return;
    LIST_REMOVE(source, link);
    disk_object_free(source->disk);
    free(source);
}
