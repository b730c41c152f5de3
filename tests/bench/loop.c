/* loop FILE MOUNTPOINT: the least a FUSE file system can do, as a measure for others. It shows the one file
 * MOUNTPOINT/data, whose bytes it reads from FILE with pread and copies to the kernel, in libfuse's low-level loop. It
 * stays in the foreground and ends when it is unmounted. */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_INODE 2
#define TRUSTED    3600.0 /* seconds for which the kernel need not ask again */

struct backing {
    int fd;
    off_t size;
};

static const struct backing *backing_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static struct stat attributes(fuse_ino_t ino, off_t size)
{
    bool data = ino == DATA_INODE;
    return (struct stat){
        .st_ino = ino,
        .st_mode = data ? S_IFREG | 0444 : S_IFDIR | 0555,
        .st_nlink = data ? 1 : 2,
        .st_size = data ? size : 0,
    };
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    if (parent != FUSE_ROOT_ID || strcmp(name, "data") != 0) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    struct fuse_entry_param entry = {
        .ino = DATA_INODE,
        .attr = attributes(DATA_INODE, backing_of(req)->size),
        .attr_timeout = TRUSTED,
        .entry_timeout = TRUSTED,
    };
    fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)file;
    struct stat found = attributes(ino, backing_of(req)->size);
    fuse_reply_attr(req, &found, TRUSTED);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    file->keep_cache = 1;
    fuse_reply_open(req, file);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)ino, (void)file;
    char *buffer = malloc(size);
    ssize_t count = buffer ? pread(backing_of(req)->fd, buffer, size, offset) : -1;
    if (count < 0)
        fuse_reply_err(req, EIO);
    else
        fuse_reply_buf(req, buffer, (size_t)count);
    free(buffer);
}

static const struct fuse_lowlevel_ops ops = {
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
};

static int serve(struct fuse_session *session, const char *mountpoint)
{
    if (fuse_set_signal_handlers(session) != 0)
        return 1;
    int result = 1;
    if (fuse_session_mount(session, mountpoint) == 0) {
        result = fuse_session_loop_mt(session, NULL) == 0 ? 0 : 1;
        fuse_session_unmount(session);
    }
    fuse_remove_signal_handlers(session);
    return result;
}

int main(int argc, char **argv)
{
    struct stat found;
    if (argc != 3) {
        fputs("usage: loop FILE MOUNTPOINT\n", stderr);
        return 2;
    }
    struct backing backing = {.fd = open(argv[1], O_RDONLY | O_CLOEXEC)};
    if (backing.fd < 0 || fstat(backing.fd, &found) != 0) {
        perror(argv[1]);
        return 1;
    }
    backing.size = found.st_size;
    char *options[] = {argv[0], "-oro,fsname=loop,subtype=loop", NULL};
    struct fuse_args args = FUSE_ARGS_INIT(2, options);
    struct fuse_session *session = fuse_session_new(&args, &ops, sizeof ops, &backing);
    if (!session)
        return 1;
    int result = serve(session, argv[2]);
    fuse_session_destroy(session);
    fuse_opt_free_args(&args);
    return result;
}
