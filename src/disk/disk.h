/* The disk cache: a directory of objects' blocks, shared by all processes of its owner. Safe by checksum: whatever
   happens to its files, what is read from them is right or counts as not there.

     DIR/objects/ab/NAME.map, NAME.data   an object (map.h); NAME from its identity, ab its first two digits
     DIR/listings/NAME-VARIANT            a listing (listing.h), as a blob
     DIR/tables/NAME                      a table of contents, a member or an answer of GitHub (blob.h)
     DIR/space                            how much is taken (space.h)

   A directory that is missing is made, with mode 0700; one that another user owns or may write to, or a symbolic link, is
   refused. No symbolic link is followed in it. All functions may be called by several threads at once, and block on the
   disk where they do not say otherwise. */
#ifndef RUNFS_DISK_DISK_H
#define RUNFS_DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct disk;
struct disk_object;

struct disk_config {
    const char *directory; /* copied */
    uint64_t size_max;     /* bytes it may take; 0: a tenth of the file system */
    uint64_t free_min;     /* bytes to be left on the file system; 0: a twentieth of it */
    bool make;             /* make the directory, and what it holds, where that is missing */
    /* Told once why nothing is written any more. May be NULL. */
    void (*note)(const char *what, const char *why);
};

/* -ENOENT where it is missing and is not to be made; -EPERM where it is not safe; else why it cannot be used. */
int disk_open(const struct disk_config *config, struct disk **ret_disk, struct error *err);

/* DIRECTORY, else $XDG_CACHE_HOME/runfs, else .cache/runfs in the user's home. NULL where there is none; owned by the caller. */
char *cache_dir_path(const char *directory);

/* disk_open() there, whose directory may be NULL. */
int cache_dir_open(const struct disk_config *config, struct disk **ret_disk, struct error *err);

/* No object may be left; NULL is allowed. */
void disk_close(struct disk *disk);

const char *disk_directory(const struct disk *disk);
uint64_t disk_size_max(const struct disk *disk);
uint64_t disk_free_min(const struct disk *disk);

/* What this process has done with it so far. */
struct disk_stats {
    uint64_t bytes_read; /* from blocks that were right */
    uint64_t bytes_written;
    uint64_t blocks_bad; /* with a wrong checksum; they are fetched again */
    uint64_t blocks_evicted;
    uint64_t writes_failed;
};
void disk_stats(struct disk *disk, struct disk_stats *ret_stats);

/* An object's place in the cache, by its identity (identity.h, copied). No I/O: files are opened when they are needed, and
   closed again when too many are open. NULL without memory, or where the identity is too long. */
struct disk_object *disk_object_new(struct disk *disk, const char *identity, size_t identity_len,
                                    uint64_t size);

/* Frees; no other thread may use it. NULL is allowed. No I/O: its files are closed by the next use of another object,
   disk_tidy() or disk_close(). */
void disk_object_free(struct disk_object *object);

/* Closes the files of freed objects. */
void disk_tidy(struct disk *disk);

/* Whether block NUMBER was there when this process looked last. No I/O. */
bool disk_object_knows(struct disk_object *object, uint64_t number);

/* Reads block NUMBER (LEN bytes) into DATA; *RET_HASH is that of DATA, *RET_UNUSED whether it was fetched ahead and this is the
   first use of it. -ENOENT where it is not there, or wrong. */
int disk_object_load(struct disk_object *object, uint64_t number, void *data, size_t len,
                     struct hash128 *ret_hash, bool *ret_unused);

/* Removes block NUMBER, which disk_object_load() gave and whose bytes are not those of the object after all. */
void disk_object_drop(struct disk_object *object, uint64_t number);

/* Says that this process will fetch block NUMBER, which nobody else in the process has claimed. Between processes a
   claim is an open-file-description lock on the block's entry in the map, so it ends with its holder (fcntl(2)). Never
   waits for another process. */
enum disk_claim {
    DISK_CLAIMED,  /* and the block is not there */
    DISK_THERE,    /* nothing to claim: it is there by now */
    DISK_FOREIGN,  /* another process is fetching it */
    DISK_UNUSABLE, /* no claims, since nothing can be written */
};
enum disk_claim disk_object_claim(struct disk_object *object, uint64_t number);

/* Ends a claim. */
void disk_object_release(struct disk_object *object, uint64_t number);

/* Writes block NUMBER, where it is not there, of DATA with HASH. UNUSED: it was fetched ahead, and not read yet. What
   fails is counted and, the first time, noted; the block is simply not there then. */
int disk_object_save(struct disk_object *object, uint64_t number, const void *data, size_t len,
                     const struct hash128 *hash, bool unused);

/* Bytes of the object on disk, as its map says now. */
uint64_t disk_object_bytes(struct disk_object *object);

/* Evicts, least recently used first, until no more than SIZE_MAX bytes are taken; also clears away what is broken.
   Returns how many bytes were freed in *RET_FREED. -EBUSY where another process is at it. */
int disk_prune(struct disk *disk, uint64_t size_max, uint64_t *ret_freed, struct error *err);

/* Removes everything. Processes that use the cache go on, and fetch again. */
int disk_clear(struct disk *disk, struct error *err);

/* Tells FN of every object, in no order, until it returns other than 0. */
struct disk_item {
    const char *identity;
    size_t identity_len;
    uint64_t size;      /* of the object */
    uint64_t here;      /* bytes of it on disk */
    uint64_t allocated; /* bytes its files take */
    uint64_t blocks;    /* blocks on disk */
    uint64_t used_ms;   /* when it was used last, since 1970 UTC */
};
typedef int (*disk_item_fn)(void *context, const struct disk_item *item);
int disk_each(struct disk *disk, disk_item_fn fn, void *context, struct error *err);

/* How full it is. Looks at all files. */
struct disk_usage {
    uint64_t taken;   /* bytes that its files take */
    uint64_t free;    /* bytes that the file system has left */
    uint64_t objects; /* of which there is a block */
    uint64_t blocks;
    uint64_t bytes; /* in blocks */
    uint64_t listings;
};
int disk_usage(struct disk *disk, struct disk_usage *ret_usage, struct error *err);

/* Reads all blocks and checks them; those that are wrong are dropped, each told to FN (NUMBER of the block). */
typedef void (*disk_bad_fn)(void *context, const struct disk_item *item, uint64_t number);
typedef void (*disk_progress_fn)(void *context, uint64_t bytes_checked);
struct disk_verified {
    uint64_t objects;
    uint64_t blocks;
    uint64_t bytes;
    uint64_t bad;
};
int disk_verify(struct disk *disk, disk_bad_fn bad, disk_progress_fn progress, void *context,
                struct disk_verified *ret_verified, struct error *err);

#endif
