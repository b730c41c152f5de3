/* Objects in the disk cache: making and opening their files, of which only so many are open at once; see disk.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "disk/disk_internal.h"

#define OBJECT_BYTES 8192 /* what the files of an object take before there is a block in them */
#define ENTRIES_READ 1024 /* entries of a map that are read at once */

void disk_data_name(const char *name, char ret_name[IDENTITY_NAME + 8])
{
    (void)snprintf(ret_name, IDENTITY_NAME + 8, "%.32s.data", name);
}

static void map_name(const char *name, char ret_name[IDENTITY_NAME + 8])
{
    (void)snprintf(ret_name, IDENTITY_NAME + 8, "%.32s.map", name);
}

struct disk_object *disk_object_new(struct disk *disk, const char *identity, size_t identity_len,
                                    uint64_t size)
{
    if (identity_len > IDENTITY_MAX || size > INT64_MAX)
        return NULL;
    struct disk_object *object = calloc(1, sizeof *object + identity_len);
    if (!object)
        return NULL;
    if (!(object->known = calloc(1, map_blocks(size) / 8 + 1))) {
        free(object);
        return NULL;
    }
    object->disk = disk;
    object->size = size;
    object->map_fd = object->data_fd = -1;
    object->identity_len = identity_len;
    memcpy(object->identity, identity, identity_len);
    identity_name(identity, identity_len, object->name);
    (void)pthread_mutex_init(&object->lock, NULL);
    return object;
}

/* The object's lock is held. */
static void close_files(struct disk_object *object)
{
    if (object->map_fd >= 0)
        (void)close(object->map_fd);
    if (object->data_fd >= 0)
        (void)close(object->data_fd);
    object->map_fd = object->data_fd = -1;
}

/* Takes an object that nobody uses out of the list of open ones. Both locks are held. */
static void retire(struct disk_object *object)
{
    TAILQ_REMOVE(&object->disk->open, object, link);
    object->disk->open_count--;
    close_files(object);
}

void disk_object_free(struct disk_object *object)
{
    if (!object)
        return;
    (void)pthread_mutex_lock(
        &object->disk->lock); /* alone: nobody else knows the object any more, but for the list */
    if (object->map_fd >= 0)
        retire(object);
    (void)pthread_mutex_unlock(&object->disk->lock);
    (void)pthread_mutex_destroy(&object->lock);
    free(object->known);
    free(object);
}

bool disk_object_knows(struct disk_object *object, uint64_t number)
{
    return number < map_blocks(object->size) &&
           (atomic_load_explicit(&object->known[number / 8], memory_order_relaxed) >> (number % 8) & 1);
}

void disk_object_know(struct disk_object *object, uint64_t number, bool here)
{
    if (number >= map_blocks(object->size))
        return;
    uint8_t bit = (uint8_t)(1U << (number % 8));
    if (here)
        (void)atomic_fetch_or(&object->known[number / 8], bit);
    else
        (void)atomic_fetch_and(&object->known[number / 8], (uint8_t)~bit);
}

/* Whether the open map is this object's. */
static bool is_ours(const struct disk_object *object, int fd)
{
    uint64_t head_len = map_entry_at(object->identity_len, 0);
    _cleanup_free_ char *head = malloc(head_len);
    uint64_t size;
    size_t identity_len;
    return head && pread(fd, head, head_len, 0) == (ssize_t)head_len &&
           map_head_read(head, &size, &identity_len) == 0 && size == object->size &&
           identity_len == object->identity_len &&
           memcmp(head + MAP_HEADER, object->identity, identity_len) == 0 &&
           map_head_verify(head, object->identity, identity_len);
}

/* Learns from the open map which blocks are here. */
static void load_known(struct disk_object *object, int fd)
{
    _cleanup_free_ char *bytes = malloc((size_t)ENTRIES_READ * MAP_ENTRY);
    uint64_t blocks = map_blocks(object->size);
    struct map_entry entry = {0};
    for (uint64_t number = 0; bytes && number < blocks; number++) {
        size_t i = number % ENTRIES_READ;
        if (i == 0) {
            memset(bytes, 0, (size_t)ENTRIES_READ * MAP_ENTRY);
            if (pread(fd, bytes, (size_t)ENTRIES_READ * MAP_ENTRY,
                      (off_t)map_entry_at(object->identity_len, number)) <= 0)
                return; /* the map ends with the last block that ever was here */
        }
        map_entry_read(bytes + i * MAP_ENTRY, &entry);
        disk_object_know(object, number, entry.present && entry.len == map_block_len(object->size, number));
    }
}

/* Fills a new map under a name of its own, then gives it its name: others never see one that is not whole. */
static int make_map(struct disk_object *object, int shard_fd, const char *name)
{
    struct disk *disk = object->disk;
    uint64_t head_len = map_entry_at(object->identity_len, 0);
    _cleanup_free_ char *head = malloc(head_len);
    char temporary[DISK_TEMPORARY];
    if (!head)
        return -ENOMEM;
    map_head_write(head, object->size, object->identity, object->identity_len);
    disk_temporary_name(disk, temporary);
    _cleanup_close_ int fd = disk_open_file(shard_fd, temporary, O_RDWR | O_CREAT | O_EXCL);
    if (fd < 0)
        return fd;
    int result = pwrite(fd, head, head_len, 0) == (ssize_t)head_len ? 0 : errno ? -errno : -ENOSPC;
    if (result == 0 && linkat(shard_fd, temporary, shard_fd, name, 0) < 0)
        result = -errno;
    (void)unlinkat(shard_fd, temporary, 0);
    if (result == 0)
        space_spend(&disk->space, OBJECT_BYTES);
    return result == 0 ? TAKE_FD(fd) : result;
}

