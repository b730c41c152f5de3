/* Extended attributes: where an object is stored, what its content id is, how much of it is here; what archive a file
   comes from; on the root, what the mount does. One table row an attribute. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "fs/fs_internal.h"

#define VALUE_MAX (64U * 1024)

/* Appends the value; -ENODATA where the node has none. The tree's read lock is held, but where the table says otherwise. */
typedef int (*value_fn)(struct run_slot *of, const struct node *node, struct strbuf *out);

static int value_s3_uri(struct run_slot *of, const struct node *node, struct strbuf *out)
{
    return run_locate(of->run, node, RUN_S3_URI, out);
}

static int value_https_url(struct run_slot *of, const struct node *node, struct strbuf *out)
{
    return run_locate(of->run, node, RUN_HTTPS_URL, out);
}

static int value_etag(struct run_slot *of, const struct node *node, struct strbuf *out)
{
    (void)of;
    if (!node_is_stage(node)) /* whose ETag is none of a store's */
        strbuf_adds(out, node_etag(node));
    return out->len ? 0 : -ENODATA;
}

static bool is_root(struct run_slot *of, const struct node *node)
{
    return !of->number && node == tree_root(of->tree);
}

/* The process that serves the mount, for umount to wait for. */
static int value_pid(struct run_slot *of, const struct node *node, struct strbuf *out)
{
    if (!is_root(of, node))
        return -ENODATA;
    strbuf_addf(out, "%d", (int)getpid());
    return 0;
}

/* "HERE/ALL", bytes on disk of bytes in all. Reads the disk. */
static int value_cached(struct run_slot *of, const struct node *node, struct strbuf *out)
{
    uint64_t here;
    int result = run_bytes_here(of->run, node, &here);
    if (result == 0)
        strbuf_addf(out, "%" PRIu64 "/%" PRIu64, here, node->size);
    return result;
}

static int value_status(struct run_slot *of, const struct node *node, struct strbuf *out)
{
    return is_root(of, node) ? fs_status(fs_of(of), out) : -ENODATA;
}

static bool is_object(struct run_slot *of, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(VALUE_MAX);
    return node->type == NODE_FILE && !node->member && value_s3_uri(of, node, &uri) == 0;
}

static const struct attribute {
    const char *name;
    value_fn value;
    int (*of_run)(struct run *run, const struct node *node, struct strbuf *out); /* the same, by its run */
    bool (*has)(struct run_slot *of,
                const struct node *node); /* whether a node has it; NULL: where there is a value */
    bool locks;                           /* the value takes the tree's lock itself */
    bool waits;                           /* the value is read from disk */
    size_t growth; /* bytes that it may grow by between the question for its size and the one for it */
} attributes[] = {
    {.name = "user.runfs.s3_uri", .value = value_s3_uri},
    {.name = "user.runfs.https_url", .value = value_https_url},
    {.name = "user.runfs.etag", .value = value_etag},
    {.name = "user.runfs.cached", .value = value_cached, .has = is_object, .locks = true, .waits = true},
    {.name = "user.runfs.source", .of_run = run_member_source},
    {.name = "user.runfs.sha256", .of_run = run_member_sha256},
    {.name = "user.runfs.error", .of_run = run_problem},
    {.name = "user.runfs.pid", .value = value_pid, .has = is_root},
    {.name = "user.runfs.status", .value = value_status, .has = is_root, .locks = true, .growth = 512},
};

#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

static int add_value(const struct attribute *attribute, struct run_slot *of, const struct node *node,
                     struct strbuf *out)
{
    return attribute->of_run ? attribute->of_run(of->run, node, out) : attribute->value(of, node, out);
}

static const struct attribute *find_attribute(const char *name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (strcmp(name, attributes[i].name) == 0)
            return &attributes[i];
    return NULL;
}

/* Answers in the manner of getxattr(2): the size where SIZE is 0, the bytes where they fit. */
static int reply_value(struct op *op, const struct strbuf *value, size_t growth)
{
    if (value->failed)
        return op_reply_err(op, value->failed);
    if (op->size == 0)
        return OP_REPLY(op, xattr, value->len + growth);
    return op->size < value->len ? op_reply_err(op, ERANGE)
                                 : OP_REPLY(op, buf, strbuf_text(value), value->len);
}

/* The directory of a run that is closed has the attributes of a plain one. */
static const struct node *enter_node(struct op *op)
{
    struct run_slot *of = fs_run_of(op->fs, op->ino);
    if (!op->of && !fs_enter(of)) {
        of = fs_holder(op->fs, op->ino);
        (void)fs_enter(of);
    }
    op->of = op->of ? op->of : of;
    return fs_node(op->of, op->ino);
}

int op_getxattr(struct op *op, struct error *err)
{
    _cleanup_strbuf_ struct strbuf value = STRBUF_INIT(VALUE_MAX);
    const struct attribute *attribute = find_attribute(op->name);
    const struct node *node = enter_node(op);
    (void)err;
    if (attribute && attribute->waits && !op_may_wait(op, OP_DISK, (uintptr_t)node))
        return -EAGAIN;
    bool locked = attribute && !attribute->locks;
    if (locked)
        tree_lock_read(op->of->tree);
    int result = attribute ? add_value(attribute, op->of, node, &value) : -ENODATA;
    if (locked)
        tree_unlock(op->of->tree);
    return result < 0 ? op_reply_err(op, ENODATA) : reply_value(op, &value, attribute->growth);
}

static bool has_attribute(struct run_slot *of, const struct node *node, const struct attribute *attribute)
{
    _cleanup_strbuf_ struct strbuf value = STRBUF_INIT(VALUE_MAX);
    return attribute->has ? attribute->has(of, node) : add_value(attribute, of, node, &value) == 0;
}

int op_listxattr(struct op *op, struct error *err)
{
    _cleanup_strbuf_ struct strbuf names = STRBUF_INIT(VALUE_MAX);
    const struct node *node = enter_node(op);
    (void)err;
    tree_lock_read(op->of->tree);
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (has_attribute(op->of, node, &attributes[i]))
            strbuf_add(&names, attributes[i].name, strlen(attributes[i].name) + 1);
    tree_unlock(op->of->tree);
    return reply_value(op, &names, 0);
}
