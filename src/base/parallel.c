#include "base/parallel.h"

#include <stdatomic.h>

#include "base/lock.h"
#include "base/thread.h"
#include "base/wait.h"

struct parallel {
    size_t count;
    void (*run)(void *context, size_t index);
    void *context;
    _Atomic size_t next;
};

static void *work(void *context)
{
    struct parallel *parallel = context;
    size_t index;
    while ((index = atomic_fetch_add(&parallel->next, 1)) < parallel->count)
        parallel->run(parallel->context, index);
    return NULL;
}

void parallel_each(size_t count, unsigned threads, void (*run)(void *context, size_t index), void *context)
{
    struct parallel parallel = {.count = count, .run = run, .context = context};
    pthread_t others[PARALLEL_MAX];
    unsigned started = 0;
    assert_may_block("works in parallel");
    while (started + 1 < threads && started + 1 < count && started < PARALLEL_MAX &&
           thread_create(&others[started], 0, work, &parallel) == 0)
        started++;
    (void)work(&parallel);
    for (unsigned i = 0; i < started; i++)
        thread_join(others[i]);
}
