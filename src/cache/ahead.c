/* Fetching ahead of readers: blocks that are neither here nor on disk, as long as that pays; see pool.h. */
#include <errno.h>
#include <stdlib.h>

#include "cache/fetch.h"
#include "disk/map.h"

#define RECENT_BYTES (1024ULL * 1024 * 1024) /* what was fetched ahead before counts half */
#define UNUSED_TIMES 4 /* so many read-ahead windows may go unused, and as much as was used */

/* Whether fetching ahead has paid lately. */
static bool pays(const struct cache *cache)
{
    return cache->recent_ahead <= 2 * cache->recent_used + UNUSED_TIMES * cache->readahead;
}

static void count_ahead(struct cache *cache, uint64_t bytes)
{
    cache->ahead_bytes += bytes;
    cache->recent_ahead += bytes;
    if (cache->recent_ahead < RECENT_BYTES)
        return;
    cache->recent_ahead /= 2;
    cache->recent_used /= 2;
}

/* Makes room for LEN bytes by evicting idle blocks; false where that is not enough, where too much is here already that
   nobody has used, or where what was fetched ahead is not used. */
static bool make_room_ahead(struct cache *cache, size_t len)
{
    if (cache->ahead + len > cache->ahead_max || !pays(cache))
        return false;
    while (cache->used + len > cache->pool_bytes && !TAILQ_EMPTY(&cache->idle)) {
        struct block *oldest = TAILQ_FIRST(&cache->idle);
        if (oldest->held)
            return false; /* it would be fetched twice */
        block_evict(oldest);
    }
    return cache->used + len <= cache->pool_bytes;
}

static bool is_here(struct cache *cache, struct source *source, uint64_t number)
{
    return pool_find(cache, source, number) || (source->disk && disk_object_knows(source->disk, number));
}

/* Makes up to flight_blocks missing neighbours from *NUMBER on; none where there is no room. Steps *NUMBER over what
   is here or was made. The lock is held. */
static unsigned make_missing(struct cache *cache, struct source *source, uint64_t *number, uint64_t end,
                             struct block *ret_blocks[FLIGHT_BLOCKS_MAX])
{
    unsigned count = 0;
    for (; *number < end && count < cache->flight_blocks; (*number)++) {
        if (is_here(cache, source, *number)) {
            if (count)
                break;
            continue;
        }
        if (!make_room_ahead(cache, map_block_len(source->object.size, *number)))
            break;
        struct block *block = pool_add(cache, source, *number);
        if (!block)
            break;
        block->ahead = block->held = true;
        cache->ahead += block->len;
        ret_blocks[count++] = block;
    }
    return count;
}

/* Whether this process is to fetch the block: it is not on disk meanwhile, and no other process is at it. */
static bool is_ours(struct block *block)
{
    enum disk_claim claim = block_claim(block);
    return claim == DISK_CLAIMED || claim == DISK_UNUSABLE ||
           (claim == DISK_FOREIGN && pool_is_impatient(block->cache));
}

/* A flight of the first blocks of COUNT that are OURS; those before them are withdrawn. Steps *I over them. NULL where
   there are none left. The lock is held. */
static struct flight *next_flight(struct cache *cache, struct block *blocks[], const bool ours[],
                                  unsigned count, unsigned *i)
{
    for (; *i < count && !ours[*i]; (*i)++)
        block_withdraw(blocks[*i]);
    if (*i == count)
        return NULL;
    struct flight *flight = flight_new(cache, FETCH_READAHEAD);
    for (; *i < count && ours[*i]; (*i)++) {
        if (!flight) {
            block_finish(blocks[*i], -ENOMEM, "out of memory");
            continue;
        }
        count_ahead(cache, blocks[*i]->len);
        flight_add(flight, blocks[*i]);
    }
    return flight;
}

static void start(struct cache *cache, struct block *blocks[], unsigned count)
{
    bool ours[FLIGHT_BLOCKS_MAX];
    for (unsigned i = 0; i < count; i++)
        ours[i] = is_ours(blocks[i]);
    for (unsigned i = 0; i < count;) {
        (void)pthread_mutex_lock(&cache->lock);
        struct flight *flight = next_flight(cache, blocks, ours, count, &i);
        (void)pthread_mutex_unlock(&cache->lock);
        if (flight)
            flight_start(flight);
    }
}

uint64_t blocks_fetch_ahead(struct cache *cache, struct source *source, uint64_t number, uint64_t count)
{
    struct block *blocks[FLIGHT_BLOCKS_MAX];
    uint64_t blocks_in_all = map_blocks(source->object.size);
    uint64_t next = number;
    uint64_t end = number + count < blocks_in_all ? number + count : blocks_in_all;
    unsigned made = cache->offline ? 0 : 1;
    while (made && next < end) {
        (void)pthread_mutex_lock(&cache->lock);
        made = make_missing(cache, source, &next, end, blocks);
        (void)pthread_mutex_unlock(&cache->lock);
        start(cache, blocks, made);
    }
    return next > number ? next - number : 0;
}
