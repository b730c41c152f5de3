/* Mountpoints; see mountpoint.h. */
#include "cli/mountpoint.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define OUR_TYPE     "fuse.runfs"
#define STACKED_MAX  16
#define MNTENT_BYTES (64U * 1024)

/* The parent is resolved, the last component only added: asking what a dead mount is would fail. */
static int resolve_below_parent(const char *path, char **ret_absolute)
{
    _cleanup_free_ char *for_dir = strdup(path);
    _cleanup_free_ char *for_base = strdup(path);
    if (!for_dir || !for_base)
        return -ENOMEM;
    _cleanup_free_ char *parent = realpath(dirname(for_dir), NULL);
    if (!parent)
        return -errno;
    return asprintf(ret_absolute, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, basename(for_base)) < 0
               ? -ENOMEM
               : 0;
}

int mountpoint_resolve(const char *path, char **ret_absolute, struct error *err)
{
    char *absolute = realpath(path, NULL);
    int result = absolute ? 0 : -errno;
    if (result == -ENOTCONN || result == -EIO || result == -EACCES)
        result = resolve_below_parent(path, &absolute);
    if (result < 0)
        return error_errno(err, -result, "mountpoint %s", path);
    *ret_absolute = absolute;
    return 0;
}

static void close_table(FILE **table)
{
    if (*table)
        (void)endmntent(*table);
}

/* Finds the type of the top mount at ABSOLUTE: the last one in the table. */
static int top_type(const char *absolute, char *type, size_t size, struct error *err)
{
    __attribute__((cleanup(close_table))) FILE *table = setmntent("/proc/self/mounts", "re");
    _cleanup_free_ char *buffer = malloc(MNTENT_BYTES);
    struct mntent entry;
    type[0] = '\0';
    if (!table || !buffer)
        return error_errno(err, errno, "/proc/self/mounts");
    while (getmntent_r(table, &entry, buffer, MNTENT_BYTES))
        if (strcmp(entry.mnt_dir, absolute) == 0)
            (void)snprintf(type, size, "%s", entry.mnt_type);
    return 0;
}

int mountpoint_state(const char *absolute, enum mount_state *ret_state, struct error *err)
{
    char type[64];
    struct stat st;
    int result = top_type(absolute, type, sizeof type, err);
    if (result < 0)
        return result;
    if (!type[0])
        *ret_state = MOUNT_NONE;
    else if (strcmp(type, OUR_TYPE) != 0)
        *ret_state = MOUNT_OTHER;
    else
        *ret_state = stat(absolute, &st) < 0 && errno == ENOTCONN ? MOUNT_DEAD : MOUNT_OURS;
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
    struct stat st;
    int result = mountpoint_state(absolute, &state, err);
    for (int i = 0; result == 0 && state == MOUNT_DEAD && i < STACKED_MAX; i++) {
        result = mountpoint_unmount(absolute, true, err);
        if (result == 0)
            result = mountpoint_state(absolute, &state, err);
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
