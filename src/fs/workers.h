/* A bounded pool of threads for what has to wait. */
#ifndef RUNFS_FS_WORKERS_H
#define RUNFS_FS_WORKERS_H

#include <sys/queue.h>

#include "base/error.h"

/* Embedded in each kind of job. RUN is called once, on a worker, and owns the job. */
struct job {
    void (*run)(struct job *job);
    const void *about; /* jobs about the same thing get a share of the threads only; NULL: about nothing */
    STAILQ_ENTRY(job) link;
};

struct workers;

/* A pool of up to MAX threads, each started when there is a job and nobody free. At most SHARE of them work
   on jobs about the same thing, so that one that is stuck leaves threads for the others. */
int workers_open(unsigned max, unsigned share, struct workers **ret_workers, struct error *err);

/* Queues a job; runs in the order of submission as threads become free and shares allow. Thread-safe. Where
   no thread can be started and none exists, the job runs in the caller. */
void workers_submit(struct workers *workers, struct job *job);

/* Runs what is queued, joins all threads and frees; no submission may follow. NULL is allowed. */
void workers_close(struct workers *workers);

#endif
