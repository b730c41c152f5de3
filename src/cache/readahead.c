/* Read-ahead: what to fetch from how it is read; see readahead.h. */
#include "cache/readahead.h"

#include "cache/cache.h"
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
