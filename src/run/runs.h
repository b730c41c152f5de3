/* All runs of a bucket, the source "runs": each is opened by its name when it is used, and closed when it is not. The run that
   run_open() gives for that source, the host, has what all of them share (server, cache on disk, GitHub); its own tree has nothing
   but the directories of the runs whose names are known. Thread-safe. */
#ifndef RUNFS_RUN_RUNS_H
#define RUNFS_RUN_RUNS_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "run/run.h"

/* What a path below the root of all runs names. */
enum runs_form {
    RUNS_NOTHING,
    RUNS_LEVEL, /* OWNER-REPO, in the external buckets */
    RUNS_RUN,   /* ID-PLATFORM: what that source names with the host's options; or OWNER-REPO/ID-PLATFORM */
};

/* A place for a run: that of a name among all runs, or, with what its owner puts there, of a run that stays open. */
struct run_slot {
    void *owner;       /* the file system that shows it; constant */
    struct run *run;   /* NULL while it is closed; constant between runs_enter() and runs_leave() */
    struct tree *tree; /* the run's */
    uint16_t number;   /* of a run that shows or did: from 1 on, its own for ever; else 0 */
    uint64_t ino_base; /* added to the inode numbers that users see: those of two runs differ */
    _Atomic uint64_t valid_until; /* clock_ms up to which its owner trusts the listing */
    _Atomic uint64_t uses; /* it stays open while there are any; where it has entered, its owner adds some */
    _Atomic uint64_t used_at; /* clock_ms when it was entered last */

    /* Of a name among all runs; guarded by the lock of these: */
    LIST_ENTRY(run_slot) link;
    enum runs_form form;
    char *name;             /* owned: "123-linux", "ROCm-TheRock/123-linux", or of a level "ROCm-TheRock" */
    bool named;             /* shows in the host's tree */
    int64_t mtime_ns;       /* of its directory there */
    uint64_t missing_until; /* clock_ms up to which nothing is there */
    unsigned pins;          /* uses of the name; without any, one that does not show may be forgotten */

    struct lock lock;       /* guards the following, and opening and closing */
    pthread_cond_t changed; /* an attempt to open it has ended */
    bool opening;
    int failure;          /* of the last attempt, negative errno */
    uint64_t failed_at;   /* clock_ms */
    uint64_t reminded_at; /* clock_ms when the owner was last asked to give up what it does not need */
};

struct runs;

/* Of a host; NULL of any other run. */
struct runs *run_runs(struct run *run);

/* No I/O. */
enum runs_form runs_form_of(const char *path);

/* What their owner does with runs; called without locks, all may be NULL. */
struct runs_hooks {
    void *owner;
    void (*opened)(struct run_slot *slot, struct run *run);  /* before it can be entered */
    void (*closing)(struct run_slot *slot, struct run *run); /* it cannot be entered any more */
    void (*unused)(struct run_slot *slot); /* entered; uses that are not needed are to be given up */
};

/* Before any name is looked up. */
void runs_attach(struct runs *runs, const struct runs_hooks *hooks);

/* Starts the thread that closes what is unused for long; ends it. */
int runs_start(struct runs *runs, struct error *err);
void runs_stop(struct runs *runs);

/* Closes all runs, which are not in use any more. */
void runs_close(struct runs *runs);

/* Closes the runs that are unused for long, and reminds the owner of others that it has not entered for as long. */
void runs_expire(struct runs *runs);

/* The run of that number; the run whose directory NODE of the host's tree is, NULL where it is something else. The latter with
   the read lock of that tree. */
struct run_slot *runs_numbered(struct runs *runs, unsigned number);
struct run_slot *runs_shown_at(const struct node *node);

/* Keeps a run from being closed until runs_leave(). False where it is closed already. */
bool runs_enter(struct run_slot *slot);
void runs_leave(struct run_slot *slot);

/* Opens a run where it is closed, or finds out whether a level is there, for WAIT's time without progress at most, and has it show.
   -ENOENT where nothing is stored where it may be; other errors as run_open(), the same again for a second. runs_find(): by its
   path. */
int runs_open(struct runs *runs, struct run_slot *slot, const struct wait *wait, struct error *err);
int runs_find(struct runs *runs, const char *path, const struct wait *wait, struct error *err);

/* Until when (clock_ms) nothing is known to be at PATH; 0 where that is not known. */
uint64_t runs_missing_until(struct runs *runs, const char *path);

/* Has all runs show whose listings are in the cache. */
void runs_show_cached(struct runs *runs);

/* Adds up the open runs. */
struct runs_totals {
    struct tree_totals listing;
    uint64_t listed_at; /* clock_ms of the oldest listing */
    uint64_t named;
    uint64_t open;
};
void runs_count(struct runs *runs, struct runs_totals *ret_totals);

#endif
