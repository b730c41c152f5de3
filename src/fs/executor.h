/* The threads on which operations wait. Jobs have a class, which bounds how many of them run at once, and a key, such as a file
   or an archive, each with a share of that: what is stuck leaves threads for everything else. */
#ifndef RUNFS_FS_EXECUTOR_H
#define RUNFS_FS_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"

#define EXECUTOR_CLASSES_MAX 8

/* How many jobs of a class run at once, and how many of those with the same key. */
struct executor_class {
    unsigned max;
    unsigned share;
};

/* Embedded in what is to be run; all zeros but for the first three. */
struct job {
    /* called once, by a thread of the executor, which does not touch the job after that */
    void (*run)(struct job *job);
    unsigned class;
    uintptr_t key;
    bool urgent; /* what follows is guarded by the executor's lock */
    struct lane *lane;
    STAILQ_ENTRY(job) link;
};

struct executor;

/* One with COUNT classes, which stay valid, and one thread; others are started when there are jobs for them. */
int executor_open(const struct executor_class *classes, unsigned count, struct executor **ret_executor,
                  struct error *err);

/* Queues a job: jobs of one key run in the order of submission, keys take turns. -ENOMEM; -EINTR once stopped. */
int executor_submit(struct executor *executor, struct job *job);

/* Has JOB, whether it is queued yet or not, wait for no other than those that are urgent, too. */
void executor_hurry(struct executor *executor, struct job *job);

/* Runs what is queued, whatever the shares, and joins all threads; nothing can be submitted any more. */
void executor_stop(struct executor *executor);

/* Stops and frees; NULL is allowed. */
void executor_free(struct executor *executor);

#endif
