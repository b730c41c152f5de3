/* One fetch of neighbouring blocks; see fetch.h. */
#include "cache/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/wait.h"

static struct flight *flight_of(struct fetch_sink *sink)
{
    return (struct flight *)sink; /* its first member */
}

static void notice_progress(struct flight *flight, size_t len)
{
    flight->noticed += len;
    if (flight->noticed < PROGRESS_BYTES)
        return;
    flight->noticed = 0;
    cache_note_progress(flight->cache);
}

/* The current block has all of its bytes. */
static void finish_current(struct flight *flight)
{
    struct cache *cache = flight->cache;
    lock_take(&cache->lock);
    block_finish(flight->blocks[flight->current], 0, NULL);
    cache_unlock(cache);
    cache_note_progress(cache); /* also where it is smaller than PROGRESS_BYTES */
    flight->current++;
    flight->filled = 0;
}

/* The store's thread: bytes have come. Nobody else touches a block's data before it is ready. */
static void on_data(struct fetch_sink *sink, const void *bytes, size_t len)
{
    struct flight *flight = flight_of(sink);
    const char *from = bytes;
    notice_progress(flight, len);
    atomic_fetch_add(&flight->cache->bytes_fetched, len);
    while (len) {
        struct block *block = flight->blocks[flight->current];
        size_t n = block->len - flight->filled < len ? block->len - flight->filled : len;
        memcpy(block->data + flight->filled, from, n);
        flight->filled += n;
        from += n;
        len -= n;
        if (flight->filled == block->len)
            finish_current(flight);
    }
}

static void end(struct flight *flight, int result, const struct error *err)
{
    struct cache *cache = flight->cache;
    if (result == -ESTALE || result == -EACCES) /* the server answers */
        cache_note_progress(cache);
    lock_take(&cache->lock);
    for (unsigned i = flight->current; i < flight->count; i++)
        block_finish(flight->blocks[i], result, err->message);
    cache_unlock(cache);
    free(flight);
}

static void on_done(struct fetch_sink *sink, int result, const struct error *err)
{
    end(flight_of(sink), result, err);
}

struct flight *flight_new(struct cache *cache, enum fetch_class fetch_class)
{
    struct flight *flight = calloc(1, sizeof *flight);
    if (!flight)
        return NULL;
    flight->sink.data = on_data;
    flight->sink.done = on_done;
    flight->cache = cache;
    flight->fetch_class = fetch_class;
    flight->demanded = fetch_class == FETCH_READ;
    return flight;
}

void flight_add(struct flight *flight, struct block *block)
{
    flight->blocks[flight->count++] = block;
    block->flight = flight;
    block->filling = false;
    if (block->users) /* who came before the flight was made */
        atomic_store(&flight->sink.urgent, true);
}

void flight_start(struct flight *flight)
{
    struct store *store = flight->cache->store;
    const struct block *first = flight->blocks[0];
    struct error err = {0};
    uint64_t len = 0;
    for (unsigned i = 0; i < flight->count; i++)
        len += flight->blocks[i]->len;
    int result = store->ops->fetch(store, &first->source->object, first->number * CACHE_BLOCK_SIZE, len,
                                   flight->fetch_class, &flight->sink, &err);
    if (result < 0)
        end(flight, result, &err);
}
