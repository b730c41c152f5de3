/* Inside of all runs: their registry (runs.c), and how each of them is found and opened (runs_source.c). */
#ifndef RUNFS_RUN_RUNS_INTERNAL_H
#define RUNFS_RUN_RUNS_INTERNAL_H

#include "run/run_internal.h"
#include "run/runs.h"

#define RUNS_MAX 65536 /* with the host, which has number 0 */

struct runs {
    struct run *host;
    struct runs_hooks hooks;
    struct runfs_environment environment; /* as it was when the mount began */
    char *table;                          /* owned; NULL where the view is none */
    char **binds;                         /* owned */
    size_t bind_count;

    struct lock lock; /* guards what follows */
    LIST_HEAD(, run_slot) slots;
    void *by_name; /* the same, for tfind(3) */
    unsigned count;
    bool unshown;                         /* the host's tree does not show all that is named, or more */
    _Atomic unsigned numbers;             /* so many are given away, with the host's */
    struct run_slot *by_number[RUNS_MAX]; /* those below NUMBERS are constant */
    struct run_stats past;                /* of runs that were closed */

    pthread_t keeper; /* see runs_start() */
    bool keeping;
    bool stopping;
    pthread_cond_t stopped;
};

/* For HOST, whose configuration is CONFIG: paths in that are made absolute, since runs are opened from elsewhere. The environment
   is read once, for all runs: an event that cannot be read is an error. *RET_RUNS is to be freed also on failure. */
int runs_new(struct run *host, struct run_config *config, struct runs **ret_runs, struct error *err);
void runs_free(struct runs *runs);

/* Adds what runs have done, open ones and others. */
void runs_add_stats(struct runs *runs, struct run_stats *stats);

/* Makes paths absolute, and reads the environment; frees what that has made. */
int runs_settle_source(struct runs *runs, struct run_config *config, struct error *err);
void runs_free_source(struct runs *runs);

/* Opens the run NAME with the host's options. -ENOENT where nothing is stored where it may be; other errors as run_open(). */
int runs_open_name(struct runs *runs, const char *name, const struct wait *wait, struct run **ret_run,
                   struct error *err);

/* Whether any run is stored at the level NAME: 0, -ENOENT, or why that is not known. Costs a page of a listing for each of the
   buckets. */
int runs_find_level(struct runs *runs, const char *name, const struct wait *wait, struct error *err);

/* Calls FN for each run whose listing is in the cache, by name, perhaps more than once, with when that was made (since 1970). */
typedef void (*runs_cached_fn)(void *context, const char *name, uint64_t listed_ms);
void runs_each_cached(struct runs *runs, runs_cached_fn fn, void *context);

#endif
