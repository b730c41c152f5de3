/* The directory of the disk cache: opening it safely, and saying when it fails; see disk.h. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/environment.h"
#include "disk/disk_internal.h"

#define PAGE_SIZE  4096U
#define STAT_BLOCK 512   /* unit of st_blocks */
#define PAUSE_MS   30000 /* nothing is written for so long after a write failed */

const char *disk_directory(const struct disk *disk)
{
    return disk->directory;
}

uint64_t disk_size_max(const struct disk *disk)
{
    return disk->space.size_max;
}

uint64_t disk_free_min(const struct disk *disk)
{
    return disk->space.free_min;
}

void disk_stats(struct disk *disk, struct disk_stats *ret_stats)
{
    *ret_stats = (struct disk_stats){
        .bytes_read = disk->bytes_read,
        .bytes_written = disk->bytes_written,
        .blocks_bad = disk->blocks_bad,
        .blocks_evicted = disk->blocks_evicted,
        .writes_failed = disk->writes_failed,
    };
}

bool disk_may_write(const struct disk *disk)
{
    return disk->writable && clock_ms() >= atomic_load(&disk->paused_until);
}

void disk_write_failed(struct disk *disk, const char *what, int code)
{
    char text[160];
    if (code == ESTALE || code == EMFILE || code == EBUSY)
        return;
    atomic_fetch_add(&disk->writes_failed, 1);
    if (code == EAGAIN)
        return;
    atomic_store(&disk->paused_until, clock_ms() + PAUSE_MS);
    if (!disk->note || atomic_flag_test_and_set(&disk->noted))
        return;
    (void)snprintf(text, sizeof text, "%s: %s; going on without keeping more on disk", what,
                   error_text(code));
    disk->note(disk->directory, text);
}

void disk_temporary_name(struct disk *disk, char ret_name[DISK_TEMPORARY])
{
    (void)snprintf(ret_name, DISK_TEMPORARY, "new-%ld-%" PRIu64, (long)getpid(),
                   atomic_fetch_add(&disk->temporaries, 1));
}

bool disk_read_all(int fd, void *data, size_t len, uint64_t offset)
{
    size_t done = 0;
    lock_assert_none("reads a file");
    while (done < len) {
        ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(offset + done));
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

int disk_write_all(int fd, const void *data, size_t len, uint64_t offset)
{
    size_t done = 0;
    lock_assert_none("writes a file");
    while (done < len) {
        ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -ENOSPC;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

uint64_t disk_pages(uint64_t len)
{
    return (len + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

uint64_t disk_allocated_by(int directory_fd, const char *name)
{
    struct stat st;
    return fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0
                                                                     : (uint64_t)st.st_blocks * STAT_BLOCK;
}

DIR *disk_list_directory(int fd)
{
    lock_assert_none("reads a directory");
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir && copy >= 0)
        (void)close(copy);
    return dir;
}

void disk_close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

int disk_open_file(int directory_fd, const char *name, int flags)
{
    struct stat st;
    lock_assert_none("opens a file");
    int fd = openat(directory_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0)
        return errno == ELOOP ? -EINVAL : -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return -EINVAL;
    }
    return fd;
}

/* A directory that is ours alone, made where MAKE. */
static int open_directory(int parent_fd, const char *name, bool make)
{
    struct stat st;
    if (make && mkdirat(parent_fd, name, 0700) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
        return -errno;
    _cleanup_close_ int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == ENOTDIR ? -ENOTDIR : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return -EPERM;
    return TAKE_FD(fd);
}

int disk_open_shard(const struct disk *disk, const char *name, bool make)
{
    const char shard[3] = {name[0], name[1], '\0'};
    int fd = open_directory(disk->objects_fd, shard, false);
    return fd == -ENOENT && make ? open_directory(disk->objects_fd, shard, true) : fd;
}

/* Makes the directories above PATH, as mkdir -p does. */
static void make_parents(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);
    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0700); /* what fails here fails again, and with a message, for what lies below */
        *slash = '/';
    }
}

static int refuse(const char *directory, int code, struct error *err)
{
    if (code == EPERM)
        return error_set(err, EPERM, "cache %s: not safe: it must be yours, and nobody else may write to it",
                         directory);
    if (code == ENOTDIR)
        return error_set(err, ENOTDIR, "cache %s: not a directory (a symbolic link is not followed)",
                         directory);
    return error_errno(err, code, "cache %s", directory);
}

/* The limits that were not said. */
static int set_limits(struct disk *disk, const struct disk_config *config)
{
    struct statvfs fs;
    if (fstatvfs(disk->fd, &fs) < 0)
        return -errno;
    uint64_t all = (uint64_t)fs.f_blocks * fs.f_frsize;
    disk->space.size_max = config->size_max ? config->size_max : all / 10;
    disk->space.free_min = config->free_min ? config->free_min : all / 20;
    return 0;
}

static int open_all(struct disk *disk, const struct disk_config *config)
{
    if (config->make)
        make_parents(disk->directory);
    disk->fd = open_directory(AT_FDCWD, disk->directory, config->make);
    if (disk->fd < 0)
        return disk->fd;
    int result = set_limits(disk, config);
    if (result < 0)
        return result;
    disk->objects_fd = open_directory(disk->fd, "objects", config->make);
    disk->blob_fds[BLOB_TABLE] = open_directory(disk->fd, "tables", config->make);
    disk->blob_fds[BLOB_LISTING] = open_directory(disk->fd, "listings", config->make);
    const int fds[] = {disk->objects_fd, disk->blob_fds[BLOB_TABLE], disk->blob_fds[BLOB_LISTING]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] < 0)
            return fds[i];
    result = space_open(&disk->space, disk->fd);
    disk->writable = result == 0;
    return result == -EROFS || result == -EACCES ? 0 : result;
}

