/* What is fetched ahead, from how it is read. */
#include "cache/readahead.h"

#include "cache/cache.h"
#include "testing.h"

#define BLOCK  ((uint64_t)CACHE_BLOCK_SIZE)
#define BLOCKS 1000
#define PAUSE  60000 /* milliseconds, after which a reader's jumps are forgotten */

static const struct plan_limits limits = {.window = 16 * CACHE_BLOCK_SIZE, .whole_max = UINT64_MAX};

static struct plan plan;
static uint64_t now;

static void set_up(void)
{
    plan_init(&plan, BLOCKS * BLOCK);
    now = 1000000;
}

TestSuite(plan, .init = set_up);

static struct plan_step read_at(uint64_t offset, size_t len)
{
    struct plan_step step = plan_read(&plan, &limits, offset, len, now);
    if (step.count)
        plan_reached(&plan, &step, step.count);
    return step;
}

/* Reads in the middle of a block far from all read before. */
static struct plan_step jump(unsigned i)
{
    return read_at((i * 337ULL % BLOCKS) * BLOCK + 5000, 4096);
}

Test(plan, a_first_read_asks_for_nothing)
{
    cr_assert_eq(read_at(0, BLOCK).count, 0);
}

Test(plan, a_sequence_has_a_window_that_doubles_up_to_the_limit)
{
    uint64_t reached = 0;
    uint64_t most = 0;
    for (uint64_t offset = 0; offset < 100 * BLOCK; offset += BLOCK / 8) {
        struct plan_step step = read_at(offset, BLOCK / 8);
        if (!step.count)
            continue;
        cr_assert_not(step.whole);
        if (reached)
            cr_assert_eq(step.first, reached, "nothing twice, nothing left out");
        reached = step.first + step.count;
        uint64_t ahead = reached - (offset + BLOCK / 8) / BLOCK;
        cr_assert_leq(ahead, 17);
        if (offset < 4 * BLOCK)
            cr_assert_leq(ahead, 4ULL << (offset / BLOCK), "no more than doubled");
        most = ahead > most ? ahead : most;
    }
    cr_assert_geq(most, 16);
    cr_assert_geq(reached, 100 + 15);
}

Test(plan, a_sequence_ends_with_the_object)
{
    for (uint64_t i = 0; i < 8; i++) {
        struct plan_step step = read_at((BLOCKS - 1) * BLOCK + i * BLOCK / 8, BLOCK / 8);
        cr_assert_eq(step.count, 0);
    }
    set_up();
    for (uint64_t i = 0; i < 16; i++) {
        struct plan_step step = read_at((BLOCKS - 2) * BLOCK + i * BLOCK / 8, BLOCK / 8);
        if (step.count)
            cr_assert_leq(step.first + step.count, BLOCKS);
    }
}

Test(plan, reads_past_the_end_and_of_nothing_ask_for_nothing)
{
    cr_assert_eq(read_at(BLOCKS * BLOCK, 1).count, 0);
    cr_assert_eq(read_at(BLOCKS * BLOCK - 1, 2).count, 0);
    cr_assert_eq(read_at(0, 0).count, 0);
    plan_init(&plan, 0);
    cr_assert_eq(read_at(0, 0).count, 0);
    cr_assert_eq(read_at(0, 1).count, 0);
}

/* The kernel's own read-ahead runs several at once. */
Test(plan, out_of_order_but_near_is_a_sequence)
{
    static const uint64_t order[] = {1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10};
    uint64_t reached = 0;
    for (size_t i = 0; i < COUNT(order); i++) {
        struct plan_step step = read_at(order[i] * BLOCK / 2, BLOCK / 2);
        reached = step.count ? step.first + step.count : reached;
    }
    cr_assert_geq(reached, 6 + 4);
    cr_assert_leq(plan.jumps, 1);
}

Test(plan, random_reads_fetch_nothing_ahead)
{
    for (unsigned i = 0; i < PLAN_JUMPS; i++)
        cr_assert_eq(jump(i).count, 0, "jump %u", i);
}

Test(plan, a_random_read_that_is_tried_again_is_no_sequence)
{
    for (unsigned i = 0; i < PLAN_JUMPS; i++)
        for (int again = 0; again < 2; again++)
            cr_assert_eq(read_at((i * 337ULL % BLOCKS) * BLOCK, 300000).count, 0, "jump %u", i);
}

Test(plan, after_enough_jumps_all_of_the_object_is_fetched)
{
    uint64_t whole = 0;
    unsigned first = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        struct plan_step step = jump(i);
        if (!step.count)
            continue;
        first = first ? first : i;
        cr_assert(step.whole);
        cr_assert_eq(step.first, whole);
        whole += step.count;
    }
    cr_assert_geq(whole, BLOCKS, "all of it");
    cr_assert_gt(first, PLAN_JUMPS - 1);
    cr_assert_geq(first, BLOCKS / PLAN_SHARE - 1);
    cr_assert_leq(first, BLOCKS / PLAN_SHARE + 2);
}

Test(plan, what_could_not_be_fetched_is_asked_for_again)
{
    struct plan_step step = {0};
    for (unsigned i = 0; !step.count; i++)
        step = plan_read(&plan, &limits, (i * 337ULL % BLOCKS) * BLOCK, 4096, now);
    plan_reached(&plan, &step, 5);
    step = plan_read(&plan, &limits, 500 * BLOCK, 4096, now);
    cr_assert_eq(step.first, 5);
    plan_reached(&plan, &step, 0);
    cr_assert_eq(plan_read(&plan, &limits, 700 * BLOCK, 4096, now).first, 5);
}

Test(plan, a_pause_resets_the_count)
{
    for (unsigned i = 0; i < 10 * PLAN_JUMPS; i++) {
        if (i % PLAN_JUMPS == 0)
            now += PAUSE;
        cr_assert_eq(jump(i).count, 0, "jump %u", i);
    }
}

Test(plan, an_object_that_is_too_large_is_not_fetched_as_a_whole)
{
    const struct plan_limits small = {.window = 16 * BLOCK, .whole_max = BLOCKS * BLOCK - 1};
    for (unsigned i = 0; i < BLOCKS; i++)
        cr_assert_eq(plan_read(&plan, &small, (i * 337ULL % BLOCKS) * BLOCK, 4096, now).count, 0);
}

Test(plan, without_a_window_nothing_is_fetched_ahead)
{
    const struct plan_limits none = {0};
    for (uint64_t i = 0; i < 100; i++)
        cr_assert_eq(plan_read(&plan, &none, i * BLOCK / 4, BLOCK / 4, now).count, 0);
}
