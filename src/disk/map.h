/* The map of a cached object: which of its blocks are on disk, and how to tell that they are right. The format of a file
   NAME.map beside NAME.data, which holds block N at N times the block size. Pure: bytes in, bytes out.

   All numbers are little-endian.

     0  8  "runfsmap"
     8  4  version, 2
    12  4  block size, 1048576
    16  8  size of the object in bytes
    24  4  length of the identity in bytes
    28  4  nothing, 0
    32 16  XXH3-128 of bytes 0 to 31 and the identity
    48     identity (identity.h), then zeros to a multiple of 32
           an entry a block:
     0  1    0: not here, 1: here
     1  1    codec of the stored bytes, 0: as they are
     2  2    nothing, 0
     4  4    stored length
     8 16    XXH3-128 of the identity, the number of the block (8 bytes) and the XXH3-128 of its bytes
    24  8    when it was used last, milliseconds since 1970 UTC, times two; plus one where it was fetched ahead and not
             used yet */
#ifndef RUNFS_DISK_MAP_H
#define RUNFS_DISK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

#define CACHE_BLOCK_SIZE (1024U * 1024)

#define MAP_HEADER  48
#define MAP_ENTRY   32
#define MAP_USED_AT 24 /* offset in an entry of the eight bytes that are rewritten when the block is used */

struct map_entry {
    bool present;
    uint32_t len;
    struct hash128 hash;
    uint64_t used_ms; /* since 1970 UTC */
    bool unused;      /* fetched ahead, and nobody has read it yet */
};

/* How many blocks an object of SIZE bytes has. */
uint64_t map_blocks(uint64_t size);

/* Bytes of block NUMBER of an object of SIZE bytes. */
size_t map_block_len(uint64_t size, uint64_t number);

/* Where entry NUMBER begins in the map of an object with an identity of IDENTITY_LEN bytes. */
uint64_t map_entry_at(size_t identity_len, uint64_t number);

/* Writes the bytes before the entries, map_entry_at(IDENTITY_LEN, 0) of them, to OUT. */
void map_head_write(char *out, uint64_t size, const char *identity, size_t identity_len);

/* Reads the first MAP_HEADER bytes: size of the object and length of its identity. -EINVAL where this is no map. */
int map_head_read(const char *head, uint64_t *ret_size, size_t *ret_identity_len);

/* Whether the checksum in HEAD is right for the identity that follows it. */
bool map_head_verify(const char *head, const char *identity, size_t identity_len);

void map_entry_write(char out[MAP_ENTRY], const struct map_entry *entry);

/* Only the eight bytes at MAP_USED_AT. */
void map_used_write(char out[8], uint64_t used_ms, bool unused);

/* Anything that is no entry of this version reads as not present. */
void map_entry_read(const char bytes[MAP_ENTRY], struct map_entry *ret_entry);

/* The checksum of a block whose bytes have the hash DATA. */
struct hash128 map_hash(const char *identity, size_t identity_len, uint64_t number,
                        const struct hash128 *data);

#endif
