/* Reading, claiming and writing the blocks of an object in the disk cache; see disk.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "disk/disk_internal.h"

#define TOUCH_MS 1000 /* a block that is used again and again says so only so often */

static off_t entry_at(const struct disk_object *object, uint64_t number)
{
    return (off_t)map_entry_at(object->identity_len, number);
}

static bool read_entry(const struct disk_object *object, uint64_t number, struct map_entry *ret_entry)
{
    char bytes[MAP_ENTRY];
    if (pread(object->map_fd, bytes, sizeof bytes, entry_at(object, number)) != (ssize_t)sizeof bytes)
        return false;
    map_entry_read(bytes, ret_entry);
    return ret_entry->present && ret_entry->len == map_block_len(object->size, number);
}

/* Says when the block was used, and that it was. */
static void touch(struct disk_object *object, uint64_t number, const struct map_entry *entry)
{
    char bytes[8];
    uint64_t now = clock_real_ms();
    if (!object->writable || (!entry->unused && now < entry->used_ms + TOUCH_MS && now >= entry->used_ms))
        return;
    map_used_write(bytes, now, false);
    (void)!pwrite(object->map_fd, bytes, sizeof bytes, entry_at(object, number) + MAP_USED_AT);
}

/* A block that is not what its entry says. */
static void drop(struct disk_object *object, uint64_t number)
{
    static const char nothing[MAP_ENTRY];
    atomic_fetch_add(&object->disk->blocks_bad, 1);
    if (object->writable)
        (void)!pwrite(object->map_fd, nothing, sizeof nothing, entry_at(object, number));
}

/* Whether ENTRY is one of LEN bytes with the hash DATA. */
static bool is_right(const struct disk_object *object, uint64_t number, const struct hash128 *data,
                     size_t len, const struct map_entry *entry)
{
    struct hash128 hash = map_hash(object->identity, object->identity_len, number, data);
    return entry->len == len && memcmp(&hash, &entry->hash, sizeof hash) == 0;
}

static int load(struct disk_object *object, uint64_t number, void *data, size_t len, struct hash128 *ret_hash,
                bool *ret_unused)
{
    struct map_entry entry;
    struct hash128 hash;
    if (!read_entry(object, number, &entry) || entry.len != len)
        return -ENOENT;
    bool whole = disk_read_all(object->data_fd, data, len, number * CACHE_BLOCK_SIZE);
    if (whole)
        hash = hash128(data, len);
    if (!whole || !is_right(object, number, &hash, len, &entry)) {
        drop(object, number);
        return -ENOENT;
    }
    touch(object, number, &entry);
    atomic_fetch_add(&object->disk->bytes_read, len);
    *ret_hash = hash;
    *ret_unused = entry.unused;
    return 0;
}

int disk_object_load(struct disk_object *object, uint64_t number, void *data, size_t len,
                     struct hash128 *ret_hash, bool *ret_unused)
{
    int result = disk_object_use(object, false);
    if (result < 0)
        return -ENOENT;
    result = load(object, number, data, len, ret_hash, ret_unused);
    disk_object_know(object, number, result == 0);
    disk_object_unuse(object);
    return result;
}

void disk_object_drop(struct disk_object *object, uint64_t number)
{
    if (disk_object_use(object, false) < 0)
        return;
    drop(object, number);
    disk_object_know(object, number, false);
    disk_object_unuse(object);
}

