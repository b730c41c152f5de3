/* Inside of the tar reader: its state, shared by the machine (tar.c) and the making of a member (tar_member.c). */
#ifndef RUNFS_ARCHIVE_TAR_INTERNAL_H
#define RUNFS_ARCHIVE_TAR_INTERNAL_H

#include "archive/tar.h"
#include "archive/tar_header.h"
#include "archive/tar_pax.h"
#include "archive/tar_sparse.h"

/* What the next bytes are. */
enum tar_state {
    TAR_AT_HEADER,
    TAR_IN_META,      /* content of a header that speaks of the next one */
    TAR_IN_EXTENSION, /* more of an old GNU sparse map */
    TAR_IN_MAP,       /* the sparse map of pax 1.0 */
    TAR_IN_DATA,
    TAR_IN_SKIPPED, /* padding, and data that nobody wants */
    TAR_BEHIND_END,
    TAR_STATES
};

/* A name that a GNU header of its own gives to the next member. */
struct tar_long_name {
    bool set;
    bool too_long;
    struct strbuf text;
};

struct tar {
    const struct tar_handler *handler;
    void *context;
    struct tar_limits limits;
    struct error failure; /* its code is not 0 once the reading has failed */

    enum tar_state state;
    uint64_t offset; /* of the next byte, in the decoded stream */
    uint64_t left;   /* bytes that the state still takes: META, DATA, SKIPPED */
    union {
        unsigned char bytes[TAR_BLOCK_SIZE];
        struct tar_header header;
        struct tar_extension extension;
    } block; /* being collected: HEADER, EXTENSION, MAP */
    size_t filled;

    /* What speaks of the next member. */
    bool announced; /* any of these but the global header */
    struct tar_pax own;
    struct tar_pax global;
    struct tar_long_name long_name;
    struct tar_long_name long_link;
    char meta_type;
    struct strbuf meta;

    /* The current member. */
    struct tar_header header;
    struct tar_member member;
    uint64_t data;        /* bytes of data from here on, wanted or not */
    const char *fault;    /* why it must be refused */
    struct strbuf raw;    /* its name in its header */
    struct strbuf path;   /* normalised */
    struct strbuf target; /* normalised, of a hard link */
    struct tar_sparse sparse;
    struct tar_map map;

    uint64_t members;
    uint64_t name_bytes;
};

/* The block is the header of a member: gathers all that is said of it, and opens it unless its sparse map comes first.
 */
int tar_member_start(struct tar *tar, struct error *err);

/* The next block of the current member's sparse map. */
int tar_member_extension(struct tar *tar, struct error *err);
int tar_member_map(struct tar *tar, struct error *err);

/* Forgets what spoke of the member that has just been made. */
void tar_member_clear(struct tar *tar);

/* All data of the current member has passed. */
int tar_member_end(struct tar *tar, struct error *err);

/* The next LEN bytes are of no interest; a header comes then. */
static inline void tar_skip(struct tar *tar, uint64_t len)
{
    tar->state = len ? TAR_IN_SKIPPED : TAR_AT_HEADER;
    tar->left = len;
}

#endif
