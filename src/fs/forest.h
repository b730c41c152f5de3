/* All runs as one file system: the mount's own tree has nothing but their directories, and levels OWNER-REPO; each run has its
   own tree, listing and life. A run is looked for when it is named first and closed when it is unused for long. */
#ifndef RUNFS_FS_FOREST_H
#define RUNFS_FS_FOREST_H

#include "fs/fs_internal.h"

struct forest;

/* For a host of runs: sets fs->forest. Before mounting. */
int forest_open(struct fs *fs, struct error *err);

/* Starts the thread that closes what is unused; ends it; frees everything, when no handle is left. NULL is allowed for the
   last two. */
int forest_start(struct forest *forest, struct error *err);
void forest_stop(struct forest *forest);
void forest_close(struct forest *forest);

/* The run with that number in node ids of the kernel's; the run whose directory NODE of the mount's own tree is, NULL where it is
   something else. */
struct fs_run *forest_numbered(struct forest *forest, unsigned number);
struct fs_run *forest_planted(struct fs *fs, const struct node *node);

/* See fs_enter() and fs_leave(); OF is a run among all. */
bool forest_enter(struct fs_run *of);
void forest_leave(struct fs_run *of);

/* Whether NODE of OF is a run's directory. The tree's read lock is held. */
bool forest_is_tree(const struct fs_run *of, const struct node *node);

/* The node id of the directory that shows OF's root; 0 where there is none any more. */
fuse_ino_t forest_root_id(struct fs_run *of);

/* Whether OP is about a directory of the mount's own tree among all runs, which has but names. */
bool forest_has_names(const struct op *op);

/* Looks a name up there; finds the names that the cache knows, before the directory is opened, and enters. As operations. */
int forest_lookup(struct op *op, struct error *err);
int forest_find_names(struct op *op);

/* Enters the run that OP is about, which is opened first where it is closed. As op_enter(). */
int forest_enter_run(struct op *op, struct error *err);

/* Adds up the open runs. */
struct forest_totals {
    struct tree_totals listing;
    uint64_t listed_at; /* clock_ms of the oldest listing */
    uint64_t named;
    uint64_t open;
};
void forest_count(struct forest *forest, struct forest_totals *totals);

#endif
