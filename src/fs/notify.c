/* What the kernel is notified of: names that may have become others, and pages of members that showed before all of their archive
   was decoded, and turned out to be others or wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "fs/fs_internal.h"

/* The kernel may have to wait for lookups and reads that are under way. */
void fs_invalidate_entry(struct fs *fs, fuse_ino_t parent, const char *name)
{
    assert_may_block("notifies the kernel");
    (void)fuse_lowlevel_notify_inval_entry(fs->session, parent, name, strlen(name));
}

void fs_invalidate_dropped(struct fs *fs)
{
    assert_may_block("notifies the kernel");
    lock_take(&fs->lock);
    _cleanup_free_ fuse_ino_t *dropped = fs->dropped;
    size_t count = fs->dropped_count;
    fs->dropped = NULL;
    fs->dropped_count = fs->dropped_capacity = 0;
    lock_drop(&fs->lock);
    for (size_t i = 0; i < count; i++)
        (void)fuse_lowlevel_notify_inval_inode(fs->session, dropped[i], 0, 0);
}

static void note_dropped(void *context, const struct node *node)
{
    const struct run_slot *of = context;
    struct fs *fs = fs_of(of);
    lock_take(&fs->lock);
    if (array_room(fs->dropped, fs->dropped_count, fs->dropped_capacity) == 0)
        fs->dropped[fs->dropped_count++] = fs_ino(of, node);
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

void fs_watch_provisional(struct run_slot *of, struct run *run)
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
