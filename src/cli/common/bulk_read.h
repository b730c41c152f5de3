/* Reading many files of a run whole, as fast as its connections allow and without fetching anything twice for want of memory. */
#ifndef RUNFS_CLI_COMMON_BULK_READ_H
#define RUNFS_CLI_COMMON_BULK_READ_H

#include <stddef.h>
#include <stdint.h>

#include "run/run.h"

/* Has what the run fetches fit into memory, and nothing of it kept in the cache. Before it is opened. */
void bulk_read_configure(struct run_config *config);

/* Calls RUN with CONTEXT and each index below COUNT, many at once; SIZE_OF tells the size of the file that an index stands for,
   and they come in descending order of that. */
void bulk_read(size_t count, unsigned connections, void (*run)(void *context, size_t index),
               uint64_t (*size_of)(const void *context, size_t index), void *context);

#endif
