/* The mounts that this process sees, as the kernel lists them in /proc/self/mountinfo (proc_pid_mountinfo(5)): no file system is
   asked, so that one which does not answer does not matter. */
#ifndef RUNFS_BASE_MOUNTS_H
#define RUNFS_BASE_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#define MOUNT_TYPE_RUNFS "fuse.runfs"

/* A mount. Its strings are those of the line that it was read from. */
struct mount_line {
    uint64_t id;
    const char *device; /* MAJOR:MINOR */
    const char *mountpoint;
    const char *type;
};

/* Splits LINE, which it changes; false for one of another form. */
bool mount_line_parse(char *line, struct mount_line *ret_mount);

struct mount {
    char device[32]; /* MAJOR:MINOR */
    char type[64];
};

/* The mount on top at an absolute path. 0, -ENOENT where nothing is mounted there, or the error of reading the list. */
int mount_at(const char *mountpoint, struct mount *ret_mount);

/* The mount with the number ID, likewise. */
int mount_by_id(uint64_t id, struct mount *ret_mount);

#endif
