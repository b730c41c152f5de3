/* runfs umount: unmounts, clears dead mounts, waits for the process to end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/mountpoint.h"

#define END_MS 60000 /* for the process to end */

static int await_end(int pidfd, const char *mountpoint, struct error *err)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&ended, 1, END_MS) == 1)
        return 0;
    return error_set(err, ETIMEDOUT, "%s: unmounted, but its process has not ended", mountpoint);
}

static int unmount(const char *mountpoint, struct error *err)
{
    enum mount_state state;
    pid_t pid;
    int result = mountpoint_state(mountpoint, &state, &pid, err);
    if (result < 0)
        return result;
    switch (state) {
    case MOUNT_NONE:
        return error_set(err, EINVAL, "%s: not mounted", mountpoint);
    case MOUNT_OTHER:
        return mountpoint_refuse(mountpoint, state, err);
    case MOUNT_DEAD:
        return mountpoint_unmount(mountpoint, true, err);
    case MOUNT_SILENT:
        (void)fprintf(stderr, "runfs: %s: its process does not answer: taken away, but still running\n",
                      mountpoint);
        (void)umount2(mountpoint, MNT_FORCE | UMOUNT_NOFOLLOW); /* what waits for an answer gets an error */
        result = mountpoint_state(mountpoint, &state, &pid, err);
        return result < 0 || state == MOUNT_NONE ? result : mountpoint_unmount(mountpoint, true, err);
    case MOUNT_OURS:
        break;
    }
    _cleanup_close_ int pidfd = pid ? pidfd_open(pid, 0) : -1;
    result = mountpoint_unmount(mountpoint, false, err);
    return result < 0 ? result : await_end(pidfd, mountpoint, err);
}

int cmd_umount(int argc, char **argv)
{
    _cleanup_free_ char *mountpoint = NULL;
    struct error err = {0};
    int code = mountpoint_operand(argc, argv, NULL, &mountpoint);
    if (code)
        return code;
    return unmount(mountpoint, &err) < 0 ? command_failed(&err) : EXIT_DONE;
}
