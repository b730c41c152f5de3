/* Inside the layout room: what a row of the table of outputs is made of. */
#ifndef RUNFS_LAYOUT_TABLE_H
#define RUNFS_LAYOUT_TABLE_H

#include <runfs/output.h>

#include "layout/arg.h"

#define FORMS_MAX   2
#define OUTPUTS_MAX 32

/* One form of an output's path, used by runs of the days from SINCE up to, but without, UNTIL.
   0 stands for no limit. */
struct form {
    const char *pattern; /* see pattern.h; NULL ends the list */
    int since;           /* 20250403 is 2025-04-03 */
    int until;
};

struct runfs_output {
    const char *name;
    bool directory;
    enum arg takes[RUNFS_OUTPUT_ARGS_MAX];
    unsigned optional;            /* how many of the last of them may be left out */
    struct form forms[FORMS_MAX]; /* the first that fits the run's day and the given arguments counts */
};

/* How many arguments OUTPUT takes at most. */
size_t output_arg_count(const struct runfs_output *output);

#endif
