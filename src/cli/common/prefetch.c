/* Reading many files of a run whole; see prefetch.h. */
#include "cli/common/prefetch.h"

#include <stdatomic.h>

#include "base/parallel.h"

/* Together these keep all connections busy, and fit into memory with what else is on its way. */
#define LARGE_AT_ONCE 4
#define LARGE_AHEAD   (8U * 1024 * 1024)
#define POOL_BYTES    (96U * 1024 * 1024)

struct batch {
    void (*run)(void *context, size_t index);
    void *context;
    size_t count;
    size_t large; /* those before it take more than one request each */
    _Atomic size_t next_large;
    _Atomic size_t next_small;
};

void batch_configure(struct run_config *config)
{
    config->no_keep = true;
    config->pool_bytes = POOL_BYTES;
    if (config->readahead > LARGE_AHEAD)
        config->readahead = LARGE_AHEAD;
}

/* Few take the large files, the others none, or what is fetched ahead of them all would push each other out. */
static void work(void *context, size_t number)
{
    struct batch *batch = context;
    size_t i;
    while (number < LARGE_AT_ONCE && (i = atomic_fetch_add(&batch->next_large, 1)) < batch->large)
        batch->run(batch->context, i);
    while ((i = atomic_fetch_add(&batch->next_small, 1)) < batch->count)
        batch->run(batch->context, i);
}

void batch_run(size_t count, unsigned connections, void (*run)(void *context, size_t index),
               uint64_t (*size_of)(const void *context, size_t index), void *context)
{
    struct batch batch = {.run = run, .context = context, .count = count};
    unsigned workers = connections < LARGE_AT_ONCE ? LARGE_AT_ONCE : connections;
    while (batch.large < count && size_of(context, batch.large) > CACHE_BLOCK_SIZE)
        batch.large++;
    atomic_store(&batch.next_small, batch.large);
    parallel_each(workers, workers, work, &batch);
}
