/* All runs of a bucket, the source "runs": each is opened by its name when it is wanted. The run that run_open() gives for that
   source, the host, has what all of them share (server, cache on disk, GitHub), and an empty tree. Thread-safe. */
#ifndef RUNFS_RUN_RUNS_H
#define RUNFS_RUN_RUNS_H

#include "run/run.h"

/* What a path below the root of all runs names. */
enum runs_form {
    RUNS_NOTHING,
    RUNS_LEVEL, /* OWNER-REPO, in the external buckets */
    RUNS_RUN,   /* ID-PLATFORM: what that source names with the host's options; or OWNER-REPO/ID-PLATFORM */
};

/* No I/O. */
enum runs_form runs_form_of(const char *path);

/* Whether RUN is a host. */
bool run_is_many(const struct run *run);

/* Opens the run NAME with the host's options, for WAIT's time without progress at most. -ENOENT where nothing is stored where it
   may be; other errors as run_open(). */
int runs_open(struct run *host, const char *name, const struct wait *wait, struct run **ret_run,
              struct error *err);

/* Closes a run of runs_open(); NULL is allowed. What it has done still counts in run_stats() of the host. */
void runs_close(struct run *host, struct run *run);

/* Whether any run is stored at the level NAME: 0, -ENOENT, or why that cannot be told. Costs a page of a listing for each of the
   buckets. */
int runs_find_level(struct run *host, const char *name, const struct wait *wait, struct error *err);

/* Tells FN of each run whose listing is in the cache, by name, perhaps more than once, with when that was made (since 1970). */
typedef void (*runs_kept_fn)(void *context, const char *name, uint64_t listed_ms);
void runs_each_kept(struct run *host, runs_kept_fn fn, void *context);

/* Of the host, with its configuration: paths in that are made absolute, since runs are opened from elsewhere. The environment is
   read once, for all runs: an event that cannot be read is an error. */
struct runs;
int runs_new(struct run_config *config, struct runs **ret_runs, struct error *err);
void runs_free(struct runs *runs);

/* What the environment says of each of them. */
const struct runfs_environment *runs_environment(const struct runs *runs);

/* Adds what runs have done, open ones and others. */
void runs_add_stats(struct runs *runs, struct run_stats *stats);

#endif
