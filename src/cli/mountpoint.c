#include "cli/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mounts.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/mount_query.h"
#include "cli/options.h"

#define STACKED_MAX   16
#define LOCK_TRIES    100
#define LOCK_PAUSE_US 50000

int mountpoint_resolve(const char *path, char **ret_absolute, struct error *err)
{
    _cleanup_free_ char *trimmed = strdup(path);
    char link[64];
    char absolute[PATH_MAX];
    if (!trimmed)
        return error_errno(err, ENOMEM, "mountpoint %s", path);
    size_t len = strlen(trimmed);
    while (len > 1 &&
           (trimmed[len - 1] == '/' || (len > 2 && trimmed[len - 1] == '.' && trimmed[len - 2] == '/')))
        trimmed[--len] = '\0';
    /* O_PATH crosses into what is mounted there without asking its driver, who may be dead or stopped */
    _cleanup_close_ int fd = open(trimmed, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "mountpoint %s", path);
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, absolute, sizeof absolute);
    if (n < 0 || (size_t)n == sizeof absolute)
        return error_errno(err, n < 0 ? errno : ENAMETOOLONG, "mountpoint %s", path);
    *ret_absolute = strndup(absolute, (size_t)n);
    return *ret_absolute ? 0 : error_errno(err, ENOMEM, "mountpoint %s", path);
}

int mountpoint_operand(int argc, char **argv, bool *ret_json, char **ret_mountpoint)
{
    _cleanup_options_ struct options options; /* accepted, as mount(8)'s helpers do, without effect */
    const struct flag flags[] = {
        {'o', NULL, FLAG_OPTIONS, &options}, {0, ret_json ? "json" : NULL, FLAG_SET, ret_json}, {0}};
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, flags, 1, 1, &first);
    if (code)
        return code;
    return mountpoint_resolve(argv[first], ret_mountpoint, &err) < 0 ? command_failed(&err) : EXIT_DONE;
}

/* Whether the driver of our mount is there, and its process (0 where it is not known). */
static enum mount_state query_driver(const char *mountpoint, pid_t *ret_pid)
{
    _cleanup_free_ char *text = NULL;
    uint64_t pid;
    int result = mount_query(mountpoint, "user.runfs.pid", &text);
    if (result == -ENOTCONN)
        return MOUNT_DEAD;
    if (result == -ETIMEDOUT)
        return MOUNT_SILENT;
    if (result == 0 && parse_u64(text, INT32_MAX, &pid) == 0)
        *ret_pid = (pid_t)pid;
    return MOUNT_OURS;
}

int mountpoint_state(const char *absolute, enum mount_state *ret_state, pid_t *ret_pid, struct error *err)
{
    struct mount mount;
    int result = mount_at(absolute, &mount);
    if (result < 0 && result != -ENOENT)
        return error_errno(err, -result, "mountpoint %s", absolute);
    *ret_pid = 0;
    if (result < 0)
        *ret_state = MOUNT_NONE;
    else if (strcmp(mount.type, MOUNT_TYPE_RUNFS) != 0)
        *ret_state = MOUNT_OTHER;
    else
        *ret_state = query_driver(absolute, ret_pid);
    return 0;
}

int mountpoint_refuse(const char *absolute, enum mount_state state, struct error *err)
{
    switch (state) {
    case MOUNT_NONE:
        return error_set(err, EINVAL, "%s: not a mountpoint", absolute);
    case MOUNT_OTHER:
        return error_set(err, EINVAL, "%s: not a runfs mount", absolute);
    case MOUNT_DEAD:
        return mount_query_error(absolute, -ENOTCONN, err);
    case MOUNT_SILENT:
        return mount_query_error(absolute, -ETIMEDOUT, err);
    case MOUNT_OURS:
        break;
    }
    return 0;
}

/* Users unmount through fusermount3, which is set-user-ID. */
static int run_fusermount(const char *absolute, bool lazy, struct error *err)
{
    char *const argv[] = {(char[]){"fusermount3"}, (char[]){"-u"},   lazy ? (char[]){"-z"} : (char[]){"-q"},
                          (char[]){"--"},          strdup(absolute), NULL};
    _cleanup_free_ char *copy = argv[4];
    pid_t pid;
    int status;
    if (!copy)
        return error_errno(err, ENOMEM, "%s", absolute);
    int code = posix_spawnp(&pid, "fusermount3", NULL, NULL, argv, environ);
    if (code)
        return error_errno(err, code, "fusermount3");
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_errno(err, errno, "fusermount3");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(err, EBUSY, "%s: cannot unmount: in use, or not yours", absolute);
}

int mountpoint_unmount(const char *absolute, bool lazy, struct error *err)
{
    if (umount2(absolute, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
        return 0;
    if (errno == EPERM)
        return run_fusermount(absolute, lazy, err);
    return error_errno(err, errno, "%s: cannot unmount", absolute);
}

int mountpoint_prepare(const char *absolute, struct error *err)
{
    enum mount_state state;
    pid_t pid;
    struct stat st;
    int result = mountpoint_state(absolute, &state, &pid, err);
    for (int i = 0; result == 0 && state == MOUNT_DEAD && i < STACKED_MAX; i++) {
        result = mountpoint_unmount(absolute, true, err);
        if (result == 0)
            result = mountpoint_state(absolute, &state, &pid, err);
    }
    if (result < 0)
        return result;
    if (state != MOUNT_NONE)
        return error_set(err, EBUSY, "mountpoint %s: something is mounted there already", absolute);
    if (stat(absolute, &st) < 0)
        return error_errno(err, errno, "mountpoint %s", absolute);
    if (!S_ISDIR(st.st_mode))
        return error_errno(err, ENOTDIR, "mountpoint %s", absolute);
    return 0;
}

int mountpoint_lock(const char *absolute, int *ret_fd, struct error *err)
{
    _cleanup_close_ int fd = -1;
    int result = mountpoint_prepare(absolute, err);
    if (result < 0)
        return result;
    fd = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "mountpoint %s", absolute);
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES)
            return error_errno(err, errno, "mountpoint %s: cannot lock", absolute);
        (void)usleep(LOCK_PAUSE_US);
    }
    result =
        mountpoint_prepare(absolute, err); /* again: another process may have mounted while this one waited */
    if (result == 0)
        *ret_fd = TAKE_FD(fd);
    return result;
}
