/* The table of contents of an archive as bytes: kept in the cache, or beside the archive as {file}.runfs-toc. Reading
   takes it for hostile: nothing is believed before every length, order, name, offset and the checksum have been
   checked, and what is read writes back as the very same bytes.

   The checksum guards against accidents; whoever can write a table can make it lie about the archive. Object identity,
   chunk hashes and the SHA-256 of members are there to find that out.

   Format, version 1. Numbers are little-endian, without signs unless said so; nothing is aligned.

     bytes 0   8  magic "RUNFSTOC"
     8         4  version, 1
     12        4  flags: 1 the archive was read to its end; 2 the object's SHA-256 is known
     16        8  length of the whole table, checksum included
     24        8  size of the object, the archive as it is stored; at most 2^63 - 1, as every size and offset here
     32        8  size of the decoded stream
     40        8  members that were refused
     48       32  SHA-256 of the object; zeros where it is not known
     80       16  name of the codec, such as "xz" or "none": lower-case letters and digits, at least one, then zeros
     96        4  bytes of the ETag, at most TOC_ETAG_MAX; this or the SHA-256 must be there. Several have blanks between
                  them: the object has one of those
     100       4  bytes of the problem, at most TOC_PROBLEM_MAX; not 0 where flag 1 is not set
     104       4  members M, at least 1: the root
     108       4  bytes of names
     112       4  files F: what members stand for
     116       4  bytes of link targets
     120       4  extents X of sparse files
     124       4  restart points P
     128       4  bytes of their blobs
     132       4  chunk hashes C: 0, or one for each TOC_CHUNK_SIZE of the decoded stream, the last perhaps shorter
     136          ETag; then problem: text without control characters

     M times   5  a member: number of its file (4), bytes of its name (1). Breadth first from the root, whose name is
                  empty; the entries of a directory follow those of the directory before it, ascending by the bytes of
                  their names. A file's first member has the next number that no member had before. Depth is at most
                  TAR_DEPTH_MAX.
                  names of all members: not "." or "..", without '/' and NUL
     F times  64  a file, see below
                  link targets of all files, without NUL: at least 1 byte, of symbolic links at most MEMBERS_LINK_MAX,
                  of broken ones at most TAR_NAME_MAX
     X times  16  an extent of a sparse file: offset in the file (8), bytes (8), not 0. In the order of files, in each
                  ascending without overlaps and within its size
     P times  24  a restart point: offset in the decoded stream (8) and in the object (8), neither less than the one
                  before and within their sizes; kind, 255 at most (4); bytes of its blob (4), CODEC_BLOB_MAX at
                  most
                  blobs of all restart points
     C times  16  XXH3-128 of a chunk, canonical (big-endian)
              16  XXH3-128 of everything before, canonical

   A file:

     0   1  type, enum member_type
     1   1  flags: 1 SHA-256 is known, 2 sparse (both of files only), 4 made (of directories only)
     2   2  mode, twelve bits
     4   4  count: of a directory its entries, of a sparse file its extents, of a link bytes of its target, else 0
     8   8  time of change in nanoseconds since 1970, signed
     16  8  of a file, offset of its data in the decoded stream, which must hold all of them; else the
            offset behind its header, which only tells the order of members, or 0
     24  8  of a file, its size; else 0
     32 32  SHA-256 of a file's content, holes included; zeros where it is not known

   A directory has one member only. */
#ifndef RUNFS_ARCHIVE_TOC_H
#define RUNFS_ARCHIVE_TOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/codec.h"
#include "archive/members.h"
#include "base/error.h"
#include "base/hash.h"

#define TOC_VERSION     1
#define TOC_SIZE_MAX    (1ULL << 30)
#define TOC_CODEC_MAX   15
#define TOC_ETAG_MAX    255
#define TOC_PROBLEM_MAX 1023
#define TOC_CHUNK_SIZE  (1U << 20)
#define TOC_HASH_SIZE   16

/* What pointers lead to belongs to whoever made the table: toc_read()'s goes with toc_free(). */
struct toc {
    uint64_t object_size;
    bool has_sha256;
    unsigned char sha256[MEMBER_SHA256_SIZE];
    char etag[TOC_ETAG_MAX + 1]; /* "" where there is none; several have blanks between them */
    char codec[TOC_CODEC_MAX + 1];
    uint64_t decoded_size;
    bool complete;                     /* the archive was read to its end */
    char problem[TOC_PROBLEM_MAX + 1]; /* why it was not, or what else is to be said of it */
    uint64_t refused;                  /* members that are left out */
    struct member_table *members;
    struct codec_point *points;
    uint32_t point_count;
    struct hash128 *chunks;
    uint32_t chunk_count;
};

/* Writes a table: a malloc'ed block in *RET_BYTES. -EINVAL where it breaks a rule of the format that is the caller's to
   keep (members from members_finish() break none), -E2BIG beyond TOC_SIZE_MAX, -ENOMEM. */
int toc_write(const struct toc *toc, unsigned char **ret_bytes, size_t *ret_len, struct error *err);

/* Reads LEN bytes. -EINVAL where they are no valid table, -ENOMEM. The memory that it takes is in proportion to LEN. */
int toc_read(const void *bytes, size_t len, struct toc **ret_toc, struct error *err);

/* Frees what toc_read() made; NULL is allowed. */
void toc_free(struct toc *toc);

#endif
