/* A bounded pool of threads; see workers.h. */
#include "fs/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/thread.h"

#define STACK_BYTES (4U * 1024 * 1024) /* address space only; listing a deep local tree recurses */

STAILQ_HEAD(job_queue, job);

struct workers {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    struct job_queue queue;
    unsigned waiting; /* jobs in the queue */
    unsigned idle;    /* threads without a job */
    unsigned count;
    unsigned max;
    unsigned share;
    bool stopping;
    struct worker {
        struct workers *workers;
        pthread_t thread;
        const void *about; /* of the job under way */
    } threads[];
};

static bool has_share(const struct workers *workers, const struct job *job)
{
    unsigned busy = 0;
    for (unsigned i = 0; job->about && i < workers->count; i++)
        busy += workers->threads[i].about == job->about;
    return busy < workers->share;
}

/* Takes the first job that may run out of the queue; NULL where there is none. The lock is held. */
static struct job *take_job(struct workers *workers)
{
    struct job *job;
    STAILQ_FOREACH(job, &workers->queue, link)
    {
        if (!has_share(workers, job))
            continue;
        STAILQ_REMOVE(&workers->queue, job, job, link);
        workers->waiting--;
        return job;
    }
    return NULL;
}

static void run_job(struct worker *worker, struct job *job)
{
    struct workers *workers = worker->workers;
    worker->about = job->about;
    (void)pthread_mutex_unlock(&workers->lock);
    job->run(job);
    (void)pthread_mutex_lock(&workers->lock);
    worker->about = NULL;
}

static void *worker_thread(void *context)
{
    struct worker *worker = context;
    struct workers *workers = worker->workers;
    (void)pthread_mutex_lock(&workers->lock);
    for (;;) {
        struct job *job = take_job(workers);
        if (job) {
            run_job(worker, job);
            continue;
        }
        if (workers->stopping && !workers->waiting)
            break;
        workers->idle++;
        (void)pthread_cond_wait(&workers->wake, &workers->lock);
        workers->idle--;
    }
    (void)pthread_cond_broadcast(&workers->wake); /* the others may end, too */
    (void)pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* Adds a thread where the queue is longer than the idle ones can take. The lock is held. */
static void grow(struct workers *workers)
{
    if (workers->waiting <= workers->idle || workers->count == workers->max)
        return;
    struct worker *worker = &workers->threads[workers->count];
    worker->workers = workers;
    if (thread_create(&worker->thread, STACK_BYTES, worker_thread, worker) == 0)
        workers->count++;
}

int workers_open(unsigned max, unsigned share, struct workers **ret_workers, struct error *err)
{
    struct workers *workers = calloc(1, sizeof *workers + max * sizeof(struct worker));
    if (!workers)
        return error_errno(err, ENOMEM, "workers");
    STAILQ_INIT(&workers->queue);
    workers->max = max;
    workers->share = share;
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->wake, NULL);
    *ret_workers = workers;
    return 0;
}

void workers_submit(struct workers *workers, struct job *job)
{
    (void)pthread_mutex_lock(&workers->lock);
    STAILQ_INSERT_TAIL(&workers->queue, job, link);
    workers->waiting++;
    grow(workers);
    bool nobody = workers->count == 0;
    if (nobody) {
        STAILQ_REMOVE(&workers->queue, job, job, link);
        workers->waiting--;
    }
    (void)pthread_cond_signal(&workers->wake);
    (void)pthread_mutex_unlock(&workers->lock);
    if (nobody)
        job->run(job);
}

void workers_close(struct workers *workers)
{
    if (!workers)
        return;
    (void)pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    (void)pthread_cond_broadcast(&workers->wake);
    (void)pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        (void)pthread_join(workers->threads[i].thread, NULL);
    (void)pthread_cond_destroy(&workers->wake);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}
