/* Open files and directories; see fs_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "fs/fs_internal.h"

#define NAMES_MAX (1U << 20) /* of one reply; the kernel's are at most 1 MiB */

struct handle *fs_handle(const struct op *op)
{
    return (struct handle *)(uintptr_t)op->fi.fh;
}

struct handle *fs_handle_new(struct run_slot *of, struct reader *reader)
{
    struct fs *fs = fs_of(of);
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle) {
        reader_close(reader);
        return NULL;
    }
    (void)fs_enter(of); /* again: the operation leaves it when it is done */
    handle->of = of;
    handle->reader = reader;
    handle->names.max = NAMES_MAX;
    lock_take(&fs->lock);
    LIST_INSERT_HEAD(&fs->handles, handle, link);
    lock_drop(&fs->lock);
    if (reader)
        atomic_fetch_add(&fs->open_files, 1);
    return handle;
}

void fs_handle_close(struct fs *fs, struct handle *handle)
{
    if (handle->reader)
        assert_may_wait("closes a reader");
    lock_assert_none("closes a handle");
    lock_take(&fs->lock);
    LIST_REMOVE(handle, link);
    lock_drop(&fs->lock);
    if (handle->reader)
        atomic_fetch_sub(&fs->open_files, 1);
    reader_close(handle->reader);
    fs_leave(handle->of);
    strbuf_done(&handle->names);
    free(handle);
}

/* To close a reader may take a disk or a server. */
int op_release(struct op *op, struct error *err)
{
    (void)err;
    if (fs_handle(op)->reader && !op_may_wait(op, OP_DISK, op->ino))
        return -EAGAIN;
    fs_handle_close(op->fs, fs_handle(op));
    return op_reply_err(op, 0);
}
