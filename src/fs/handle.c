/* Open files and directories; see fs_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "fs/fs_internal.h"

#define NAMES_MAX (1U << 20) /* of one reply; the kernel's are at most 1 MiB */

struct handle *fs_handle(const struct fuse_file_info *fi)
{
    return (struct handle *)(uintptr_t)fi->fh;
}

void fs_open_handle(fuse_req_t req, struct fs_run *of, struct fuse_file_info *fi, struct reader *reader)
{
    struct fs *fs = of->fs;
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle) {
        reader_close(reader);
        (void)fuse_reply_err(req, ENOMEM);
        return;
    }
    (void)fs_enter(of); /* again: the operation leaves it when it is done */
    handle->of = of;
    handle->reader = reader;
    handle->names.max = NAMES_MAX;
    (void)pthread_mutex_lock(&fs->lock);
    LIST_INSERT_HEAD(&fs->handles, handle, link);
    (void)pthread_mutex_unlock(&fs->lock);
    if (reader)
        atomic_fetch_add(&fs->open_files, 1);
    fi->fh = (uintptr_t)handle;
    if (fuse_reply_open(req, fi) < 0)
        fs_close_handle(fs, handle);
}

void fs_close_handle(struct fs *fs, struct handle *handle)
{
    (void)pthread_mutex_lock(&fs->lock);
    LIST_REMOVE(handle, link);
    (void)pthread_mutex_unlock(&fs->lock);
    if (handle->reader)
        atomic_fetch_sub(&fs->open_files, 1);
    reader_close(handle->reader);
    fs_leave(handle->of);
    strbuf_done(&handle->names);
    free(handle);
}
