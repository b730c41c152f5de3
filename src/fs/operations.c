/* The requests of the kernel, each to its operation. Everything that would write is EROFS, also where the mount has been made
   read-write afterwards. */
#include <errno.h>

#include "fs/fs_internal.h"

#define BACKGROUND_MAX                                                                                       \
    256 /* read-ahead requests under way: the default of 12 lets one stuck file stop all others */

#define START(function, ...)                                                                                 \
    op_start(&(struct op){.fs = fuse_req_userdata(req), .req = req, .run = (function), __VA_ARGS__})

static void init(void *userdata, struct fuse_conn_info *connection)
{
    struct fs *fs = userdata;
    fs->parallel = connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    connection->want |= connection->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS |
                                               FUSE_CAP_ASYNC_READ | FUSE_CAP_CACHE_SYMLINKS);
    connection->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
    connection->max_background = BACKGROUND_MAX;
    connection->congestion_threshold = BACKGROUND_MAX * 3 / 4;
}

static void forget_node(struct fs *fs, fuse_ino_t ino, uint64_t count)
{
    struct run_slot *of = fs_holder(fs, ino);
    if (ino != FUSE_ROOT_ID)
        fs_forget(of, fs_node(of, ino), count);
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    forget_node(fuse_req_userdata(req), ino, count);
    fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget_node(fuse_req_userdata(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    START(op_lookup, .ino = parent, .name = name);
}

static void getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    START(op_getattr, .ino = ino);
}

static void readlink_(fuse_req_t req, fuse_ino_t ino)
{
    START(op_readlink, .ino = ino);
}

static void open_(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    START(op_open, .ino = ino, .fi = *fi);
}

static void read_(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    START(op_read, .ino = ino, .fi = *fi, .size = size, .offset = offset);
}

static void release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    START(op_release, .ino = ino, .fi = *fi);
}

static void opendir_(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    START(op_opendir, .ino = ino, .fi = *fi);
}

static void readdir_(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    START(op_readdir, .ino = ino, .fi = *fi, .size = size, .offset = offset);
}

static void readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    START(op_readdir, .ino = ino, .fi = *fi, .size = size, .offset = offset, .plus = true);
}

static void statfs_(fuse_req_t req, fuse_ino_t ino)
{
    START(op_statfs, .ino = ino);
}

static void getxattr_(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    START(op_getxattr, .ino = ino, .name = name, .size = size);
}

static void listxattr_(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    START(op_listxattr, .ino = ino, .size = size);
}

#define REFUSE(operation, ...)                                                                               \
    static void refuse_##operation(fuse_req_t req, __VA_ARGS__)                                              \
    {                                                                                                        \
        (void)fuse_reply_err(req, EROFS);                                                                    \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
REFUSE(setattr, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
REFUSE(mknod, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
REFUSE(mkdir, fuse_ino_t parent, const char *name, mode_t mode)
REFUSE(remove, fuse_ino_t parent, const char *name)
REFUSE(symlink, const char *target, fuse_ino_t parent, const char *name)
REFUSE(rename, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *new_name, unsigned flags)
REFUSE(link, fuse_ino_t ino, fuse_ino_t parent, const char *name)
REFUSE(create, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
REFUSE(setxattr, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
REFUSE(removexattr, fuse_ino_t ino, const char *name)
#pragma GCC diagnostic pop

const struct fuse_lowlevel_ops fs_operations = {
    .init = init,
    .lookup = lookup,
    .forget = forget,
    .forget_multi = forget_multi,
    .getattr = getattr,
    .readlink = readlink_,
    .open = open_,
    .read = read_,
    .release = release,
    .opendir = opendir_,
    .readdir = readdir_,
    .readdirplus = readdirplus,
    .releasedir = release,
    .statfs = statfs_,
    .getxattr = getxattr_,
    .listxattr = listxattr_,
    .setattr = refuse_setattr,
    .mknod = refuse_mknod,
    .mkdir = refuse_mkdir,
    .unlink = refuse_remove,
    .rmdir = refuse_remove,
    .symlink = refuse_symlink,
    .rename = refuse_rename,
    .link = refuse_link,
    .create = refuse_create,
    .setxattr = refuse_setxattr,
    .removexattr = refuse_removexattr,
};
