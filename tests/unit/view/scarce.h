/* Memory that runs out: for what is linked into this program, allocations fail from a given one on. */
#ifndef RUNFS_TESTS_VIEW_SCARCE_H
#define RUNFS_TESTS_VIEW_SCARCE_H

#include <stdbool.h>
#include <stddef.h>

/* COUNT more allocations succeed, the next one fails, those after it succeed again. */
void memory_fails_after(size_t count);

/* All allocations succeed from now on. Whether one had failed. */
bool memory_is_back(void);

#endif