int disk_open(const struct disk_config *config, struct disk **ret_disk, struct error *err)
{
    struct disk *disk = calloc(1, sizeof *disk);
    if (!disk || !(disk->directory = strdup(config->directory))) {
        free(disk);
        return error_errno(err, ENOMEM, "cache");
    }
    /* "link/" would be followed */
    for (size_t len = strlen(disk->directory); len > 1 && disk->directory[len - 1] == '/'; len--)
        disk->directory[len - 1] = '\0';
    disk->fd = disk->objects_fd = disk->blob_fds[BLOB_TABLE] = disk->blob_fds[BLOB_LISTING] = -1;
    disk->space.fd = -1;
    disk->space.evict = disk_evict;
    disk->space.context = disk;
    disk->note = config->note;
    atomic_flag_clear(&disk->noted);
    lock_init(&disk->lock, LOCK_DISK);
    (void)pthread_cond_init(&disk->opened, NULL);
    TAILQ_INIT(&disk->open);
    TAILQ_INIT(&disk->dead);
    int result = open_all(disk, config);
    if (result < 0) {
        disk_close(disk);
        return refuse(config->directory, -result, err);
    }
    *ret_disk = disk;
    return 0;
}

char *cache_dir_path(const char *directory)
{
    const char *cache = getenv("XDG_CACHE_HOME"); /* a relative one is to be ignored (XDG base directories) */
    char *path = NULL;
    if (directory)
        return strdup(directory);
    if (cache && cache[0] == '/')
        return asprintf(&path, "%s/runfs", cache) < 0 ? NULL : path;
    _cleanup_free_ char *home = environment_home();
    return !home || asprintf(&path, "%s/.cache/runfs", home) < 0 ? NULL : path;
}

int cache_dir_open(const struct disk_config *config, struct disk **ret_disk, struct error *err)
{
    struct disk_config placed = *config;
    _cleanup_free_ char *path = cache_dir_path(config->directory);
    if (!path)
        return error_set(err, ENOENT, "cache: no home directory is known, cache=DIR names another");
    placed.directory = path;
    return disk_open(&placed, ret_disk, err);
}

void disk_close(struct disk *disk)
{
    if (!disk)
        return;
    disk_tidy(disk);
    space_close(&disk->space);
    const int fds[] = {disk->fd, disk->objects_fd, disk->blob_fds[BLOB_TABLE], disk->blob_fds[BLOB_LISTING]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    (void)pthread_cond_destroy(&disk->opened);
    lock_done(&disk->lock);
    free(disk->directory);
    free(disk);
}
