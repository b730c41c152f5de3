/* Places and sizes of the table of contents' format, as toc.h describes it, for its writer and its reader. */
#ifndef RUNFS_ARCHIVE_TOC_FORMAT_H
#define RUNFS_ARCHIVE_TOC_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "archive/toc.h"

#define TOC_MAGIC "RUNFSTOC"

enum {
    TOC_AT_VERSION = 8,
    TOC_AT_FLAGS = 12,
    TOC_AT_LENGTH = 16,
    TOC_AT_OBJECT_SIZE = 24,
    TOC_AT_DECODED_SIZE = 32,
    TOC_AT_REFUSED = 40,
    TOC_AT_SHA256 = 48,
    TOC_AT_CODEC = 80,
    TOC_AT_LENGTHS = 96,
    TOC_HEADER_SIZE = 136,
};

enum { TOC_COMPLETE = 1, TOC_HAS_SHA256 = 2 };

/* What follows the header, in this order; there stands how many bytes or records each is. */
enum toc_section {
    TOC_ETAG,
    TOC_PROBLEM,
    TOC_MEMBERS,
    TOC_NAMES,
    TOC_FILES,
    TOC_LINKS,
    TOC_EXTENTS,
    TOC_POINTS,
    TOC_BLOBS,
    TOC_CHUNKS,
    TOC_SECTIONS
};

enum { TOC_MEMBER_SIZE = 5, TOC_FILE_SIZE = 64, TOC_EXTENT_SIZE = 16, TOC_POINT_SIZE = 24 };

/* Bytes of a record of each section. */
static const unsigned toc_record_size[TOC_SECTIONS] = {
    [TOC_ETAG] = 1,
    [TOC_PROBLEM] = 1,
    [TOC_MEMBERS] = TOC_MEMBER_SIZE,
    [TOC_NAMES] = 1,
    [TOC_FILES] = TOC_FILE_SIZE,
    [TOC_LINKS] = 1,
    [TOC_EXTENTS] = TOC_EXTENT_SIZE,
    [TOC_POINTS] = TOC_POINT_SIZE,
    [TOC_BLOBS] = 1,
    [TOC_CHUNKS] = TOC_HASH_SIZE,
};

enum {
    TOC_FILE_AT_FLAGS = 1,
    TOC_FILE_AT_MODE = 2,
    TOC_FILE_AT_COUNT = 4,
    TOC_FILE_AT_MTIME = 8,
    TOC_FILE_AT_OFFSET = 16,
    TOC_FILE_AT_SIZE = 24,
    TOC_FILE_AT_SHA256 = 32,
};

enum { TOC_FILE_HAS_SHA256 = 1, TOC_FILE_SPARSE = 2, TOC_FILE_MADE = 4 };

static inline void put_le(unsigned char *to, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++, value >>= 8)
        to[i] = (unsigned char)value;
}

static inline uint64_t get_le(const unsigned char *from, size_t len)
{
    uint64_t value = 0;
    while (len-- > 0)
        value = value << 8 | from[len];
    return value;
}

/* Why what a table says of its object, restart points and chunks is not allowed, or NULL. */
const char *toc_fault(const struct toc *toc);

/* Why what a table says of a file is not allowed, or NULL. Its count lies within the table. */
const char *toc_file_fault(const struct toc *toc, const struct member_file *file);

#endif
