/* Tables of contents kept on disk, for as long as nobody clears them: DIR/tables/NAME, NAME from the identity of the archive.
   A file holds the length of the identity (4 bytes, little-endian), the identity and the table, whose own checksum tells
   whether it is whole. It is made under another name, so it is there whole or not at all. */
#ifndef RUNFS_DISK_BLOB_H
#define RUNFS_DISK_BLOB_H

#include "disk/disk.h"

#define TABLE_BYTES_MAX (1ULL << 30)

/* Keeps LEN bytes for IDENTITY in place of older ones. What fails is noted, and nothing is kept then. */
void table_write(struct disk *disk, const char *identity, size_t identity_len, const void *bytes, size_t len);

/* The bytes kept for IDENTITY, owned by the caller; NULL where there are none. */
void *table_read(struct disk *disk, const char *identity, size_t identity_len, size_t *ret_len);

#endif
