/* Many files: each is worked on once, the large ones by few at once. */
#include "cli/common/files.h"

#include <stdatomic.h>

#include "testing.h"

#define FILES 200
#define LARGE 40

static struct node *nodes[FILES];
static atomic_uint done[FILES];
static atomic_uint large;
static atomic_uint most_large;

static void work(void *context, const struct file *file)
{
    cr_assert_eq(context, done);
    unsigned is_large = file->node->size > CACHE_BLOCK_SIZE;
    unsigned now = is_large ? atomic_fetch_add(&large, 1) + 1 : 0;
    unsigned before = atomic_load(&most_large);
    while (now > before && !atomic_compare_exchange_weak(&most_large, &before, now))
        continue;
    (void)usleep(200);
    atomic_fetch_sub(&large, is_large);
    atomic_fetch_add((atomic_uint *)file->item, 1);
}

/* The first LARGE_COUNT files are large; they are added last. */
static void check(size_t count, size_t large_count, unsigned connections)
{
    struct files files = {0};
    uint64_t bytes = 0;
    for (size_t i = count; i--;) {
        nodes[i] = calloc(1, sizeof **nodes);
        nodes[i]->size = i < large_count ? 100U * CACHE_BLOCK_SIZE - i : CACHE_BLOCK_SIZE - i;
        bytes += nodes[i]->size;
        cr_assert_eq(files_add(&files, nodes[i], &done[i]), 0);
    }
    cr_assert_eq(files.bytes, bytes);
    files_each(&files, connections, work, done);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(files.items[i].node, nodes[i], "largest first");
    for (size_t i = 0; i < FILES; i++)
        cr_assert_eq(atomic_load(&done[i]), i < count, "%zu of %zu", i, count);
    cr_assert_leq(atomic_load(&most_large), 4);
    for (size_t i = 0; i < count; i++)
        free(nodes[i]);
    files_done(&files);
}

Test(files, does_each_once_and_few_large_ones_at_once)
{
    check(FILES, LARGE, 32);
}

Test(files, one_connection_is_enough)
{
    check(FILES, LARGE, 1);
}

Test(files, there_may_be_large_ones_only)
{
    check(LARGE, LARGE, 32);
}

Test(files, nothing_is_nothing)
{
    check(0, 0, 32);
}

Test(files, a_smaller_read_ahead_stays)
{
    struct run_config config = {.readahead = 5};
    files_configure(&config);
    cr_assert_eq(config.readahead, 5);
    config.readahead = UINT64_MAX;
    files_configure(&config);
    cr_assert_lt(config.readahead, config.pool_bytes);
    cr_assert(config.no_keep);
}
