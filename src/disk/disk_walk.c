/* Going over all objects of the disk cache; see disk_internal.h. Other processes may add and remove objects meanwhile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "disk/disk_internal.h"

#define STALE_S     3600 /* files in the making that are older were left by a process that was killed */
#define MAP_LEN_MAX (64U << 20) /* 2 TiB of object */
#define STAT_BLOCK  512         /* unit of st_blocks */

struct walk {
    struct disk *disk;
    bool clean;
    disk_visit_fn fn;
    void *context;
    uint64_t allocated;
    time_t now;
};

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

uint64_t disk_visit_entries(const struct disk_visit *visit)
{
    uint64_t first = map_entry_at(visit->identity_len, 0);
    uint64_t have = visit->len > first ? (visit->len - first) / MAP_ENTRY : 0;
    uint64_t blocks = map_blocks(visit->size);
    return have < blocks ? have : blocks;
}

void disk_visit_entry(const struct disk_visit *visit, uint64_t number, struct map_entry *ret_entry)
{
    map_entry_read(visit->bytes + map_entry_at(visit->identity_len, number), ret_entry);
    if (ret_entry->len != map_block_len(visit->size, number))
        ret_entry->present = false;
}

void disk_visit_drop(struct disk_visit *visit, int data_fd, uint64_t number)
{
    static const char nothing[MAP_ENTRY];
    if (pwrite(visit->map_fd, nothing, sizeof nothing, (off_t)map_entry_at(visit->identity_len, number)) < 0)
        return;
    (void)fallocate(data_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(number * CACHE_BLOCK_SIZE),
                    CACHE_BLOCK_SIZE);
}

void disk_visit_unlink(struct disk_visit *visit)
{
    char data[IDENTITY_NAME + 8];
    disk_data_name(visit->name, data);
    (void)unlinkat(visit->shard_fd, visit->name, 0);
    (void)unlinkat(visit->shard_fd, data, 0);
}

static bool is_old(const struct stat *st, time_t now)
{
    return st->st_mtime + STALE_S < now;
}

/* Reads the whole map. -EBADMSG where the file is no map; other failures say nothing about it. */
static int read_map(struct disk_visit *visit, time_t now)
{
    struct stat st;
    if (fstat(visit->map_fd, &st) < 0)
        return -errno;
    if (st.st_size < MAP_HEADER || (uint64_t)st.st_size > MAP_LEN_MAX)
        return -EBADMSG;
    visit->old = is_old(&st, now);
    visit->len = (size_t)st.st_size;
    visit->bytes = malloc(visit->len);
    if (!visit->bytes)
        return -ENOMEM;
    ssize_t n = pread(visit->map_fd, visit->bytes, visit->len, 0);
    if (n < 0)
        return -errno;
    if ((size_t)n != visit->len || map_head_read(visit->bytes, &visit->size, &visit->identity_len) < 0 ||
        visit->len < map_entry_at(visit->identity_len, 0))
        return -EBADMSG;
    visit->identity = visit->bytes + MAP_HEADER;
    return map_head_verify(visit->bytes, visit->identity, visit->identity_len) ? 0 : -EBADMSG;
}

static int visit_map(struct walk *walk, int shard_fd, const char *name)
{
    char data[IDENTITY_NAME + 8];
    struct disk_visit visit = {.disk = walk->disk, .shard_fd = shard_fd, .name = name};
    disk_data_name(name, data);
    visit.map_fd = disk_open_file(shard_fd, name, walk->disk->writable ? O_RDWR : O_RDONLY);
    if (visit.map_fd == -EINVAL && walk->clean)
        disk_visit_unlink(&visit); /* a link or a directory in place of a file */
    if (visit.map_fd < 0)
        return 0;
    visit.allocated = disk_allocated_by(shard_fd, name) + disk_allocated_by(shard_fd, data);
    int result = read_map(&visit, walk->now);
    if (result == -EBADMSG && walk->clean)
        disk_visit_unlink(&visit);
    else
        walk->allocated += visit.allocated;
    result = result == 0 && walk->fn ? walk->fn(walk->context, &visit) : 0;
    free(visit.bytes);
    (void)close(visit.map_fd);
    return result;
}

/* Whatever is no map: a data file without one, or something in the making, is left over from a killed process. */
static void visit_other(struct walk *walk, int shard_fd, const char *name)
{
    char map[IDENTITY_NAME + 8];
    struct stat st;
    if (fstatat(shard_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    bool stale = is_old(&st, walk->now);
    if (ends_with(name, ".data")) {
        (void)snprintf(map, sizeof map, "%.32s.map", name);
        if (faccessat(shard_fd, map, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return; /* counted with its map */
        stale = true;
    }
    if (walk->clean && stale)
        (void)unlinkat(shard_fd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
    else
        walk->allocated += (uint64_t)st.st_blocks * STAT_BLOCK;
}

static int walk_shard(struct walk *walk, const char *shard)
{
    _cleanup_close_ int fd = disk_open_shard(walk->disk, shard, false);
    _cleanup_dir_ DIR *dir = fd < 0 ? NULL : disk_list_directory(fd);
    int result = 0;
    for (struct dirent *entry; dir && result == 0 && (entry = readdir(dir));) {
        if (atomic_load(&walk->disk->space.closing))
            return -ECANCELED;
        if (entry->d_name[0] == '.')
            continue;
        if (strlen(entry->d_name) == IDENTITY_NAME - 1 + 4 && ends_with(entry->d_name, ".map"))
            result = visit_map(walk, fd, entry->d_name);
        else
            visit_other(walk, fd, entry->d_name);
    }
    return result;
}

void disk_walk_blobs(const struct disk *disk, disk_blob_fn fn, void *context)
{
    struct stat st;
    for (enum blob_kind kind = 0; kind < BLOB_KINDS; kind++) {
        int fd = disk->blob_fds[kind];
        _cleanup_dir_ DIR *dir = disk_list_directory(fd);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            if (entry->d_name[0] == '.' || fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            struct disk_blob blob = {.kind = kind,
                                     .name = entry->d_name,
                                     .used_ms = (uint64_t)st.st_mtim.tv_sec * 1000 +
                                                (uint64_t)st.st_mtim.tv_nsec / 1000000,
                                     .allocated = (uint64_t)st.st_blocks * STAT_BLOCK};
            fn(context, &blob);
        }
    }
}

/* Blobs count like objects; one in the making that is old was left by a process that was killed. */
static void visit_blob(void *context, const struct disk_blob *blob)
{
    struct walk *walk = context;
    if (walk->clean && !disk_blob_is_made(blob) && blob->used_ms / 1000 + STALE_S < (uint64_t)walk->now)
        (void)unlinkat(walk->disk->blob_fds[blob->kind], blob->name, 0);
    else
        walk->allocated += blob->allocated;
}

int disk_walk(struct disk *disk, bool clean, disk_visit_fn fn, void *context, uint64_t *ret_allocated)
{
    struct walk walk = {
        .disk = disk, .clean = clean && disk->writable, .fn = fn, .context = context, .now = time(NULL)};
    _cleanup_dir_ DIR *dir = disk_list_directory(disk->objects_fd);
    if (!dir)
        return -errno;
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) == 2)
            result = walk_shard(&walk, entry->d_name);
    disk_walk_blobs(disk, visit_blob, &walk);
    if (ret_allocated)
        *ret_allocated = walk.allocated;
    return result;
}
