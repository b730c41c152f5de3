/* Extended attributes: where an object is stored and what its content id is. One table row an attribute. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "fs/fs_internal.h"

#define VALUE_MAX (64U * 1024)

/* Appends the value; -ENODATA where the node has none. The tree's read lock is held. */
typedef int (*value_fn)(struct fs *fs, const struct node *node, struct strbuf *out);

static int s3_uri(struct fs *fs, const struct node *node, struct strbuf *out)
{
    return run_locate(fs->run, node, RUN_S3_URI, out);
}

static int https_url(struct fs *fs, const struct node *node, struct strbuf *out)
{
    return run_locate(fs->run, node, RUN_HTTPS_URL, out);
}

static int etag(struct fs *fs, const struct node *node, struct strbuf *out)
{
    (void)fs;
    strbuf_adds(out, node_etag(node));
    return out->len ? 0 : -ENODATA;
}

/* The process that serves the mount, for umount to wait for. */
static int pid(struct fs *fs, const struct node *node, struct strbuf *out)
{
    if (node != tree_root(fs->tree))
        return -ENODATA;
    strbuf_addf(out, "%d", (int)getpid());
    return 0;
}

static const struct {
    const char *name;
    value_fn value;
} attributes[] = {
    {"user.runfs.s3_uri", s3_uri},
    {"user.runfs.https_url", https_url},
    {"user.runfs.etag", etag},
    {"user.runfs.pid", pid},
};

#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

/* Answers in the manner of getxattr(2): the size where SIZE is 0, the bytes where they fit. */
static void reply(fuse_req_t req, const struct strbuf *value, size_t size)
{
    if (value->failed)
        (void)fuse_reply_err(req, value->failed);
    else if (size == 0)
        (void)fuse_reply_xattr(req, value->len);
    else if (size < value->len)
        (void)fuse_reply_err(req, ERANGE);
    else
        (void)fuse_reply_buf(req, strbuf_text(value), value->len);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct fs *fs = fs_of(req);
    _cleanup_strbuf_ struct strbuf value = STRBUF_INIT(VALUE_MAX);
    int result = -ENODATA;
    tree_lock_read(fs->tree);
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (strcmp(name, attributes[i].name) == 0)
            result = attributes[i].value(fs, fs_node(fs, ino), &value);
    tree_unlock(fs->tree);
    if (result < 0)
        (void)fuse_reply_err(req, ENODATA);
    else
        reply(req, &value, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct fs *fs = fs_of(req);
    _cleanup_strbuf_ struct strbuf names = STRBUF_INIT(VALUE_MAX);
    _cleanup_strbuf_ struct strbuf value = STRBUF_INIT(VALUE_MAX);
    tree_lock_read(fs->tree);
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        strbuf_clear(&value);
        if (attributes[i].value(fs, fs_node(fs, ino), &value) == 0)
            strbuf_add(&names, attributes[i].name, strlen(attributes[i].name) + 1);
    }
    tree_unlock(fs->tree);
    reply(req, &names, size);
}
