/* runfs ls --check: all that is to be said of a view. */
#ifndef RUNFS_CLI_COMMON_CHECK_H
#define RUNFS_CLI_COMMON_CHECK_H

#include <stdbool.h>

#include "cli/options.h"

/* Composes the view of the source that OPTIONS say, and prints its conflicts and overlaps. No progress bar where QUIET. Returns
   an exit code: failed where there is a conflict. */
int check_view(struct options *options, bool quiet);

#endif
