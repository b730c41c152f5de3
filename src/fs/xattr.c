/* Extended attributes: where an object is stored, what its content id is, how much of it is here; what archive a file
   comes from; on the root, what the mount does. One table row an attribute. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "fs/fs_internal.h"

#define VALUE_MAX (64U * 1024)

/* Appends the value; -ENODATA where the node has none. The tree's read lock is held, but for a value that waits. */
typedef int (*value_fn)(struct fs_run *of, const struct node *node, struct strbuf *out);

static int s3_uri(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    return run_locate(of->run, node, RUN_S3_URI, out);
}

static int https_url(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    return run_locate(of->run, node, RUN_HTTPS_URL, out);
}

static int etag(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    (void)of;
    if (!node_is_stage(node)) /* whose ETag is none of a store's */
        strbuf_adds(out, node_etag(node));
    return out->len ? 0 : -ENODATA;
}

static int source(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    return run_member_source(of->run, node, out);
}

static int sha256(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    return run_member_sha256(of->run, node, out);
}

static int problem(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    return run_problem(of->run, node, out);
}

static bool is_root(struct fs_run *of, const struct node *node)
{
    return !of->number && node == tree_root(of->tree);
}

/* The process that serves the mount, for umount to wait for. */
static int pid(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    if (!is_root(of, node))
        return -ENODATA;
    strbuf_addf(out, "%d", (int)getpid());
    return 0;
}

/* "HERE/ALL", bytes on disk of bytes in all. Reads the disk. */
static int cached(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    uint64_t here;
    int result = run_bytes_here(of->run, node, &here);
    if (result == 0)
        strbuf_addf(out, "%" PRIu64 "/%" PRIu64, here, node->size);
    return result;
}

static int status(struct fs_run *of, const struct node *node, struct strbuf *out)
{
    return is_root(of, node) ? fs_status(of->fs, out) : -ENODATA;
}

static bool is_object(struct fs_run *of, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(VALUE_MAX);
    return node->type == NODE_FILE && !node->member && s3_uri(of, node, &uri) == 0;
}

static const struct attribute {
    const char *name;
    value_fn value;
    bool (*has)(struct fs_run *of,
                const struct node *node); /* whether a node has it; NULL: where there is a value */
    bool waits;                           /* the value may be asked for by a worker only */
    size_t growth; /* bytes that it may grow by between the question for its size and the one for it */
} attributes[] = {
    {"user.runfs.s3_uri", s3_uri, NULL, false, 0},      {"user.runfs.https_url", https_url, NULL, false, 0},
    {"user.runfs.etag", etag, NULL, false, 0},          {"user.runfs.cached", cached, is_object, true, 0},
    {"user.runfs.source", source, NULL, false, 0},      {"user.runfs.sha256", sha256, NULL, false, 0},
    {"user.runfs.error", problem, NULL, false, 0},      {"user.runfs.pid", pid, is_root, false, 0},
    {"user.runfs.status", status, is_root, false, 512},
};

#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

static const struct attribute *find_attribute(const char *name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (strcmp(name, attributes[i].name) == 0)
            return &attributes[i];
    return NULL;
}

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

static void answer(fuse_req_t req, struct fs_run *of, const struct attribute *attribute,
                   const struct node *node, size_t size)
{
    _cleanup_strbuf_ struct strbuf value = STRBUF_INIT(VALUE_MAX);
    if (!attribute->waits)
        tree_lock_read(of->tree);
    int result = attribute->value(of, node, &value);
    if (!attribute->waits)
        tree_unlock(of->tree);
    if (result < 0)
        (void)fuse_reply_err(req, ENODATA);
    else if (size == 0)
        (void)fuse_reply_xattr(req, value.len + attribute->growth);
    else
        reply(req, &value, size);
}

/* A question for a worker. */
struct xattr_job {
    struct job job;
    fuse_req_t req;
    struct fs_run *of; /* entered */
    const struct attribute *attribute;
    const struct node *node; /* the kernel refers to it until the question is answered */
    size_t size;
};

static void run_answer(struct job *job)
{
    struct xattr_job *question = (struct xattr_job *)job;
    answer(question->req, question->of, question->attribute, question->node, question->size);
    fs_leave(question->of);
    free(question);
}

static void answer_later(fuse_req_t req, struct fs_run *of, const struct attribute *attribute,
                         const struct node *node, size_t size)
{
    struct xattr_job *question = malloc(sizeof *question);
    if (!question) {
        (void)fuse_reply_err(req, ENOMEM);
        return;
    }
    *question = (struct xattr_job){
        .job = {.run = run_answer}, .req = req, .of = of, .attribute = attribute, .node = node, .size = size};
    (void)fs_enter(of); /* again, until that is done */
    workers_submit(of->fs->readers, &question->job);
}

/* Whose node is asked about; entered. The directory of a run that is closed has the attributes of a plain one. */
static struct fs_run *enter_for(struct fs *fs, fuse_ino_t ino)
{
    struct fs_run *of = fs_run_of(fs, ino);
    if (fs_enter(of))
        return of;
    of = fs_holder(fs, ino);
    (void)fs_enter(of);
    return of;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    const struct attribute *attribute = find_attribute(name);
    struct fs_run *of = enter_for(fs_of(req), ino);
    const struct node *node = fs_node(of, ino);
    if (!attribute)
        (void)fuse_reply_err(req, ENODATA);
    else if (attribute->waits)
        answer_later(req, of, attribute, node, size);
    else
        answer(req, of, attribute, node, size);
    fs_leave(of);
}

static bool has(struct fs_run *of, const struct node *node, const struct attribute *attribute)
{
    _cleanup_strbuf_ struct strbuf value = STRBUF_INIT(VALUE_MAX);
    return attribute->has ? attribute->has(of, node) : attribute->value(of, node, &value) == 0;
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct fs_run *of = enter_for(fs_of(req), ino);
    _cleanup_strbuf_ struct strbuf names = STRBUF_INIT(VALUE_MAX);
    tree_lock_read(of->tree);
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (has(of, fs_node(of, ino), &attributes[i]))
            strbuf_add(&names, attributes[i].name, strlen(attributes[i].name) + 1);
    tree_unlock(of->tree);
    reply(req, &names, size);
    fs_leave(of);
}
