/* What a pass that has not come to its end has found so far: names, and how much of the decoded stream may be given out. Kept
   when a pass is given up, made anew by the next one.
   Its owner sees to it that one thread at a time uses it. */
#ifndef RUNFS_UNPACK_PARTIAL_H
#define RUNFS_UNPACK_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/codec.h"
#include "archive/members.h"
#include "archive/toc.h"

/* Beyond so many names, or bytes of them, names are there at the end of the pass only. */
#define EARLY_MEMBERS_MAX    100000
#define EARLY_NAME_BYTES_MAX (16U << 20)

struct early {
    const struct codec *codec; /* NULL: nothing is known */
    struct members *members;   /* owned; NULL: names are not told before the end */
    bool full;                 /* a limit was met: later names are not told */
    uint64_t trusted;          /* decoded bytes, as the pass says */
    size_t chunks;             /* so many are decoded */
    struct hash128 *hashes;    /* of each of them; owned */
    size_t hash_capacity;
};

/* A pass begins. */
void early_begin(struct early *early, const struct codec *codec);

/* A member begins. */
void early_member(struct early *early, const struct tar_member *member);

/* Chunk NUMBER is decoded. */
void early_chunk(struct early *early, uint64_t number, const struct hash128 *hash);

/* Finds what PATH stands for, where it has been met and may be told. Not for sparse files, nor for broken links. Of a link
   LINK (MEMBERS_LINK_MAX + 1 bytes) is filled in. */
bool early_find(const struct early *early, const char *path, struct member_file *ret_file, char *link);

/* Whether LEN decoded bytes at OFFSET may be given out. */
bool early_has(const struct early *early, uint64_t offset, uint64_t len);

/* Forgets all, and frees what it holds. */
void early_clear(struct early *early);

#endif
