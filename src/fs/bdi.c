/* The kernel's own read-ahead. It is 128 KiB for FUSE whatever is asked at mounting; root can raise it afterwards through
   the mount's backing device (Documentation/ABI/testing/sysfs-class-bdi), which halves the requests for large files. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fs_internal.h"

#define READ_AHEAD_KIB "1024"

void fs_raise_read_ahead(const char *device)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/sys/class/bdi/%s/read_ahead_kb", device);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, READ_AHEAD_KIB, strlen(READ_AHEAD_KIB)); /* only speed depends on it */
}
