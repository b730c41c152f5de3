/* Where the bytes of a run's tree come from: nodes have the number of their origin (tree.h). 0 is the run itself; others are
   runs of their own, or stores of local files. Origins can be added while others are in use, and stay until all are closed. */
#ifndef RUNFS_RUN_ORIGIN_H
#define RUNFS_RUN_ORIGIN_H

#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

#define ORIGINS_MAX 4096

struct run;
struct origins;

/* One of the two. */
struct origin {
    struct run *run;     /* with a store, perhaps a cache, and a stored tree */
    struct store *store; /* of files of this machine, opened by store_ops.open */
};

/* SELF is origin 0. -ENOMEM. */
int origins_new(struct run *self, struct origins **ret_origins, struct error *err);

/* Adds an origin, which is taken over where that succeeds. -ENOSPC past ORIGINS_MAX. Thread-safe. */
int origins_add(struct origins *origins, struct origin origin, uint16_t *ret_number, struct error *err);

/* Origin NUMBER; all NULL where there is none. Thread-safe, without waiting. */
struct origin origins_at(const struct origins *origins, uint16_t number);

/* How many there are, with 0. */
uint16_t origins_count(const struct origins *origins);

/* Closes all but 0, which are not in use any more; NULL is allowed. */
void origins_close(struct origins *origins);

#endif
