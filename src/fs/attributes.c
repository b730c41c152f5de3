/* Looking up and describing nodes: lookup, getattr, readlink, statfs. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "fs/fs_internal.h"

#define BLOCK_SIZE 4096

static mode_t mode_of(const struct fs *fs, const struct node *node)
{
    switch (node->type) {
    case NODE_DIRECTORY:
        return S_IFDIR | (node_mode(node) & ~fs->config.umask);
    case NODE_LINK:
        return S_IFLNK | node_mode(node);
    default:
        return S_IFREG | (node_mode(node) & ~fs->config.umask);
    }
}

void fs_attributes(const struct run_slot *of, const struct node *node, struct stat *ret_st)
{
    const struct fs *fs = fs_of(of);
    struct timespec time = {
        .tv_sec = (time_t)(node->mtime_ns / 1000000000),
        .tv_nsec = (long)(node->mtime_ns % 1000000000),
    };
    uint64_t size =
        node->type == NODE_DIRECTORY ? 0 : node->size; /* an archive's directory knows the archive's */
    *ret_st = (struct stat){
        .st_ino = node->ino + of->ino_base,
        .st_mode = mode_of(fs, node),
        .st_nlink = fs_is_run(of, node) ? 1 : node_nlink(node), /* 1: how many is not known */
        .st_uid = fs->config.uid,
        .st_gid = fs->config.gid,
        .st_size = (off_t)size,
        .st_blocks = (blkcnt_t)(size / 512 + (size % 512 != 0)),
        .st_blksize = BLOCK_SIZE,
        .st_atim = time,
        .st_mtim = time,
        .st_ctim = time,
    };
}

double fs_trust(const struct run_slot *of, const struct node *node)
{
    if (node && node->provisional) /* the end of its archive may show another one, or more of it */
        return 0;
    if (fs_of(of)->runs && !of->number) /* names of runs */
        return (double)fs_of(of)->config.refresh_ms / 1000;
    uint64_t until = atomic_load(&of->valid_until);
    uint64_t now = clock_ms();
    return until > now ? (double)(until - now) / 1000 : 0;
}

void fs_refer(struct run_slot *of, struct node *node)
{
    (void)atomic_fetch_add(&of->uses, 1);
    (void)atomic_fetch_add(&node->lookups, 1);
}

void fs_forget(struct run_slot *of, struct node *node, uint64_t count)
{
    tree_forget(of->tree, node, count);
    (void)atomic_fetch_sub(&of->uses, count); /* from now on the run may be closed */
}

void fs_entry(struct run_slot *of, struct node *node, struct fuse_entry_param *ret_entry)
{
    *ret_entry = (struct fuse_entry_param){
        .ino = fs_ino(of, node),
        .attr_timeout = fs_trust(of, node),
        .entry_timeout = fs_trust(of, node),
    };
    fs_attributes(of, node, &ret_entry->attr);
    fs_refer(of, node);
}

static int reply_lookup(struct op *op)
{
    struct run_slot *of = op->of;
    struct fuse_entry_param entry = {0}; /* ino 0: the kernel keeps "no such entry" */
    tree_lock_read(of->tree);
    const struct node *directory = fs_node(of, op->ino);
    struct node *node = tree_lookup(directory, op->name, strlen(op->name));
    if (node)
        fs_entry(of, node, &entry);
    else if (tree_is_populated(directory))
        entry.entry_timeout = fs_trust(of, NULL);
    tree_unlock(of->tree);
    return op_reply_entry(op, &entry, node);
}

int op_lookup(struct op *op, struct error *err)
{
    if (strlen(op->name) > NAME_MAX)
        return op_reply_err(op, ENAMETOOLONG);
    if (op_has_names(op))
        return op_lookup_name(op, err);
    int result = op_enter(op, err);
    if (result == 0)
        result = op_populate(op, op->name, err);
    return result ? result : reply_lookup(op);
}

/* What follows is about nodes that the kernel refers to, so that they stay and keep their run open. */

int op_getattr(struct op *op, struct error *err)
{
    struct run_slot *of = fs_holder(op->fs, op->ino);
    struct stat st;
    (void)err;
    tree_lock_read(of->tree);
    fs_attributes(of, fs_node(of, op->ino), &st);
    double trust = fs_trust(of, fs_node(of, op->ino));
    tree_unlock(of->tree);
    return OP_REPLY(op, attr, &st, trust);
}

int op_readlink(struct op *op, struct error *err)
{
    (void)err;
    return OP_REPLY(op, readlink, node_link(fs_node(fs_holder(op->fs, op->ino), op->ino)));
}

int op_statfs(struct op *op, struct error *err)
{
    struct run_slot *of = fs_holder(op->fs, op->ino);
    (void)err;
    tree_lock_read(of->tree);
    struct tree_totals totals = tree_totals(of->tree);
    tree_unlock(of->tree);
    struct statvfs st = {
        .f_bsize = BLOCK_SIZE,
        .f_frsize = BLOCK_SIZE,
        .f_blocks = (totals.bytes + BLOCK_SIZE - 1) / BLOCK_SIZE,
        .f_files = totals.files + totals.directories,
        .f_namemax = NAME_MAX,
    };
    return OP_REPLY(op, statfs, &st);
}
