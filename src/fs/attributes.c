/* Looking up and describing nodes: lookup, forget, getattr, readlink, statfs. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "fs/forest.h"
#include "fs/fs_internal.h"

#define BLOCK_SIZE 4096

struct fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

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

void fs_attributes(const struct fs_run *of, const struct node *node, struct stat *ret_st)
{
    const struct fs *fs = of->fs;
    struct timespec time = {
        .tv_sec = (time_t)(node->mtime_ns / 1000000000),
        .tv_nsec = (long)(node->mtime_ns % 1000000000),
    };
    uint64_t size =
        node->type == NODE_DIRECTORY ? 0 : node->size; /* an archive's directory knows the archive's */
    *ret_st = (struct stat){
        .st_ino = node->ino + of->ino_base,
        .st_mode = mode_of(fs, node),
        .st_nlink = forest_is_tree(of, node) ? 1 : node_nlink(node), /* 1: how many is not known */
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

double fs_trust(const struct fs_run *of, const struct node *node)
{
    if (node && node->early) /* the end of its archive may show another one, or more of it */
        return 0;
    if (of->fs->forest && !of->number) /* names of runs */
        return (double)of->fs->config.refresh_ms / 1000;
    uint64_t until = atomic_load(&of->valid_until);
    uint64_t now = clock_ms();
    return until > now ? (double)(until - now) / 1000 : 0;
}

void fs_refer(struct fs_run *of, struct node *node)
{
    (void)atomic_fetch_add(&of->uses, 1);
    (void)atomic_fetch_add(&node->lookups, 1);
}

void fs_forget(struct fs_run *of, struct node *node, uint64_t count)
{
    tree_forget(of->tree, node, count);
    (void)atomic_fetch_sub(&of->uses, count); /* from now on the run may be closed */
}

void fs_entry(struct fs_run *of, struct node *node, struct fuse_entry_param *ret_entry)
{
    *ret_entry = (struct fuse_entry_param){
        .ino = fs_ino(of, node),
        .attr_timeout = fs_trust(of, node),
        .entry_timeout = fs_trust(of, node),
    };
    fs_attributes(of, node, &ret_entry->attr);
    fs_refer(of, node);
}

static void lookup_grown(fuse_req_t req, fuse_ino_t parent, const char *name, struct fuse_file_info *fi)
{
    struct fs_run *of = fs_run_of(fs_of(req), parent);
    struct fuse_entry_param entry = {0}; /* ino 0: the kernel keeps "no such entry" */
    (void)fi;
    tree_lock_read(of->tree);
    const struct node *directory = fs_node(of, parent);
    struct node *node = tree_lookup(directory, name, strlen(name));
    if (node)
        fs_entry(of, node, &entry);
    else if (!tree_needs_growing(directory))
        entry.entry_timeout = fs_trust(of, NULL);
    tree_unlock(of->tree);
    if (fuse_reply_entry(req, &entry) < 0 && node)
        fs_forget(of, node, 1); /* the kernel never saw it */
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name, struct fuse_file_info *fi)
{
    if (!fs_grow_first(req, parent, name, fi, lookup_grown))
        lookup_grown(req, parent, name, fi);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    if (strlen(name) > NAME_MAX)
        (void)fuse_reply_err(req, ENAMETOOLONG);
    else if (!forest_lookup(req, parent, name))
        fs_with_listing(req, parent, name, NULL, lookup);
}

static void forget(struct fs *fs, fuse_ino_t ino, uint64_t count)
{
    struct fs_run *of = fs_holder(fs, ino);
    if (ino != FUSE_ROOT_ID)
        fs_forget(of, fs_node(of, ino), count);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    forget(fs_of(req), ino, count);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget(fs_of(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs_run *of = fs_holder(fs_of(req), ino);
    struct stat st;
    (void)fi;
    tree_lock_read(of->tree);
    fs_attributes(of, fs_node(of, ino), &st);
    double trust = fs_trust(of, fs_node(of, ino));
    tree_unlock(of->tree);
    (void)fuse_reply_attr(req, &st, trust);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    const struct node *node =
        fs_node(fs_holder(fs_of(req), ino), ino); /* the kernel refers to it, so it stays */
    (void)fuse_reply_readlink(req, node_link(node));
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct fs_run *of = fs_holder(fs_of(req), ino);
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
    (void)fuse_reply_statfs(req, &st);
}
