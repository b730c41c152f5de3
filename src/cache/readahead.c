/* Read-ahead: what to fetch from how it is read; see readahead.h. */
#include "cache/readahead.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/cache.h"
#include "cache/fetch.h"
#include "disk/map.h"

/* A reader is sequential as long as each read begins near the end of the one before; the kernel's own read-ahead runs
   several at once and out of order. */
#define NEAR_BYTES (2U * 1024 * 1024)

#define SEQUENCE_BYTES (128U * 1024) /* more bytes than these in turn are a sequence */
#define FIRST_WINDOW   2             /* blocks */
#define DOUBLINGS      24
#define JUMPS_KEPT_MS  10000 /* a reader that pauses for longer begins to count anew */
#define WHOLE_STEP     64    /* blocks of the whole that one read asks for */

void plan_init(struct plan *plan, uint64_t size)
{
    *plan = (struct plan){.size = size, .bound = size};
}

static bool is_near(const struct plan *plan, uint64_t offset, uint64_t end)
{
    return plan->reads && offset <= plan->end + NEAR_BYTES && end + NEAR_BYTES >= plan->end;
}

static void begin_sequence(struct plan *plan, uint64_t offset, uint64_t end, uint64_t now_ms)
{
    if (now_ms > plan->jumped_ms + JUMPS_KEPT_MS)
        plan->jumps = 0;
    plan->jumps++;
    plan->jumped_ms = now_ms;
    plan->began = offset;
    plan->end = end;
    plan->ahead = 0;
    plan->reads = 0;
}

/* Bytes to be ahead of where the reader is. */
static uint64_t window_of(const struct plan *plan, const struct plan_limits *limits)
{
    uint64_t entered = (plan->end - 1) / CACHE_BLOCK_SIZE - plan->began / CACHE_BLOCK_SIZE;
    uint64_t window = (uint64_t)FIRST_WINDOW * CACHE_BLOCK_SIZE
                      << (entered < DOUBLINGS ? entered : DOUBLINGS);
    return window < limits->window ? window : limits->window;
}

static struct plan_step sequence_step(const struct plan *plan, const struct plan_limits *limits)
{
    struct plan_step step = {.first = (plan->end - 1) / CACHE_BLOCK_SIZE + 1};
    uint64_t window = window_of(plan, limits);
    uint64_t end = window ? (plan->end + window - 1) / CACHE_BLOCK_SIZE + 1 : 0;
    if (end > map_blocks(plan->bound))
        end = map_blocks(plan->bound);
    if (step.first < plan->ahead)
        step.first = plan->ahead;
    if (end > step.first)
        step.count = end - step.first;
    return step;
}

static bool wants_whole(const struct plan *plan, const struct plan_limits *limits)
{
    uint64_t blocks = map_blocks(plan->size);
    return plan->size <= limits->whole_max && plan->jumps > PLAN_JUMPS && plan->jumps > blocks / PLAN_SHARE &&
           plan->whole < blocks;
}

struct plan_step plan_read(struct plan *plan, const struct plan_limits *limits, uint64_t offset, size_t len,
                           uint64_t now_ms)
{
    uint64_t end = offset + len;
    bool near = is_near(plan, offset, end);
    bool again = plan->reads && offset == plan->last && end == plan->last_end;
    if (len == 0 || end > plan->size || again)
        return (struct plan_step){0};
    plan->last = offset;
    plan->last_end = end;
    if (!near)
        begin_sequence(plan, offset, end, now_ms);
    else if (end > plan->end)
        plan->end = end;
    plan->reads++;
    if (near && plan->end > plan->began + SEQUENCE_BYTES)
        return sequence_step(plan, limits);
    if (!near && wants_whole(plan, limits))
        return (struct plan_step){.first = plan->whole, .count = WHOLE_STEP, .whole = true};
    return (struct plan_step){0};
}

void plan_reached(struct plan *plan, const struct plan_step *step, uint64_t got)
{
    uint64_t *mark = step->whole ? &plan->whole : &plan->ahead;
    if (step->first + got > *mark)
        *mark = step->first + got;
}

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

static bool is_here(struct cache *cache, struct cached_object *source, uint64_t number)
{
    return pool_find(cache, source, number) || (source->disk && disk_object_knows(source->disk, number));
}

/* Makes up to flight_blocks missing neighbours from *NUMBER on; none where there is no room. Steps *NUMBER over what
   is here or was made. The lock is held. */
static unsigned make_missing(struct cache *cache, struct cached_object *source, uint64_t *number,
                             uint64_t end, struct block *ret_blocks[FLIGHT_BLOCKS_MAX])
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

/* Has those of COUNT blocks that are OURS brought by their source's fill. The lock is held. */
static void want(struct cache *cache, struct block *blocks[], const bool ours[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!ours[i]) {
            block_withdraw(blocks[i]);
            continue;
        }
        count_ahead(cache, blocks[i]->len);
        block_want(blocks[i]);
    }
}

static void start(struct cached_object *source, struct block *blocks[], unsigned count)
{
    struct cache *cache = source->cache;
    bool ours[FLIGHT_BLOCKS_MAX];
    struct error err = {0};
    for (unsigned i = 0; i < count; i++)
        ours[i] = is_ours(blocks[i]);
    if (source->fill.wake) {
        lock_take(&cache->lock);
        want(cache, blocks, ours, count);
        cache_unlock(cache);
        int result = source->fill.wake(source->fill.context, &err);
        if (result < 0)
            cached_object_refuse(source, 0, UINT64_MAX, result, &err);
        return;
    }
    for (unsigned i = 0; i < count;) {
        lock_take(&cache->lock);
        struct flight *flight = next_flight(cache, blocks, ours, count, &i);
        cache_unlock(cache);
        if (flight)
            flight_start(flight);
    }
}

uint64_t blocks_fetch_ahead(struct cache *cache, struct cached_object *source, uint64_t number,
                            uint64_t count)
{
    struct block *blocks[FLIGHT_BLOCKS_MAX];
    uint64_t blocks_in_all = map_blocks(source->object.size);
    uint64_t next = number;
    uint64_t end = number + count < blocks_in_all ? number + count : blocks_in_all;
    unsigned made = cache->offline ? 0 : 1;
    while (made && next < end) {
        lock_take(&cache->lock);
        made = make_missing(cache, source, &next, end, blocks);
        cache_unlock(cache);
        if (made)
            start(source, blocks, made);
    }
    return next > number ? next - number : 0;
}
