/* Looking into an archive for the first time: by a worker, since it may take a pass over all of it. */
#include <errno.h>
#include <stdlib.h>

#include "fs/fs_internal.h"

struct growing_job {
    struct fs_deferred deferred;
    atomic_bool cancelled; /* the caller got a fatal signal */
};

static void run_growing(struct job *job)
{
    struct growing_job *growing = (struct growing_job *)job;
    struct fs_deferred *deferred = &growing->deferred;
    struct fs *fs = fs_of(deferred->req);
    struct error err = {0};
    struct wait wait = {
        .timeout_ms = fs->config.timeout_ms,
        .since_ms = deferred->arrived,
        .cancelled = &growing->cancelled,
        .shutdown = &fs->ending,
    };
    int result = run_grow(fs->run, fs_node(fs, deferred->ino), &wait, &err);
    fuse_req_interrupt_func(deferred->req, NULL, NULL);
    if (result == 0) {
        fs_resume(deferred);
    } else {
        if (result != -EINTR)
            fs_warn(fs, &err);
        (void)fuse_reply_err(deferred->req, fs_errno(result));
    }
    fs_deferred_free(deferred);
}

static void on_interrupt(fuse_req_t req, void *context)
{
    (void)req;
    atomic_store(&((struct growing_job *)context)->cancelled, true);
}

static bool needs_growing(struct fs *fs, fuse_ino_t ino)
{
    tree_lock_read(fs->tree);
    bool needs = tree_needs_growing(fs_node(fs, ino));
    tree_unlock(fs->tree);
    return needs;
}

bool fs_grow_first(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi,
                   fs_operation operation)
{
    struct fs *fs = fs_of(req);
    if (!needs_growing(fs, ino))
        return false;
    struct growing_job *growing = calloc(1, sizeof *growing);
    if (!growing || fs_defer(&growing->deferred, req, ino, name, fi, operation) < 0) {
        free(growing);
        (void)fuse_reply_err(req, ENOMEM);
        return true;
    }
    growing->deferred.job = (struct job){.run = run_growing, .about = fs_node(fs, ino)};
    fuse_req_interrupt_func(req, on_interrupt, growing);
    workers_submit(fs->growers, &growing->deferred.job);
    return true;
}
