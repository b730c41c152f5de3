/* Siblings: when the files of a directory are opened one after the other (grep -r, cp -r), the next ones are worth
   fetching before they are asked for. */
#ifndef RUNFS_RUN_SIBLINGS_H
#define RUNFS_RUN_SIBLINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/lock.h"

#define SIBLINGS_TRAILS 16 /* directories that are remembered */

/* How far the openings in one directory have come. */
struct siblings_trail {
    const void *directory; /* its identity only; NULL: unused */
    size_t last;           /* index of the entry opened last */
    size_t ahead;          /* entries below this index have been asked for */
    unsigned streak;       /* openings in turn, after the first */
};

struct siblings {
    struct lock lock; /* guards all below */
    struct siblings_trail trails[SIBLINGS_TRAILS];
    unsigned next; /* the trail to reuse */
};

void siblings_init(struct siblings *siblings);
void siblings_done(struct siblings *siblings);

/* Notes that entry INDEX of DIRECTORY was opened. True where the entries from *RET_FROM to before *RET_TO (which may be
   past the end) are to be fetched now. Thread-safe. */
bool siblings_opened(struct siblings *siblings, const void *directory, size_t index, size_t *ret_from,
                     size_t *ret_to);

/* The fetching came up to before entry INDEX. The rest is asked for again later. */
void siblings_reached(struct siblings *siblings, const void *directory, size_t index);

#endif
