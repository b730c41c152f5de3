/* Looking after the disk cache as a whole: what is in it, whether it is right, and emptying it; see disk.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "disk/disk_internal.h"

struct each {
    disk_item_fn fn;
    void *context;
};

/* Sums up what the map of an object says. */
static void describe(const struct disk_visit *visit, struct disk_item *ret_item)
{
    struct map_entry entry;
    *ret_item = (struct disk_item){
        .identity = visit->identity,
        .identity_len = visit->identity_len,
        .size = visit->size,
        .allocated = visit->allocated,
    };
    for (uint64_t number = 0; number < disk_visit_entries(visit); number++) {
        disk_visit_entry(visit, number, &entry);
        if (!entry.present)
            continue;
        ret_item->blocks++;
        ret_item->here += entry.len;
        if (entry.used_ms > ret_item->used_ms)
            ret_item->used_ms = entry.used_ms;
    }
}

static int tell(void *context, struct disk_visit *visit)
{
    const struct each *each = context;
    struct disk_item item;
    describe(visit, &item);
    return each->fn(each->context, &item);
}

static int walk_failed(const struct disk *disk, int result, struct error *err)
{
    return result < 0 ? error_errno(err, -result, "cache %s", disk->directory) : 0;
}

int disk_each(struct disk *disk, disk_item_fn fn, void *context, struct error *err)
{
    struct each each = {fn, context};
    return walk_failed(disk, disk_walk(disk, false, tell, &each, NULL), err);
}

static int add_up(void *context, struct disk_visit *visit)
{
    struct disk_usage *usage = context;
    struct disk_item item;
    describe(visit, &item);
    usage->objects += item.blocks != 0;
    usage->blocks += item.blocks;
    usage->bytes += item.here;
    return 0;
}

static void count_listing(void *context, const struct disk_blob *blob)
{
    struct disk_usage *usage = context;
    usage->listings += blob->kind == BLOB_LISTING && disk_blob_is_made(blob);
}

int disk_usage(struct disk *disk, struct disk_usage *ret_usage, struct error *err)
{
    struct disk_usage usage = {0};
    struct statvfs fs;
    int result = walk_failed(disk, disk_walk(disk, false, add_up, &usage, &usage.taken), err);
    if (result < 0)
        return result;
    disk_walk_blobs(disk, count_listing, &usage);
    if (fstatvfs(disk->fd, &fs) < 0)
        return error_errno(err, errno, "cache %s", disk->directory);
    usage.free = (uint64_t)fs.f_bavail * fs.f_frsize;
    *ret_usage = usage;
    return 0;
}

struct verify {
    disk_bad_fn bad;
    disk_progress_fn progress;
    void *context;
    char *block; /* room for one */
    struct disk_verified totals;
};

static bool is_right(const struct disk_visit *visit, int data_fd, uint64_t number,
                     const struct map_entry *entry, char *block)
{
    if (pread(data_fd, block, entry->len, (off_t)(number * CACHE_BLOCK_SIZE)) != (ssize_t)entry->len)
        return false;
    struct hash128 data = hash128(block, entry->len);
    struct hash128 hash = map_hash(visit->identity, visit->identity_len, number, &data);
    return memcmp(&hash, &entry->hash, sizeof hash) == 0;
}

/* Whether the entry still says what it did when the map was read: else the block was evicted, or written anew, meanwhile. */
static bool is_same(const struct disk_visit *visit, uint64_t number, const struct map_entry *entry)
{
    char bytes[MAP_ENTRY];
    struct map_entry now;
    if (pread(visit->map_fd, bytes, sizeof bytes, (off_t)map_entry_at(visit->identity_len, number)) !=
        (ssize_t)sizeof bytes)
        return false;
    map_entry_read(bytes, &now);
    return now.present && memcmp(&now.hash, &entry->hash, sizeof now.hash) == 0;
}

static int verify_object(void *context, struct disk_visit *visit)
{
    struct verify *verify = context;
    struct map_entry entry;
    struct disk_item item;
    char data[IDENTITY_NAME + 8];
    describe(visit, &item);
    disk_data_name(visit->name, data);
    _cleanup_close_ int data_fd =
        disk_open_file(visit->shard_fd, data, visit->disk->writable ? O_RDWR : O_RDONLY);
    verify->totals.objects++;
    for (uint64_t number = 0; number < disk_visit_entries(visit); number++) {
        disk_visit_entry(visit, number, &entry);
        if (!entry.present)
            continue;
        verify->totals.blocks++;
        verify->totals.bytes += entry.len;
        if (!is_right(visit, data_fd, number, &entry, verify->block) && is_same(visit, number, &entry)) {
            verify->totals.bad++;
            verify->bad(verify->context, &item, number);
            disk_visit_drop(visit, data_fd, number);
        }
        verify->progress(verify->context, verify->totals.bytes);
    }
    return 0;
}

int disk_verify(struct disk *disk, disk_bad_fn bad, disk_progress_fn progress, void *context,
                struct disk_verified *ret_verified, struct error *err)
{
    _cleanup_free_ char *block = malloc(CACHE_BLOCK_SIZE);
    struct verify verify = {.bad = bad, .progress = progress, .context = context, .block = block};
    if (!block)
        return error_errno(err, ENOMEM, "cache %s", disk->directory);
    int result = walk_failed(disk, disk_walk(disk, false, verify_object, &verify, NULL), err);
    if (result == 0)
        *ret_verified = verify.totals;
    return result;
}

static int unlink_object(void *context, struct disk_visit *visit)
{
    (void)context;
    disk_visit_unlink(visit);
    return 0;
}

static void unlink_all(int directory_fd)
{
    _cleanup_dir_ DIR *dir = disk_list_directory(directory_fd);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        (void)unlinkat(directory_fd, entry->d_name, 0);
}

int disk_clear(struct disk *disk, struct error *err)
{
    uint64_t freed;
    if (!disk->writable)
        return error_errno(err, EROFS, "cache %s", disk->directory);
    int result = walk_failed(disk, disk_walk(disk, true, unlink_object, NULL, NULL), err);
    for (enum blob_kind kind = 0; kind < BLOB_KINDS; kind++)
        unlink_all(disk->blob_fds[kind]);
    return result < 0 ? result : disk_prune(disk, UINT64_MAX, &freed, err);
}
