#include "cli/common/bulk_read.h"

#include <stdatomic.h>

#include "base/parallel.h"

/* Together these keep all connections busy, and fit into memory with what else is on its way. */
#define LARGE_AT_ONCE 4
#define LARGE_AHEAD   (8U * 1024 * 1024)
#define POOL_BYTES    (96U * 1024 * 1024)

struct bulk {
    void (*run)(void *context, size_t index);
    void *context;
    size_t count;
    size_t large; /* those before it take more than one request each */
    _Atomic size_t next_large;
    _Atomic size_t next_small;
};

void bulk_read_configure(struct run_config *config)
{
    config->no_keep = true;
    config->pool_bytes = POOL_BYTES;
    if (config->readahead > LARGE_AHEAD)
        config->readahead = LARGE_AHEAD;
}

/* Few take the large files, the others none, or what is fetched ahead of them all would push each other out. */
static void bulk_work(void *context, size_t number)
{
    struct bulk *bulk = context;
    size_t i;
    while (number < LARGE_AT_ONCE && (i = atomic_fetch_add(&bulk->next_large, 1)) < bulk->large)
        bulk->run(bulk->context, i);
    while ((i = atomic_fetch_add(&bulk->next_small, 1)) < bulk->count)
        bulk->run(bulk->context, i);
}

void bulk_read(size_t count, unsigned connections, void (*run)(void *context, size_t index),
               uint64_t (*size_of)(const void *context, size_t index), void *context)
{
    struct bulk bulk = {.run = run, .context = context, .count = count};
    unsigned workers = connections < LARGE_AT_ONCE ? LARGE_AT_ONCE : connections;
    while (bulk.large < count && size_of(context, bulk.large) > CACHE_BLOCK_SIZE)
        bulk.large++;
    atomic_store(&bulk.next_small, bulk.large);
    parallel_each(workers, workers, bulk_work, &bulk);
}