static void unlink_both(int shard_fd, const char *name)
{
    char data[IDENTITY_NAME + 8];
    disk_data_name(name, data);
    (void)unlinkat(shard_fd, name, 0);
    (void)unlinkat(shard_fd, data, 0);
}

/* Opens the map, made where MAKE and there is none; one that is not ours or not whole is removed first. */
static int open_map(struct disk_object *object, int shard_fd, bool make, bool *ret_writable)
{
    char name[IDENTITY_NAME + 8];
    map_name(object->name, name);
    for (int tries = 0; tries < 3; tries++) {
        bool writable = object->disk->writable;
        int fd = disk_open_file(shard_fd, name, writable ? O_RDWR : O_RDONLY);
        if (fd >= 0 && !is_ours(object, fd)) {
            (void)close(fd);
            fd = -EINVAL;
        }
        if (fd == -EINVAL && writable)
            unlink_both(shard_fd, name);
        if (fd == -EINVAL)
            fd = -ENOENT;
        if (fd == -ENOENT && make)
            fd = make_map(object, shard_fd, name);
        if (fd != -EEXIST) { /* another process was quicker */
            *ret_writable = writable;
            return fd;
        }
    }
    return -EBUSY;
}

/* Closes files that were used longest ago and are not in use, as long as too many are open. disk->lock is held. */
static void close_some(struct disk *disk)
{
    struct disk_object *object;
    struct disk_object *next;
    for (object = TAILQ_FIRST(&disk->open); object && disk->open_count >= DISK_OPEN_MAX; object = next) {
        next = TAILQ_NEXT(object, link);
        if (pthread_mutex_trylock(&object->lock) != 0)
            continue; /* being opened or used */
        if (!object->users && !object->claims)
            retire(object);
        (void)pthread_mutex_unlock(&object->lock);
    }
}

/* Puts the object at the end of the list of open ones; -EMFILE where there are too many and all in use. */
static int list_open(struct disk_object *object)
{
    struct disk *disk = object->disk;
    (void)pthread_mutex_lock(&disk->lock);
    close_some(disk);
    bool room = disk->open_count < DISK_OPEN_MAX;
    if (room) {
        TAILQ_INSERT_TAIL(&disk->open, object, link);
        disk->open_count++;
    }
    (void)pthread_mutex_unlock(&disk->lock);
    return room ? 0 : -EMFILE;
}

static int open_files(struct disk_object *object, bool make)
{
    char data[IDENTITY_NAME + 8];
    bool writable;
    _cleanup_close_ int shard_fd = disk_open_shard(object->disk, object->name, make);
    if (shard_fd < 0)
        return shard_fd;
    _cleanup_close_ int map_fd = open_map(object, shard_fd, make, &writable);
    if (map_fd < 0)
        return map_fd;
    disk_data_name(object->name, data);
    _cleanup_close_ int data_fd = disk_open_file(shard_fd, data, writable ? O_RDWR | O_CREAT : O_RDONLY);
    if (data_fd < 0)
        return data_fd;
    int result = list_open(object);
    if (result < 0)
        return result;
    load_known(object, map_fd);
    object->map_fd = TAKE_FD(map_fd);
    object->data_fd = TAKE_FD(data_fd);
    object->writable = writable;
    return 0;
}

static void touch(struct disk_object *object)
{
    struct disk *disk = object->disk;
    (void)pthread_mutex_lock(&disk->lock);
    TAILQ_REMOVE(&disk->open, object, link);
    TAILQ_INSERT_TAIL(&disk->open, object, link);
    (void)pthread_mutex_unlock(&disk->lock);
}

int disk_object_use(struct disk_object *object, bool make)
{
    int result = 0;
    (void)pthread_mutex_lock(&object->lock);
    if (object->map_fd < 0)
        result = open_files(object, make && disk_may_write(object->disk));
    else
        touch(object);
    if (result == 0)
        object->users++;
    (void)pthread_mutex_unlock(&object->lock);
    return result;
}

void disk_object_unuse(struct disk_object *object)
{
    (void)pthread_mutex_lock(&object->lock);
    object->users--;
    (void)pthread_mutex_unlock(&object->lock);
}

int disk_object_reopen(struct disk_object *object)
{
    int result = -EBUSY;
    (void)pthread_mutex_lock(&object->lock);
    if (object->users == 1) {
        (void)pthread_mutex_lock(&object->disk->lock);
        retire(object);
        (void)pthread_mutex_unlock(&object->disk->lock);
        result = open_files(object, true);
    }
    (void)pthread_mutex_unlock(&object->lock);
    return result;
}

uint64_t disk_object_bytes(struct disk_object *object)
{
    uint64_t bytes = 0;
    if (disk_object_use(object, false) < 0)
        return 0;
    load_known(object, object->map_fd);
    for (uint64_t number = 0; number < map_blocks(object->size); number++)
        if (disk_object_knows(object, number))
            bytes += map_block_len(object->size, number);
    disk_object_unuse(object);
    return bytes;
}
