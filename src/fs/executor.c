/* The threads on which operations wait; see executor.h. */
#include "fs/executor.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/thread.h"

#define STACK_BYTES (4U * 1024 * 1024) /* address space only; listing a deep local tree recurses */

#define URGENT_MAX 2 /* their jobs are short */

/* The jobs of one class and key. */
struct lane {
    TAILQ_ENTRY(lane) link;
    unsigned class;
    uintptr_t key;
    unsigned running;
    STAILQ_HEAD(, job) jobs;
};

struct executor {
    struct executor_class classes[EXECUTOR_CLASSES_MAX + 1]; /* the last one for urgent jobs */
    unsigned urgent;                                         /* its number */
    struct lock lock;                                        /* guards all below */
    pthread_cond_t wake;
    TAILQ_HEAD(, lane) lanes; /* those with jobs, the one that had its turn last at the end */
    unsigned running[EXECUTOR_CLASSES_MAX + 1];
    unsigned idle;    /* threads without a job, but for those that... */
    unsigned wakeups; /* ...are being woken for one */
    unsigned count;
    unsigned max;
    bool stopping;
    pthread_t threads[];
};

static bool may_run(const struct executor *executor, const struct lane *lane)
{
    const struct executor_class *class = &executor->classes[lane->class];
    return !STAILQ_EMPTY(&lane->jobs) &&
           (executor->stopping ||
            (lane->running < class->share && executor->running[lane->class] < class->max));
}

/* The lane whose turn it is; NULL where no job may run. */
static struct lane *next_lane(const struct executor *executor)
{
    struct lane *lane;
    TAILQ_FOREACH(lane, &executor->lanes, link)
    {
        if (may_run(executor, lane))
            break;
    }
    return lane;
}

/* Frees a lane without jobs. */
static void drop_lane(struct executor *executor, struct lane *lane)
{
    if (lane->running || !STAILQ_EMPTY(&lane->jobs))
        return;
    TAILQ_REMOVE(&executor->lanes, lane, link);
    free(lane);
}

static void run_next(struct executor *executor, struct lane *lane)
{
    struct job *job = STAILQ_FIRST(&lane->jobs);
    STAILQ_REMOVE_HEAD(&lane->jobs, link);
    job->lane = NULL;
    TAILQ_REMOVE(&executor->lanes, lane, link);
    TAILQ_INSERT_TAIL(&executor->lanes, lane, link);
    lane->running++;
    executor->running[lane->class]++;
    lock_drop(&executor->lock);
    job->run(job);
    lock_take(&executor->lock);
    executor->running[lane->class]--;
    lane->running--;
    drop_lane(executor, lane);
}

static void *executor_thread(void *context)
{
    struct executor *executor = context;
    lock_take(&executor->lock);
    for (;;) {
        struct lane *lane = next_lane(executor);
        if (lane) {
            run_next(executor, lane);
            continue;
        }
        if (executor->stopping)
            break;
        executor->idle++;
        while (!executor->wakeups && !executor->stopping)
            lock_wait(&executor->lock, &executor->wake);
        if (executor->wakeups)
            executor->wakeups--; /* the one that woke it does not count it as idle */
        else
            executor->idle--;
    }
    lock_drop(&executor->lock);
    return NULL;
}

static int start_thread(struct executor *executor)
{
    int code = thread_create(&executor->threads[executor->count], STACK_BYTES, executor_thread, executor);
    executor->count += code == 0;
    return code;
}

int executor_open(const struct executor_class *classes, unsigned count, struct executor **ret_executor,
                  struct error *err)
{
    unsigned max = URGENT_MAX;
    for (unsigned i = 0; i < count; i++)
        max += classes[i].max;
    struct executor *executor = calloc(1, sizeof *executor + max * sizeof(pthread_t));
    if (!executor)
        return error_errno(err, ENOMEM, "threads");
    memcpy(executor->classes, classes, count * sizeof *classes);
    executor->classes[count] = (struct executor_class){URGENT_MAX, URGENT_MAX};
    executor->urgent = count;
    executor->max = max;
    TAILQ_INIT(&executor->lanes);
    lock_init(&executor->lock, LOCK_LEAF);
    (void)pthread_cond_init(&executor->wake, NULL);
    int code = start_thread(executor);
    if (code) {
        executor_free(executor);
        return error_errno(err, code, "threads");
    }
    *ret_executor = executor;
    return 0;
}

/* The lane where JOB belongs; NULL without memory. */
static struct lane *get_lane(struct executor *executor, const struct job *job)
{
    struct lane *lane;
    unsigned class = job->urgent ? executor->urgent : job->class;
    uintptr_t key = job->urgent ? 0 : job->key;
    TAILQ_FOREACH(lane, &executor->lanes, link)
    {
        if (lane->class == class && lane->key == key)
            return lane;
    }
    lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->class = class;
    lane->key = key;
    STAILQ_INIT(&lane->jobs);
    TAILQ_INSERT_TAIL(&executor->lanes, lane, link);
    return lane;
}

/* Has a thread look for a job: an idle one or, where there is none, a new one. Without either the job waits for one that is
   busy. */
static void wake_one(struct executor *executor)
{
    if (executor->idle) {
        executor->idle--;
        executor->wakeups++;
        (void)pthread_cond_signal(&executor->wake);
    } else if (executor->count < executor->max) {
        (void)start_thread(executor);
    }
}

static void queue_job(struct executor *executor, struct lane *lane, struct job *job)
{
    job->lane = lane;
    STAILQ_INSERT_TAIL(&lane->jobs, job, link);
    if (may_run(executor, lane))
        wake_one(executor);
}

int executor_submit(struct executor *executor, struct job *job)
{
    lock_take(&executor->lock);
    int result = executor->stopping ? -EINTR : 0;
    struct lane *lane = executor->stopping ? NULL : get_lane(executor, job);
    if (lane)
        queue_job(executor, lane, job);
    else if (result == 0)
        result = -ENOMEM;
    lock_drop(&executor->lock);
    return result;
}

void executor_hurry(struct executor *executor, struct job *job)
{
    lock_take(&executor->lock);
    struct lane *from = job->urgent ? NULL : job->lane;
    job->urgent = true;
    struct lane *lane = from ? get_lane(executor, job) : NULL;
    if (lane) {
        STAILQ_REMOVE(&from->jobs, job, job, link);
        drop_lane(executor, from);
        queue_job(executor, lane, job);
    }
    lock_drop(&executor->lock);
}

void executor_stop(struct executor *executor)
{
    lock_take(&executor->lock);
    executor->stopping = true;
    (void)pthread_cond_broadcast(&executor->wake);
    lock_drop(&executor->lock);
    for (unsigned i = 0; i < executor->count; i++)
        thread_join(executor->threads[i]);
    executor->count = 0;
}

void executor_free(struct executor *executor)
{
    if (!executor)
        return;
    executor_stop(executor);
    (void)pthread_cond_destroy(&executor->wake);
    lock_done(&executor->lock);
    free(executor);
}
