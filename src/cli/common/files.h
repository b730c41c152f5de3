/* The files of a run that a command works on: collected, then read whole, many at once. */
#ifndef RUNFS_CLI_COMMON_FILES_H
#define RUNFS_CLI_COMMON_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/run.h"

struct file {
    const struct node *node; /* the tree's, which nothing renews */
    void *item;              /* the command's own, borrowed */
};

struct files {
    struct file *items; /* owned */
    size_t count;
    size_t capacity;
    uint64_t bytes; /* of all */
};

/* Whether NODE is the file of an artifact. */
bool files_is_artifact(const struct node *node);

/* Adds NODE, a file. 0 or -ENOMEM. */
int files_add(struct files *files, const struct node *node, void *item);

/* Adds the files at and below NODE, but for those in directories beside archives. The tree's read lock is held. 0 or -ENOMEM. */
int files_add_below(struct files *files, const struct node *node);

void files_done(struct files *files);

/* Limits what the run fetches to what fits into memory, and has the cache keep nothing of it. Before the run is opened. */
void files_configure(struct run_config *config);

/* Calls WORK with CONTEXT and each of the files, the largest first, as many at once as keep all connections busy without
   fetching anything twice for want of memory. */
void files_each(struct files *files, unsigned connections,
                void (*work)(void *context, const struct file *file), void *context);

/* Appends the path of NODE below the run's root, for messages. Takes the tree's read lock itself. */
void files_path(struct run *run, const struct node *node, struct strbuf *out);

/* Puts the path of NODE before the message of *ERR, where it does not have it yet. */
void files_name_error(struct run *run, const struct node *node, struct error *err);

#endif
