/* Listings kept on disk, so that a second mount need not ask: a blob (blob.h) of a scope, with a variant for each way of
   access. It holds for each object, numbers as unsigned LEB128: bytes shared with the key before, length of the rest of the
   key, that rest; length of the ETag, ETag; size; time in ns since 1970 UTC (a negative one is shown as 0). */
#ifndef RUNFS_DISK_LISTING_H
#define RUNFS_DISK_LISTING_H

#include "base/object.h"
#include "disk/disk.h"
#include "disk/identity.h"

struct listing_writer;

/* Begins to write what ACCESS (a hash of the credentials: different users see different things) sees of SCOPE. NULL where
   that cannot be kept. */
struct listing_writer *listing_writer_open(struct disk *disk, const struct cache_scope *scope,
                                           const char *access);

/* Adds an object. What fails shows in the end: then nothing is kept. */
void listing_writer_add(struct listing_writer *writer, const struct object *object);

/* Keeps the listing, which began at BEGAN_MS, in place of an older one; or drops it where BEGAN_MS is 0. Frees. NULL is
   allowed. */
void listing_writer_close(struct listing_writer *writer, uint64_t began_ms);

/* Reads a listing that began at SINCE_MS or later (0: ever, whatever the clock says), the newest of all ways of access
   where ACCESS is NULL: calls FN for each object, as store_ops.list does. -ENOENT where there is none, or it is damaged:
   FN has not been called then. */
int listing_read(struct disk *disk, const struct cache_scope *scope, const char *access, uint64_t since_ms,
                 list_fn fn, void *context, uint64_t *ret_began_ms, struct error *err);

/* Calls FN for each listing that ACCESS has made, NULL for anybody's: by its head, without looking whether it is whole. */
typedef void (*listing_scope_fn)(void *context, const struct cache_scope *scope, uint64_t began_ms);
void listing_each(struct disk *disk, const char *access, listing_scope_fn fn, void *context);

#endif
