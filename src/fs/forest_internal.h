/* Inside of the forest, shared by its names (forest.c), the opening of runs (forest_open.c) and their closing (forest_idle.c). */
#ifndef RUNFS_FS_FOREST_INTERNAL_H
#define RUNFS_FS_FOREST_INTERNAL_H

#include "fs/forest.h"
#include "run/runs.h"

#define FOREST_NUMBERS  65536 /* node ids have 16 bits for a run's number */
#define FOREST_OPEN_MAX 32    /* with more open runs, those unused are closed soon */
#define FOREST_MISSES   1024  /* names that nothing is stored under, as far as they are remembered */

/* A name that somebody has said, or that the cache knows. */
struct forest_run {
    struct fs_run shown; /* run and tree are guarded by the lock, but for who has entered */
    LIST_ENTRY(forest_run) link;
    enum runs_form form;
    char *name; /* owned: "123-linux", "ROCm-TheRock/123-linux", or of a level "ROCm-TheRock" */

    /* Guarded by the forest's lock: */
    bool named;             /* shows in the mount's own tree */
    int64_t mtime_ns;       /* of its directory there */
    uint64_t missing_until; /* clock_ms up to which nothing is there */
    unsigned pins;          /* who uses the name; without any, one that is not named may be forgotten */

    struct lock lock;       /* guards the following, and opening and closing */
    pthread_cond_t changed; /* an attempt to open it has ended */
    bool opening;
    int failure;        /* of the last attempt, negative errno */
    uint64_t failed_at; /* clock_ms */
    uint64_t nudged_at; /* clock_ms when the kernel was last asked to forget it */
};

struct forest {
    struct fs *fs;
    struct lock lock; /* guards all below */
    LIST_HEAD(, forest_run) runs;
    void *by_name; /* the same, for tfind(3) */
    unsigned count;
    bool unshown;             /* the mount's own tree does not show all that is named, or more */
    _Atomic unsigned numbers; /* so many are given away, from 1 on */
    struct forest_run *by_number[FOREST_NUMBERS]; /* those below NUMBERS are constant */

    pthread_t keeper; /* see forest_idle.c */
    bool keeping;
    bool stopping;
    pthread_cond_t stopped;
};

/* Until when (clock_ms) nothing is known to be there; 0 where that is not known. */
uint64_t forest_missing_until(struct forest *forest, const char *name);

/* The run called NAME, pinned; made where it is not known. NULL without memory. */
struct forest_run *forest_pin(struct forest *forest, const char *name);
void forest_unpin(struct forest *forest, struct forest_run *run);

/* Has what is pinned show in the mount's own tree, or show no more. MTIME_NS is when it changed last; UNSURE: as far as is known
   where nothing else is. */
int forest_name(struct forest *forest, struct forest_run *run, int64_t mtime_ns, bool unsure,
                struct error *err);
void forest_unname(struct forest *forest, struct forest_run *run);

/* Likewise for the COUNT runs in the cache that are not known yet: shows them all at once. */
struct forest_kept {
    char *name; /* owned */
    int64_t mtime_ns;
};
void forest_name_kept(struct forest *forest, const struct forest_kept *kept, size_t count);

/* Opens a run, or finds out whether a level is there. -ENOENT, and what opening gave; the same again for a second. */
int forest_run_open(struct forest_run *run, const struct wait *wait, struct error *err);

/* Closes a run that nobody uses and that was not used since SINCE (clock_ms). */
void forest_run_close(struct forest_run *run, uint64_t since);

#endif
