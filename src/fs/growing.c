/* Looking into an archive for the first time: by a worker, since it may take a pass over all of it. And what the kernel has to
   forget after that, of what it was told on the way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fs_internal.h"

struct growing_job {
    struct fs_deferred deferred;
    struct fs_run *of;       /* entered */
    struct cancel cancelled; /* the caller got a fatal signal */
};

/* By a worker, since the kernel may have to wait for reads that are under way. */
static void invalidate_dropped(struct fs *fs)
{
    struct dropped *dropped;
    do {
        (void)pthread_mutex_lock(&fs->lock);
        dropped = SLIST_FIRST(&fs->dropped);
        if (dropped)
            SLIST_REMOVE_HEAD(&fs->dropped, link);
        (void)pthread_mutex_unlock(&fs->lock);
        if (dropped)
            (void)fuse_lowlevel_notify_inval_inode(fs->session, dropped->ino, 0, 0);
        free(dropped);
    } while (dropped);
}

/* The tree is locked. */
static void note_dropped(void *context, const struct node *node)
{
    const struct fs_run *of = context;
    struct fs *fs = of->fs;
    struct dropped *dropped = malloc(sizeof *dropped);
    if (!dropped)
        return;
    dropped->ino = fs_ino(of, node);
    (void)pthread_mutex_lock(&fs->lock);
    SLIST_INSERT_HEAD(&fs->dropped, dropped, link);
    (void)pthread_mutex_unlock(&fs->lock);
}

struct dropping_job {
    struct job job;
    struct fs *fs;
};

static void run_dropping(struct job *job)
{
    invalidate_dropped(((struct dropping_job *)job)->fs);
    free(job);
}

/* A pass has ended. */
static void drop_later(void *context)
{
    struct fs *fs = context;
    struct dropping_job *dropping = malloc(sizeof *dropping);
    if (!dropping)
        return;
    *dropping = (struct dropping_job){.job.run = run_dropping, .fs = fs};
    workers_submit(fs->growers, &dropping->job);
}

void fs_watch_early(struct fs_run *of)
{
    tree_on_dropped(of->tree, note_dropped, of);
    run_on_settled(of->run, drop_later, of->fs);
}

void fs_watch_end(struct fs_run *of)
{
    run_on_settled(of->run, NULL, NULL);
    tree_on_dropped(of->tree, NULL, NULL);
}

void fs_forget_dropped(struct fs *fs)
{
    struct dropped *dropped;
    while ((dropped = SLIST_FIRST(&fs->dropped))) {
        SLIST_REMOVE_HEAD(&fs->dropped, link);
        free(dropped);
    }
}

static void run_growing(struct job *job)
{
    struct growing_job *growing = (struct growing_job *)job;
    struct fs_deferred *deferred = &growing->deferred;
    struct fs_run *of = growing->of;
    struct fs *fs = of->fs;
    struct error err = {0};
    struct wait wait = {
        .timeout_ms = fs->config.timeout_ms,
        .since_ms = deferred->arrived,
        .cancelled = &growing->cancelled,
        .shutdown = &fs->ending,
    };
    struct node *node = fs_node(of, deferred->ino);
    int result = deferred->name ? run_grow_name(of->run, node, deferred->name, &wait, &err)
                                : run_grow(of->run, node, &wait, &err);
    fuse_req_interrupt_func(deferred->req, NULL, NULL);
    if (result == -ESTALE)
        fs_distrust(of); /* the kernel tries once more, and gets what a new listing says */
    if (result == 0) {
        fs_resume(deferred);
    } else {
        if (result != -EINTR)
            fs_warn(fs, &err);
        (void)fuse_reply_err(deferred->req, fs_errno(result));
    }
    fs_deferred_free(deferred);
    fs_leave(of);
    invalidate_dropped(fs);
}

static void on_interrupt(fuse_req_t req, void *context)
{
    (void)req;
    cancel_request(&((struct growing_job *)context)->cancelled);
}

static bool needs_growing(struct fs_run *of, fuse_ino_t ino, const char *name)
{
    const struct node *node = fs_node(of, ino);
    tree_lock_read(of->tree);
    bool needs = tree_needs_growing(node) && !(name && tree_lookup(node, name, strlen(name)));
    tree_unlock(of->tree);
    return needs;
}

bool fs_grow_first(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi,
                   fs_operation operation)
{
    struct fs_run *of = fs_run_of(fs_of(req), ino);
    if (!needs_growing(of, ino, name))
        return false;
    struct growing_job *growing = calloc(1, sizeof *growing);
    if (!growing || fs_defer(&growing->deferred, req, ino, name, fi, operation) < 0) {
        free(growing);
        (void)fuse_reply_err(req, ENOMEM);
        return true;
    }
    cancel_init(&growing->cancelled);
    growing->deferred.job = (struct job){.run = run_growing, .about = fs_node(of, ino)};
    growing->of = of;
    (void)fs_enter(of); /* again: the operation leaves it when this returns */
    fuse_req_interrupt_func(req, on_interrupt, growing);
    workers_submit(of->fs->growers, &growing->deferred.job);
    return true;
}
