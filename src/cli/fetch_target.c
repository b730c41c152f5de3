#include "cli/fetch_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/common/output.h"

#define LOCK_TRIES 10

static int open_inside(int fd, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int opened = (int)syscall(SYS_openat2, fd, path, &how, sizeof how);
    return opened < 0 ? -errno : opened;
}

static int obstacle_error(const struct fetch_target *target, const char *path, int code, struct error *err)
{
    if (code == ELOOP)
        return error_set(err, code, "%s/%s: a symbolic link is in the way", target->name, path);
    if (code == ENOTDIR)
        return error_set(err, code, "%s/%s: a file is in the way", target->name, path);
    if (code == EISDIR)
        return error_set(err, code, "%s/%s: a directory is in the way", target->name, path);
    return error_errno(err, code, "%s/%s", target->name, path);
}

/* Opens and locks the directory for parts. -EAGAIN where another process has just removed it. */
static int try_parts(const struct fetch_target *target, int *ret_fd)
{
    struct stat st;
    if (mkdirat(target->fd, FETCH_PARTS, 0700) < 0 && errno != EEXIST)
        return -errno;
    _cleanup_close_ int fd = open_inside(target->fd, FETCH_PARTS, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd == -ENOENT ? -EAGAIN : fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -EAGAIN;
    if (st.st_uid != geteuid())
        return -EPERM;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_parts(struct fetch_target *target, struct error *err)
{
    int result = -EAGAIN;
    for (int i = 0; result == -EAGAIN && i < LOCK_TRIES; i++)
        result = try_parts(target, &target->parts);
    if (result == -EBUSY)
        return error_set(err, EBUSY, "%s: another runfs fetch is at work there", target->name);
    return result < 0 ? obstacle_error(target, FETCH_PARTS, -result, err) : 0;
}

int fetch_target_open(struct fetch_target *target, const char *name, bool look, struct error *err)
{
    *target = (struct fetch_target){.fd = -1, .parts = -1, .name = name, .mask = output_umask()};
    if (!look && mkdir(name, 0777) < 0 && errno != EEXIST)
        return error_errno(err, errno, "%s", name);
    target->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (target->fd < 0)
        return look && errno == ENOENT ? 0 : error_errno(err, errno, "%s", name);
    int result = look ? 0 : open_parts(target, err);
    if (result < 0)
        fetch_target_close(target, true);
    return result;
}

/* Makes each directory of PATH and steps into it. PATH is changed. */
static int make_directories(const struct fetch_target *target, char *path)
{
    _cleanup_close_ int fd = open_inside(target->fd, ".", O_PATH | O_DIRECTORY);
    for (char *name; fd >= 0 && (name = strsep(&path, "/"));) {
        if (mkdirat(fd, name, 0777) < 0 && errno != EEXIST)
            return -errno;
        int below = open_inside(fd, name, O_PATH | O_DIRECTORY); /* no link or file is there */
        (void)close(fd);
        fd = below;
    }
    return fd < 0 ? fd : 0;
}

int fetch_target_make_directory(const struct fetch_target *target, const char *path, struct error *err)
{
    if (!*path)
        return 0;
    _cleanup_close_ int fd = open_inside(target->fd, path, O_PATH | O_DIRECTORY);
    _cleanup_free_ char *copy = fd == -ENOENT ? strdup(path) : NULL;
    int result = fd < 0 ? fd : 0;
    if (fd == -ENOENT)
        result = copy ? make_directories(target, copy) : -ENOMEM;
    return result < 0 ? obstacle_error(target, path, -result, err) : 0;
}

int fetch_target_open_parent(const struct fetch_target *target, const char *path, int *ret_fd,
                             const char **ret_name, struct error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!parent)
        return error_errno(err, ENOMEM, "%s/%s", target->name, path);
    int fd = target->fd < 0 ? -ENOENT : open_inside(target->fd, parent, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return obstacle_error(target, slash ? parent : path, -fd, err);
    *ret_fd = fd;
    *ret_name = slash ? slash + 1 : path;
    return 0;
}

int fetch_target_place(const struct fetch_target *target, const char *part, const char *path,
                       struct error *err)
{
    const char *name;
    int fd;
    int result = fetch_target_open_parent(target, path, &fd, &name, err);
    if (result < 0)
        return result;
    result = renameat(target->parts, part, fd, name) < 0 ? -errno : 0;
    (void)close(fd);
    if (result != -ENOSPC && result != -EDQUOT) /* it waits for the next time then */
        (void)unlinkat(target->parts, part, 0); /* a second name of the very same file: then both stay */
    return result < 0 ? obstacle_error(target, path, -result, err) : 0;
}

/* Files only: nothing else is ever made there. */
static void remove_parts(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        if (copy >= 0)
            (void)close(copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        (void)unlinkat(fd, entry->d_name, 0);
    (void)closedir(dir);
}

void fetch_target_close(struct fetch_target *target, bool to_continue)
{
    if (target->parts >= 0) {
        if (!to_continue)
            remove_parts(target->parts);
        (void)unlinkat(target->fd, FETCH_PARTS, AT_REMOVEDIR); /* where it is empty */
        (void)close(target->parts);
    }
    if (target->fd >= 0)
        (void)close(target->fd);
    target->fd = target->parts = -1;
}
