/* A header block as it stands in the archive. */
#ifndef RUNFS_ARCHIVE_TAR_HEADER_H
#define RUNFS_ARCHIVE_TAR_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

#define TAR_BLOCK_SIZE 512

#define OLD_SPARSE_IN_HEADER    4
#define OLD_SPARSE_IN_EXTENSION 21

/* An entry of the old GNU sparse map. */
struct tar_old_extent {
    unsigned char offset[12];
    unsigned char size[12];
};

/* The fields are bytes, so the struct has no padding. */
struct tar_header {
    char name[100];
    unsigned char mode[8];
    unsigned char owner[16]; /* uid, gid */
    unsigned char size[12];
    unsigned char mtime[12];
    unsigned char checksum[8];
    char type;
    char link[100];
    char magic[8];             /* with the version */
    unsigned char names[64];   /* of owner and group */
    unsigned char devices[16]; /* major, minor */
    union {
        char prefix[155]; /* of ustar */
        struct {
            unsigned char unused[41]; /* times, a volume's offset, longnames, a pad */
            struct tar_old_extent extents[OLD_SPARSE_IN_HEADER];
            unsigned char extended;
            unsigned char real_size[12];
        } old;
    } tail;
    unsigned char pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_SIZE, "a header is one block");

/* A block of further entries behind the header of an old GNU sparse file. */
struct tar_extension {
    struct tar_old_extent extents[OLD_SPARSE_IN_EXTENSION];
    unsigned char extended;
    unsigned char pad[7];
};
_Static_assert(sizeof(struct tar_extension) == TAR_BLOCK_SIZE, "an extension is one block");

/* Whether all bytes are 0: the end of the archive. */
bool tar_block_is_zero(const void *block);

/* Whether the header's checksum is right, as a sum of unsigned bytes or, as some old programs made it, signed ones. */
bool tar_header_fits(const struct tar_header *header);

/* The name in the header, with ustar's prefix, into OUT, which is emptied first. */
void tar_header_name(const struct tar_header *header, struct strbuf *out);

/* Bytes that fill the last block of SIZE bytes. */
static inline uint64_t tar_padding(uint64_t size)
{
    return -size % TAR_BLOCK_SIZE;
}

#endif