static int lock_entry(const struct disk_object *object, uint64_t number, short type)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = entry_at(object, number), .l_len = MAP_ENTRY};
    return fcntl(object->map_fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

static enum disk_claim claim(struct disk_object *object, uint64_t number)
{
    struct map_entry entry;
    if (!object->writable)
        return read_entry(object, number, &entry) ? DISK_THERE : DISK_UNUSABLE;
    int result = lock_entry(object, number, F_WRLCK);
    if (result == -EAGAIN || result == -EACCES)
        return DISK_FOREIGN;
    if (result < 0)
        return DISK_UNUSABLE;
    if (read_entry(object, number, &entry)) { /* somebody finished it before we locked */
        (void)lock_entry(object, number, F_UNLCK);
        return DISK_THERE;
    }
    lock_take(&object->disk->lock);
    object->claims++;
    lock_drop(&object->disk->lock);
    return DISK_CLAIMED;
}

enum disk_claim disk_object_claim(struct disk_object *object, uint64_t number)
{
    if (disk_object_use(object, true) < 0)
        return DISK_UNUSABLE;
    enum disk_claim result = claim(object, number);
    disk_object_know(object, number, result == DISK_THERE);
    disk_object_unuse(object);
    return result;
}

void disk_object_release(struct disk_object *object, uint64_t number)
{
    struct disk *disk = object->disk;
    lock_take(&disk->lock);
    while (object->opening) /* in place of files that were removed */
        lock_wait(&disk->lock, &disk->opened);
    object->users++; /* the claim has kept the files open */
    lock_drop(&disk->lock);
    (void)lock_entry(object, number, F_UNLCK);
    lock_take(&disk->lock);
    object->users--;
    object->claims--;
    lock_drop(&disk->lock);
}

/* Whether the open files still have names: what is written to a file without one is lost with us. */
static bool is_linked(const struct disk_object *object)
{
    struct stat map;
    struct stat data;
    return fstat(object->map_fd, &map) == 0 && fstat(object->data_fd, &data) == 0 && map.st_nlink &&
           data.st_nlink;
}

/* Gives the block's bytes back to the file system after a write that failed half-way. */
static void punch(const struct disk_object *object, uint64_t number, size_t len)
{
    (void)fallocate(object->data_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t)(number * CACHE_BLOCK_SIZE), (off_t)len);
}

/* The data first, then the entry that says it is there: no order is kept by the disk, the checksum tells. */
static int write_block(struct disk_object *object, uint64_t number, const void *data, size_t len,
                       const struct hash128 *hash, bool unused)
{
    char bytes[MAP_ENTRY];
    struct map_entry entry = {
        .present = true,
        .len = (uint32_t)len,
        .hash = map_hash(object->identity, object->identity_len, number, hash),
        .used_ms = clock_real_ms(),
        .unused = unused,
    };
    map_entry_write(bytes, &entry);
    int result = disk_write_all(object->data_fd, data, len, number * CACHE_BLOCK_SIZE);
    if (result == 0)
        result = disk_write_all(object->map_fd, bytes, sizeof bytes, (uint64_t)entry_at(object, number));
    if (result < 0)
        punch(object, number, len);
    return result;
}

/* Whether another process has written it. */
static bool is_there(const struct disk_object *object, uint64_t number, size_t len,
                     const struct hash128 *hash)
{
    struct map_entry entry;
    return read_entry(object, number, &entry) && is_right(object, number, hash, len, &entry) &&
           is_linked(object);
}

static int save(struct disk_object *object, uint64_t number, const void *data, size_t len,
                const struct hash128 *hash, bool unused)
{
    struct space *space = &object->disk->space;
    uint64_t bytes = disk_pages(len);
    if (!object->writable)
        return -EROFS;
    int result = space_reserve(space, bytes);
    if (result < 0)
        return result;
    result = is_linked(object) ? write_block(object, number, data, len, hash, unused) : -ESTALE;
    if (result < 0)
        space_return(space, bytes);
    else
        atomic_fetch_add(&object->disk->bytes_written, len);
    return result;
}

int disk_object_save(struct disk_object *object, uint64_t number, const void *data, size_t len,
                     const struct hash128 *hash, bool unused)
{
    struct disk *disk = object->disk;
    if (!disk->writable)
        disk_write_failed(disk, "cannot write", EROFS);
    if (!disk_may_write(disk))
        return -EROFS;
    int result = disk_object_use(object, true);
    if (result == 0) {
        if (!is_there(object, number, len, hash))
            result = save(object, number, data, len, hash, unused);
        if (result == -ESTALE && disk_object_reopen(object) == 0)
            result = save(object, number, data, len, hash, unused);
        disk_object_know(object, number, result == 0);
        disk_object_unuse(object);
    }
    if (result < 0)
        disk_write_failed(disk, "cannot write", -result);
    return result;
}
