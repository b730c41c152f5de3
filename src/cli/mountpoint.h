/* Mountpoints: what is mounted where, and dead mounts of drivers that were killed. */
#ifndef RUNFS_CLI_MOUNTPOINT_H
#define RUNFS_CLI_MOUNTPOINT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum mount_state {
    MOUNT_NONE,   /* nothing is mounted there */
    MOUNT_OTHER,  /* something that is not ours */
    MOUNT_OURS,   /* a runfs mount */
    MOUNT_DEAD,   /* a runfs mount whose process is gone */
    MOUNT_SILENT, /* a runfs mount whose process does not answer, because it is stopped for example */
};

/* The absolute path of a mountpoint (owned by the caller), resolved without touching what is mounted there. */
int mountpoint_resolve(const char *path, char **ret_absolute, struct error *err);

/* Reads the command line of a command whose one operand is a mountpoint, and which has --json where RET_JSON is not NULL; resolves
   the mountpoint. 0, or the exit code after the message was written. */
int mountpoint_operand(int argc, char **argv, bool *ret_json, char **ret_mountpoint);

/* What is on top at an absolute path. A runfs mount is asked for its process, in *RET_PID: 0 where there is no answer. */
int mountpoint_state(const char *absolute, enum mount_state *ret_state, pid_t *ret_pid, struct error *err);

/* Sets the message of a STATE other than MOUNT_OURS, and returns -errno; 0 for that. */
int mountpoint_refuse(const char *absolute, enum mount_state state, struct error *err);

/* Unmounts the top mount: umount2(2), or fusermount3 for users. LAZY takes it away even while it is in use.
   -EBUSY. */
int mountpoint_unmount(const char *absolute, bool lazy, struct error *err);

/* Makes ready for mounting: clears dead mounts, then checks that this is a directory with nothing mounted on it. */
int mountpoint_prepare(const char *absolute, struct error *err);

/* mountpoint_prepare(), and a lock on the directory, so that of several that mount there at once only one does. The caller
   closes *RET_FD once it has mounted. */
int mountpoint_lock(const char *absolute, int *ret_fd, struct error *err);

#endif
