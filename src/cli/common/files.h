/* The files of a run that a command works on: collected, then worked on many at once. */
#ifndef RUNFS_CLI_COMMON_FILES_H
#define RUNFS_CLI_COMMON_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "run/run.h"

struct files {
    const struct node **nodes; /* owned; the nodes are the tree's, which nothing renews */
    size_t count;
    size_t capacity;
    uint64_t bytes; /* of all */
};

/* Adds NODE, a file. 0 or -ENOMEM. */
int files_add(struct files *files, const struct node *node);

/* Adds the files at and below NODE, but for those in directories beside archives. The tree's read lock is held. 0 or -ENOMEM. */
int files_add_below(struct files *files, const struct node *node);

/* The largest first. */
void files_sort(struct files *files);

void files_done(struct files *files);

/* Appends the path of NODE below the run's root, for messages. Takes the tree's read lock itself. */
void files_path(struct run *run, const struct node *node, struct strbuf *out);

/* Has *ERR name NODE, where it does not yet. */
void files_name_error(struct run *run, const struct node *node, struct error *err);

#endif
