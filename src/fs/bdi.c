/* The kernel's own read-ahead. It is 128 KiB for FUSE whatever is asked at mounting; root can raise it afterwards through
   the mount's backing device (Documentation/ABI/testing/sysfs-class-bdi), which halves the requests for large files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fs_internal.h"

#define READ_AHEAD_KIB "1024"
#define LINE_MAX_BYTES (64U * 1024)

/* The device number "MAJOR:MINOR" of the top mount at MOUNTPOINT, from mountinfo (proc_pid_mountinfo(5)): stat() would ask
   the file system, which nobody serves yet. */
static bool find_device(const char *mountpoint, char *ret_device, size_t size)
{
    _cleanup_fclose_ FILE *table = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = malloc(LINE_MAX_BYTES);
    bool found = false;
    while (table && line && fgets(line, LINE_MAX_BYTES, table)) {
        char *rest = line;
        const char *fields[5] = {0};
        for (int i = 0; i < 5 && rest; i++)
            fields[i] = strsep(&rest, " ");
        if (!fields[4] || strcmp(fields[4], mountpoint) != 0)
            continue;
        (void)snprintf(ret_device, size, "%s", fields[2]);
        found = true;
    }
    return found;
}

void fs_raise_read_ahead(const char *mountpoint)
{
    char device[32];
    char path[96];
    if (!find_device(mountpoint, device, sizeof device))
        return;
    (void)snprintf(path, sizeof path, "/sys/class/bdi/%s/read_ahead_kb", device);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, READ_AHEAD_KIB, strlen(READ_AHEAD_KIB)); /* only speed depends on it */
}
