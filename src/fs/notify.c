/* What the kernel is notified of: names that may have become others, and pages of members that showed before all of their archive
   was decoded, and turned out to be others or wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fs_internal.h"

/* The kernel may have to wait for lookups and reads that are under way. */
static void assert_may_notify(void)
{
    assert_may_block("notifies the kernel");
}

void fs_invalidate_entry(struct fs *fs, fuse_ino_t parent, const char *name)
{
    assert_may_notify();
    (void)fuse_lowlevel_notify_inval_entry(fs->session, parent, name, strlen(name));
}

static struct dropped *take_dropped(struct fs *fs)
{
    lock_take(&fs->lock);
    struct dropped *dropped = SLIST_FIRST(&fs->dropped);
    if (dropped)
        SLIST_REMOVE_HEAD(&fs->dropped, link);
    lock_drop(&fs->lock);
    return dropped;
}

void fs_invalidate_dropped(struct fs *fs)
{
    struct dropped *dropped;
    assert_may_notify();
    while ((dropped = take_dropped(fs))) {
        (void)fuse_lowlevel_notify_inval_inode(fs->session, dropped->ino, 0, 0);
        free(dropped);
    }
}

void fs_forget_dropped(struct fs *fs)
{
    struct dropped *dropped;
    while ((dropped = take_dropped(fs)))
        free(dropped);
}

/* The tree is locked. */
static void note_dropped(void *context, const struct node *node)
{
    const struct run_slot *of = context;
    struct fs *fs = fs_of(of);
    struct dropped *dropped = malloc(sizeof *dropped);
    if (!dropped)
        return;
    dropped->ino = fs_ino(of, node);
    lock_take(&fs->lock);
    SLIST_INSERT_HEAD(&fs->dropped, dropped, link);
    lock_drop(&fs->lock);
}

/* All that there is to do is done after it, as after any operation. */
static int do_nothing(struct op *op, struct error *err)
{
    (void)op, (void)err;
    return OP_DONE;
}

/* A pass has ended. */
static void invalidate_later(void *context)
{
    op_defer(&(struct op){.fs = context, .run = do_nothing, .job.class = OP_DISK});
}

void fs_watch_early(struct run_slot *of, struct run *run)
{
    tree_on_dropped(run_tree(run), note_dropped, of);
    run_on_settled(run, invalidate_later, fs_of(of));
}

void fs_watch_end(struct run_slot *of, struct run *run)
{
    (void)of;
    run_on_settled(run, NULL, NULL);
    tree_on_dropped(run_tree(run), NULL, NULL);
}
