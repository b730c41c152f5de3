/* The tar reader: takes the decoded stream in pieces of any size and says, in the archive's order, what each member is
   and where in the stream its bytes lie. It holds one header's worth of memory, whatever the stream claims.

   Read are V7, ustar (with prefix), GNU (L, K, base-256 numbers) and pax archives (x, g; Solaris's X as x), and sparse
   files in all four forms: GNU's old S, and pax 0.0, 0.1 and 1.0. A zero block ends an archive, as it does for GNU tar;
   what follows it is ignored. Hard links, directories, devices and FIFOs have no data, whatever size they claim.

   What is wrong with one member alone (its name, its sparse map, its type) refuses that member, and the reading goes
   on. What makes the place of the next header uncertain ends the reading; what was said before stays valid.

   A reader belongs to one thread at a time. */
#ifndef RUNFS_ARCHIVE_TAR_H
#define RUNFS_ARCHIVE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "reader/slice.h"

/* Limits of an archive, -E2BIG: members, and bytes of their names and link targets in all. */
#define TAR_MEMBERS_MAX    4000000
#define TAR_NAME_BYTES_MAX (256U << 20)

/* Limit of the holes, of all sparse files, that are hashed with them; files with further ones have no SHA-256. */
#define TAR_HOLE_BYTES_MAX (1U << 30)

/* Limit of one pax header, -E2BIG. */
#define TAR_PAX_MAX (1U << 20)

/* Limits of a member, which is refused beyond them: bytes of a name or link target, of one component of a name,
   components of a name, entries of a sparse map. */
#define TAR_NAME_MAX      (64U << 10)
#define TAR_COMPONENT_MAX 255
#define TAR_DEPTH_MAX     512
#define TAR_EXTENTS_MAX   1000000

/* What a caller may lower. */
struct tar_limits {
    uint64_t members;
    uint64_t name_bytes;
    uint64_t hole_bytes;
};

#define TAR_LIMITS                                                                                           \
    {                                                                                                        \
        .members = TAR_MEMBERS_MAX, .name_bytes = TAR_NAME_BYTES_MAX, .hole_bytes = TAR_HOLE_BYTES_MAX       \
    }

enum tar_type {
    TAR_FILE,
    TAR_DIRECTORY,
    TAR_SYMLINK,
    TAR_HARD_LINK,
    TAR_CHARACTER,
    TAR_BLOCK,
    TAR_FIFO,
};

/* Its pointers are valid until the member's end. */
struct tar_member {
    /* Components with one '/' between them; none is "..", "." or longer than TAR_COMPONENT_MAX. "" is the root of the
       archive, a directory. */
    const char *path;
    size_t path_len;
    /* Of a symbolic link its target as it stands, of a hard link a path of the form above, else "". */
    const char *link;
    size_t link_len;
    enum tar_type type;
    uint32_t mode;    /* the lower twelve bits */
    int64_t mtime_ns; /* since 1970; what is out of range is the nearest that is in it */
    uint64_t header;  /* offset of its header in the decoded stream */
    uint64_t offset;  /* of its data in the decoded stream, or where they would be */
    uint64_t stored;  /* bytes of data there */
    uint64_t size;    /* of the file; greater than what is stored where it is sparse */
    bool sparse;
    const struct reader_extent *extents; /* of a sparse file, none of them empty; STORED bytes in all */
    size_t extent_count;
};

/* What a reader calls. A negative result ends the reading with that result and *ERR. */
struct tar_handler {
    /* A member begins. */
    int (*begin)(void *context, const struct tar_member *member, struct error *err);
    /* The next bytes of its data as they are stored, without holes. */
    int (*data)(void *context, const struct tar_member *member, const void *bytes, size_t len,
                struct error *err);
    /* All of its data has been seen. */
    int (*end)(void *context, const struct tar_member *member, struct error *err);
    /* A member is left out. NAME is as it stands in the archive, cut at a NUL. */
    void (*refused)(void *context, const char *name, const char *why);
};

struct tar;

/* A reader that calls HANDLER with CONTEXT; both stay the caller's and must outlive it. LIMITS may be NULL for the
   limits above. 0 or -ENOMEM. */
int tar_new(const struct tar_limits *limits, const struct tar_handler *handler, void *context,
            struct tar **ret_tar, struct error *err);

/* Takes the next LEN bytes of the decoded stream. -EBADMSG where the archive is damaged, -E2BIG beyond a limit,
   -ENOMEM, or what a callback returned; after a failure every call fails in the same way. */
int tar_feed(struct tar *tar, const void *bytes, size_t len, struct error *err);

/* The stream has ended. -EBADMSG where that is within a member or header, or what tar_feed() failed with. */
int tar_end(struct tar *tar, struct error *err);

/* Frees the reader; NULL is allowed. */
void tar_free(struct tar *tar);

#endif
