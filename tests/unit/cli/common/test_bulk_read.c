/* Many files: each is worked on once, the large ones by few at once. */
#include "cli/common/bulk_read.h"

#include <stdatomic.h>

#include "testing.h"

#define FILES 200
#define LARGE 40

static atomic_uint done[FILES];
static atomic_uint large;
static atomic_uint most_large;

static uint64_t size_of(const void *context, size_t index)
{
    cr_assert_eq(context, done);
    return index < LARGE ? 100U * CACHE_BLOCK_SIZE - index : CACHE_BLOCK_SIZE - index;
}

static void work(void *context, size_t index)
{
    (void)context;
    unsigned now = index < LARGE ? atomic_fetch_add(&large, 1) + 1 : 0;
    unsigned before = atomic_load(&most_large);
    while (now > before && !atomic_compare_exchange_weak(&most_large, &before, now))
        continue;
    (void)usleep(200);
    atomic_fetch_sub(&large, index < LARGE);
    atomic_fetch_add(&done[index], 1);
}

static void check(size_t count, unsigned connections)
{
    bulk_read(count, connections, work, size_of, done);
    for (size_t i = 0; i < FILES; i++)
        cr_assert_eq(atomic_load(&done[i]), i < count, "%zu of %zu", i, count);
    cr_assert_leq(atomic_load(&most_large), 4);
}

Test(bulk_read, does_each_once_and_few_large_ones_at_once)
{
    check(FILES, 32);
}

Test(bulk_read, one_connection_is_enough)
{
    check(FILES, 1);
}

Test(bulk_read, there_may_be_large_ones_only)
{
    check(LARGE - 1, 32);
}

Test(bulk_read, nothing_is_nothing)
{
    check(0, 32);
}

Test(bulk_read, a_smaller_read_ahead_stays)
{
    struct run_config config = {.readahead = 5};
    bulk_read_configure(&config);
    cr_assert_eq(config.readahead, 5);
    config.readahead = UINT64_MAX;
    bulk_read_configure(&config);
    cr_assert_lt(config.readahead, config.pool_bytes);
    cr_assert(config.no_keep);
}
