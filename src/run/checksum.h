/* The .sha256sum companions of a run's files (run-outputs.md §4). */
#ifndef RUNFS_RUN_CHECKSUM_H
#define RUNFS_RUN_CHECKSUM_H

#include "base/digest.h"
#include "run/run.h"

/* The companion of NODE, a file; NULL where it has none. The tree's read lock is held. */
const struct node *checksum_companion(const struct node *node);

/* Reads what the companion of NODE, a file, says its SHA-256 is. -ENODATA where there is none, -EBADMSG where it says
   nothing of that form, or what reading it gave. Takes the tree's read lock itself. */
int checksum_read(struct run *run, const struct node *node, const struct wait *wait,
                  char ret_text[SHA256_TEXT], struct error *err);

#endif
