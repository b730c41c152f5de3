/* The reply to INIT. libfuse 3.14 leaves out of it that looking into one directory may go on in parallel, for
   which init() has asked; without it each lookup would wait for the one before in its directory, however slow that is. */
#include <errno.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/fs_internal.h"

#define PARTS 2 /* of the reply: a header and its body */

static ssize_t on_read(int fd, void *buffer, size_t len, void *context)
{
    (void)context;
    return read(fd, buffer, len);
}

/* The first message written is that reply. */
static ssize_t on_writev(int fd, struct iovec *parts, int count, void *context)
{
    struct fs *fs = context;
    if (!atomic_exchange(&fs->greeted, true) && fs->parallel && count == PARTS &&
        parts[1].iov_len >= offsetof(struct fuse_init_out, max_background)) {
        struct fuse_init_out *reply = parts[1].iov_base;
        reply->flags |= FUSE_PARALLEL_DIROPS;
    }
    return writev(fd, parts, count);
}

int fs_greet(struct fs *fs, int fd)
{
    static const struct fuse_custom_io io = {.read = on_read, .writev = on_writev};
    return fuse_session_custom_io(fs->session, &io, fd);
}
