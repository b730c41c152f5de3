/* Siblings; see siblings.h. */
#include "run/siblings.h"

#define SKIP_MAX    4 /* so many entries may be passed over, such as directories and empty files */
#define AHEAD_FIRST 8 /* entries to fetch ahead at the second opening in turn, doubled at each further one */
#define AHEAD_MAX   64

void siblings_init(struct siblings *siblings)
{
    *siblings = (struct siblings){0};
    lock_init(&siblings->lock, LOCK_LEAF);
}

void siblings_done(struct siblings *siblings)
{
    lock_done(&siblings->lock);
}

/* The trail of a directory; the oldest one is given up for a new directory. */
static struct siblings_trail *find_trail(struct siblings *siblings, const void *directory, size_t index)
{
    for (size_t i = 0; i < SIBLINGS_TRAILS; i++)
        if (siblings->trails[i].directory == directory)
            return &siblings->trails[i];
    struct siblings_trail *trail = &siblings->trails[siblings->next++ % SIBLINGS_TRAILS];
    *trail = (struct siblings_trail){.directory = directory, .last = index};
    return trail;
}

static size_t entries_ahead(unsigned streak)
{
    size_t entries = AHEAD_FIRST;
    for (unsigned i = 1; i < streak && entries < AHEAD_MAX; i++)
        entries *= 2;
    return entries;
}

bool siblings_opened(struct siblings *siblings, const void *directory, size_t index, size_t *ret_from,
                     size_t *ret_to)
{
    bool due = false;
    lock_take(&siblings->lock);
    struct siblings_trail *trail = find_trail(siblings, directory, index);
    if (index > trail->last && index <= trail->last + SKIP_MAX)
        trail->streak++;
    else if (index != trail->last)
        *trail = (struct siblings_trail){.directory = directory};
    trail->last = index;
    size_t from = trail->ahead > index ? trail->ahead : index + 1;
    size_t to = index + 1 + entries_ahead(trail->streak);
    /* in batches: half of them are used before more are asked for */
    if (trail->streak && to > from && to - from >= (to - index) / 2) {
        trail->ahead = to;
        *ret_from = from;
        *ret_to = to;
        due = true;
    }
    lock_drop(&siblings->lock);
    return due;
}

void siblings_reached(struct siblings *siblings, const void *directory, size_t index)
{
    lock_take(&siblings->lock);
    for (size_t i = 0; i < SIBLINGS_TRAILS; i++)
        if (siblings->trails[i].directory == directory)
            siblings->trails[i].ahead = index;
    lock_drop(&siblings->lock);
}
