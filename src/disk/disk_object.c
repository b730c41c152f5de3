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
    return object;
}

static void close_both(int map_fd, int data_fd)
{
    lock_assert_none("closes files");
    if (map_fd >= 0)
        (void)close(map_fd);
    if (data_fd >= 0)
        (void)close(data_fd);
}

void disk_object_free(struct disk_object *object)
{
    if (!object)
        return;
    struct disk *disk = object->disk;
    lock_take(&disk->lock);
    if (object->map_fd >= 0) {
        TAILQ_REMOVE(&disk->open, object, link);
        disk->open_count--;
    }
    TAILQ_INSERT_TAIL(&disk->dead, object, link);
    lock_drop(&disk->lock);
}

void disk_tidy(struct disk *disk)
{
    struct disk_object *object;
    struct disk_objects dead = TAILQ_HEAD_INITIALIZER(dead);
    lock_take(&disk->lock);
    TAILQ_CONCAT(&dead, &disk->dead, link);
    lock_drop(&disk->lock);
    while ((object = TAILQ_FIRST(&dead))) {
        TAILQ_REMOVE(&dead, object, link);
        close_both(object->map_fd, object->data_fd);
        free(object->known);
        free(object);
    }
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

/* Opens the files, and learns from the map which blocks are here. */
static int open_files(struct disk_object *object, bool make, int *ret_map_fd, int *ret_data_fd,
                      bool *ret_writable)
{
    char data[IDENTITY_NAME + 8];
    _cleanup_close_ int shard_fd = disk_open_shard(object->disk, object->name, make);
    if (shard_fd < 0)
        return shard_fd;
    _cleanup_close_ int map_fd = open_map(object, shard_fd, make, ret_writable);
    if (map_fd < 0)
        return map_fd;
    disk_data_name(object->name, data);
    *ret_data_fd = disk_open_file(shard_fd, data, *ret_writable ? O_RDWR | O_CREAT : O_RDONLY);
    if (*ret_data_fd < 0)
        return *ret_data_fd;
    load_known(object, map_fd);
    *ret_map_fd = TAKE_FD(map_fd);
    return 0;
}

/* Takes OBJECT out of those with open files, whose descriptors the caller closes. The lock is held. */
static void retire(struct disk_object *object, int *ret_map_fd, int *ret_data_fd)
{
    TAILQ_REMOVE(&object->disk->open, object, link);
    object->disk->open_count--;
    *ret_map_fd = object->map_fd;
    *ret_data_fd = object->data_fd;
    object->map_fd = object->data_fd = -1;
}

/* Makes room for one more object with open files: retires the one that was used longest ago and is not in use where too many
   are open. False where all are in use. The lock is held. */
static bool make_slot(struct disk *disk, int *ret_map_fd, int *ret_data_fd)
{
    struct disk_object *object = NULL;
    if (disk->open_count >= DISK_OPEN_MAX) {
        TAILQ_FOREACH(object, &disk->open, link)
        if (!object->users && !object->claims)
            break;
        if (!object)
            return false;
        retire(object, ret_map_fd, ret_data_fd);
    }
    disk->open_count++;
    return true;
}

/* Opens the files in place of those that are given. Drops and retakes the lock; until then other threads wait. */
static int open_object(struct disk_object *object, bool make, int map_fd, int data_fd)
{
    struct disk *disk = object->disk;
    bool writable = false;
    if (map_fd < 0 && !make_slot(disk, &map_fd, &data_fd))
        return -EMFILE;
    object->opening = true;
    lock_drop(&disk->lock);
    close_both(map_fd, data_fd);
    int result = open_files(object, make, &map_fd, &data_fd, &writable);
    lock_take(&disk->lock);
    object->opening = false;
    (void)pthread_cond_broadcast(&disk->opened);
    if (result < 0) {
        disk->open_count--;
        return result;
    }
    object->map_fd = map_fd;
    object->data_fd = data_fd;
    object->writable = writable;
    TAILQ_INSERT_TAIL(&disk->open, object, link);
    return 0;
}

int disk_object_use(struct disk_object *object, bool make)
{
    struct disk *disk = object->disk;
    int result = 0;
    disk_tidy(disk);
    lock_take(&disk->lock);
    while (object->opening)
        lock_wait(&disk->lock, &disk->opened);
    if (object->map_fd < 0) {
        result = open_object(object, make && disk_may_write(disk), -1, -1);
    } else {
        TAILQ_REMOVE(&disk->open, object, link);
        TAILQ_INSERT_TAIL(&disk->open, object, link);
    }
    if (result == 0)
        object->users++;
    lock_drop(&disk->lock);
    return result;
}

void disk_object_unuse(struct disk_object *object)
{
    lock_take(&object->disk->lock);
    object->users--;
    lock_drop(&object->disk->lock);
}

int disk_object_reopen(struct disk_object *object)
{
    struct disk *disk = object->disk;
    int result = -EBUSY;
    int map_fd;
    int data_fd;
    lock_take(&disk->lock);
    if (object->users == 1 && object->map_fd >= 0) {
        retire(object, &map_fd, &data_fd);
        disk->open_count++; /* its slot is taken again */
        result = open_object(object, true, map_fd, data_fd);
    }
    lock_drop(&disk->lock);
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
