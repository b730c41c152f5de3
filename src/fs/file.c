/* Opening and reading files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fs/fs_internal.h"

/* Fetches what may be opened next. */
static int read_ahead(struct op *op, struct error *err)
{
    (void)err;
    if (!op_may_wait(op, OP_DISK, (uintptr_t)op->of))
        return -EAGAIN;
    run_read_ahead(op->of->run, op->node, &op->what);
    return OP_DONE;
}

int op_open(struct op *op, struct error *err)
{
    struct reader *reader;
    int result = (op->fi.flags & O_ACCMODE) == O_RDONLY ? op_enter(op, err) : op_reply_err(op, EROFS);
    if (result)
        return result;
    struct node *node = fs_node(op->of, op->ino);
    if (run_open_waits(op->of->run, node) && !op_may_wait(op, OP_DISK, (uintptr_t)node))
        return -EAGAIN;
    result = run_open_node(op->of->run, node, &reader, err);
    if (result < 0)
        return result;
    bool due = run_ahead_due(op->of->run, node, &op->what);
    if (due) {
        fs_refer(op->of, node);
        op->node = node;
    }
    op->fi.keep_cache = 1; /* a node's bytes never change: changed objects are new nodes */
    result = op_reply_open(op, reader);
    op->run = read_ahead;
    return due ? read_ahead(op, err) : result;
}

/* Has the kernel ask again for the name of an object that was replaced. */
static void invalidate_node(struct run_slot *of, const struct node *node)
{
    char name[256] = "";
    fuse_ino_t parent = 0;
    tree_lock_read(of->tree);
    if (!node->detached && node->parent) {
        parent = node->parent->parent ? fs_ino(of, node->parent) : fs_root_id(of);
        (void)snprintf(name, sizeof name, "%s", node_name(node));
    }
    tree_unlock(of->tree);
    if (parent)
        fs_invalidate_entry(fs_of(of), parent, name);
}

/* Counts a read that is about to be answered. Given up by its caller, it is no error. */
static void count_read(struct op *op, int result, uint64_t len)
{
    struct read_counts *reads = &op->fs->reads;
    atomic_fetch_add(&reads->count, 1);
    if (result == 0)
        atomic_fetch_add(&reads->bytes, len);
    else if (result != -EINTR)
        atomic_fetch_add(&reads->errors, 1);
    histogram_add(&reads->latency, clock_us() - op->arrived_us);
}

/* Whether a read may wait: for the archive that the file is a member of, else for the file. */
static bool read_may_wait(struct op *op, const struct node *node)
{
    if (!node->member)
        return op_may_wait(op, OP_READ, (uintptr_t)node);
    tree_lock_read(op->of->tree);
    uintptr_t archive = (uintptr_t)tree_archive_of(node) ^ (uintptr_t)node->archive << 48;
    enum op_class class = node->provisional ? OP_EARLY : OP_READ;
    tree_unlock(op->of->tree);
    return op_may_wait(op, class, archive);
}

int op_read(struct op *op, struct error *err)
{
    struct handle *handle = fs_handle(op);
    struct wait wait = op_wait(op, op->job.class);
    struct loan loan;
    if (!op->of && fs_enter(handle->of)) /* the handle has it open */
        op->of = handle->of;
    const struct node *node = fs_node(op->of, op->ino);
    int result = reader_lend(handle->reader, op->size, (uint64_t)op->offset, &wait, &loan, err);
    /* the kernel is notified of a stale file, which a session thread must not do */
    if ((result == -EAGAIN || result == -ESTALE) && !read_may_wait(op, node))
        return -EAGAIN;
    count_read(op, result, result == 0 ? loan.len : 0);
    if (result == -ESTALE) {
        fs_distrust(op->of);
        invalidate_node(op->of, node);
    }
    if (result < 0)
        return result;
    result = OP_REPLY(op, iov, loan.pieces, (int)loan.count);
    loan_release(&loan);
    return result;
}
