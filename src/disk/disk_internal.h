/* Inside of the disk cache, shared by its files: the directory (disk.c), open objects (disk_object.c), their blocks
   (disk_block.c), and what goes over all objects (disk_walk.c, disk_evict.c, disk_care.c). */
#ifndef RUNFS_DISK_DISK_INTERNAL_H
#define RUNFS_DISK_DISK_INTERNAL_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "disk/blob.h"
#include "disk/disk.h"
#include "disk/identity.h"
#include "disk/map.h"
#include "disk/space.h"

#define DISK_OPEN_MAX 128 /* objects whose files are open at once; two descriptors each */

TAILQ_HEAD(disk_objects, disk_object);

struct disk {
    char *directory; /* owned */
    int fd;          /* of the directory */
    int objects_fd;
    int blob_fds[BLOB_KINDS]; /* of their directories */
    bool writable;            /* constant: nothing is ever written where it is false */
    struct space space;
    void (*note)(const char *what, const char *why);
    atomic_flag noted;             /* something was said already */
    _Atomic uint64_t paused_until; /* clock_ms: after a failure nothing is written for a while */
    _Atomic uint64_t bytes_read, bytes_written, blocks_bad, blocks_evicted, writes_failed;
    _Atomic uint64_t temporaries; /* counts names of files that are being made */
    struct lock lock;             /* guards what follows, and objects; not held while files are used */
    pthread_cond_t opened;        /* an object's files were opened, or could not be */
    struct disk_objects open;     /* least recently used first */
    struct disk_objects dead;     /* freed, their files yet to be closed */
    unsigned open_count;          /* objects in OPEN, or about to be */
};

struct disk_object {
    TAILQ_ENTRY(disk_object) link; /* in disk->open while its files are open, then in disk->dead */
    struct disk *disk;
    char name[IDENTITY_NAME];
    uint64_t size;
    /* Guarded by disk->lock. The files are read and written without it, by users of the object. */
    bool opening; /* by one thread, for which others wait */
    int map_fd;   /* -1: the files are closed */
    int data_fd;
    bool writable;          /* the files are open for writing */
    unsigned users;         /* the files must stay open */
    unsigned claims;        /* likewise, since a claim ends when its file is closed */
    _Atomic uint8_t *known; /* a bit a block: it was there when this process looked last; owned */
    size_t identity_len;
    char identity[];
};

/* The two-digit directory of an object's files. -ENOENT where it is not there and is not to be made. */
int disk_open_shard(const struct disk *disk, const char *name, bool make);

/* A file of the cache's own in a directory: a regular file and nothing else. -errno; -EINVAL where it is something else. */
int disk_open_file(int directory_fd, const char *name, int flags);

/* A name for a file in the making, which no other one of the cache has. */
#define DISK_TEMPORARY 64
void disk_temporary_name(struct disk *disk, char ret_name[DISK_TEMPORARY]);

/* Reads LEN bytes at OFFSET; false where there are fewer, or they cannot be read. */
bool disk_read_all(int fd, void *data, size_t len, uint64_t offset);

/* Writes LEN bytes at OFFSET; 0 or -errno. */
int disk_write_all(int fd, const void *data, size_t len, uint64_t offset);

/* What LEN bytes of a file take. */
uint64_t disk_pages(uint64_t len);

/* What the file NAME takes; 0 where there is none. */
uint64_t disk_allocated_by(int directory_fd, const char *name);

/* A stream of the entries of an open directory, which stays open; NULL where that fails. */
DIR *disk_list_directory(int fd);
void disk_close_dir(DIR **dir);
#define _cleanup_dir_ __attribute__((cleanup(disk_close_dir)))

/* Opens an object's files where they are not open, and keeps them open until disk_object_unuse(). MAKE: also where there
   are none yet. -ENOENT, -EROFS, or why not. */
int disk_object_use(struct disk_object *object, bool make);
void disk_object_unuse(struct disk_object *object);

/* The open files were removed by somebody: opens new ones in their place. The caller must be using the object; -EBUSY where
   others are as well. */
int disk_object_reopen(struct disk_object *object);

void disk_object_know(struct disk_object *object, uint64_t number, bool here);

/* Whether writing makes sense now. */
bool disk_may_write(const struct disk *disk);

/* A write failed with CODE, a positive errno: no further ones for a while; noted once. Not so where others are busy with the
   cache (EAGAIN), a file was taken away or too many are in use: those cost one block. */
void disk_write_failed(struct disk *disk, const char *what, int code);

/* An object met on a walk over all of them, with its map open. */
struct disk_visit {
    struct disk *disk;
    int shard_fd;
    const char *name; /* of the map's file */
    int map_fd;
    char *bytes; /* the map's file from the start on */
    size_t len;
    uint64_t size; /* of the object */
    const char *identity;
    size_t identity_len;
    uint64_t allocated; /* bytes that both files take */
    bool old;           /* not written to for long: nobody is just making it */
};

/* Calls FN for each object whose map is whole. What is broken, and what a killed process left, is removed on the way where
   CLEAN. Adds up in *RET_ALLOCATED (may be NULL) what all files of the cache take. FN ends the walk by a result other than
   0, which is returned. */
typedef int (*disk_visit_fn)(void *context, struct disk_visit *visit);
int disk_walk(struct disk *disk, bool clean, disk_visit_fn fn, void *context, uint64_t *ret_allocated);

/* A file of a blob, or of one in the making. */
struct disk_blob {
    enum blob_kind kind;
    const char *name;
    uint64_t used_ms; /* when it was made or read last */
    uint64_t allocated;
};

static inline bool disk_blob_is_made(const struct disk_blob *blob)
{
    return strncmp(blob->name, "new-", 4) != 0;
}

typedef void (*disk_blob_fn)(void *context, const struct disk_blob *blob);
void disk_walk_blobs(const struct disk *disk, disk_blob_fn fn, void *context);

/* How many entries the map has (no more than the object has blocks), and entry NUMBER of them. */
uint64_t disk_visit_entries(const struct disk_visit *visit);
void disk_visit_entry(const struct disk_visit *visit, uint64_t number, struct map_entry *ret_entry);

/* The name of the data file beside the map NAME. */
void disk_data_name(const char *name, char ret_name[IDENTITY_NAME + 8]);

/* Drops block NUMBER: its entry first, then its bytes. */
void disk_visit_drop(struct disk_visit *visit, int data_fd, uint64_t number);

/* Removes both files. */
void disk_visit_unlink(struct disk_visit *visit);

/* For space.h: see space_evict_fn. */
int disk_evict(void *context, uint64_t target, uint64_t *ret_taken);

#endif
