/* Everything that is to be said of a view. */
#ifndef RUNFS_VIEW_CHECK_H
#define RUNFS_VIEW_CHECK_H

#include <stdint.h>

#include "base/error.h"
#include "base/wait.h"

struct composition;

struct view_report {
    void (*conflict)(void *context, const char *line);
    void (*overlap)(void *context, const char *line);
    void (*failed)(void *context, const struct error *err); /* a part of the view could not be composed */
    void *context;
    uint64_t
        conflicts; /* how many there are, also of those that are too many to be told; set by view_check() */
    uint64_t overlaps;
};

/* Looks into those composites for which all is at hand. Where there is a conflict then: -EEXIST, the last one in ERR and each
   before it reported to config.conflict. */
int compose_check(struct composition *composition, struct error *err);

/* Composes all of a view, of whose composition nobody else looks at anything, and tells what is found. */
void view_check(struct composition *composition, const struct wait *wait, struct view_report *report);

#endif
