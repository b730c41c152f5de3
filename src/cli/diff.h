/* What differs between two runs: found by walking both trees side by side (diff_walk.c), by reading what no content id decides
   (diff_read.c), and printed (diff_print.c). */
#ifndef RUNFS_CLI_DIFF_H
#define RUNFS_CLI_DIFF_H

#include <stdatomic.h>

#include "cli/common/command_run.h"

enum change_kind {
    CHANGE_NONE,
    CHANGE_UNKNOWN, /* to be read */
    CHANGE_ADDED,
    CHANGE_REMOVED,
    CHANGE_CONTENT, /* or mode, or a link's target */
    CHANGE_TYPE,    /* a file where a link was, or the other way round */
};

enum { OLD, NEW, SIDES };

struct change {
    enum change_kind kind;
    char *path;                      /* owned */
    const struct node *nodes[SIDES]; /* NULL where there is none; the trees', which nothing renews */
};

struct diff {
    struct command_run sides[SIDES];
    bool quiet;
    bool json;
    struct change *changes; /* owned; in the order of the trees */
    size_t count;
    size_t capacity;
    atomic_bool failed; /* something could not be read, which was reported */
};

/* Finds what differs at and below PATH, populating the archives that it takes. 0 or -errno. */
int diff_walk(struct diff *diff, const char *path, struct error *err);

/* Appends the SHA-256 of NODE's content, a file of one SIDE; nothing where it is not known. Takes the tree's lock. */
void diff_sha256(const struct diff *diff, const struct node *node, int side, struct strbuf *out);

/* Decides the changes that are not known yet, by reading, many at once. 0 or -errno; a file that cannot be read is reported, and
   sets `failed`. */
int diff_read(struct diff *diff, struct error *err);

void diff_print(const struct diff *diff);

#endif
