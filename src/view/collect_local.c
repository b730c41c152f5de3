/* The files of a local row. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "view/collect.h"

/* Adds OBJECT at REST (LEN bytes) below the row's path. */
static int gather_object(struct row_job *job, const struct object *object, const char *rest, size_t len,
                         enum node_type type, struct error *err)
{
    const char *path = job->row->row->path;
    struct stage_entry entry = {
        .key = object->key,
        .link = object->link,
        .size = type == NODE_DIRECTORY ? 0 : object->size,
        .mtime_ns = object->mtime_ns,
        .type = type,
        .executable = object->executable,
    };
    strbuf_clear(&job->path);
    strbuf_addf(&job->path, "%s%s", path, path[0] && len ? "/" : "");
    strbuf_add(&job->path, rest, len);
    return gather_entry(job, &entry, err);
}

/* list_fn: directories have a slash at their end, but for the root. */
static int gather_listed(void *context, const struct object *object, struct error *err)
{
    size_t len = object->key_len;
    bool directory = !len || object->key[len - 1] == '/';
    enum node_type type = directory ? NODE_DIRECTORY : object->link ? NODE_LINK : NODE_FILE;
    return gather_object(context, object, object->key, len - (len && directory), type, err);
}

static int gather_file(struct row_job *job, struct error *err)
{
    const struct view_row *row = job->row;
    struct stat st;
    assert_may_block("looks at a local row");
    if (lstat(row->local, &st) < 0)
        return error_errno(err, errno, "%s", row->row->source);
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "%s: not a file any more", row->row->source);
    struct object object = {.key = row->name,
                            .key_len = strlen(row->name),
                            .etag = "",
                            .executable = st.st_mode & 0111,
                            .size = (uint64_t)st.st_size,
                            .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
    return gather_object(job, &object, row->name, row->row->path[0] ? 0 : object.key_len, NODE_FILE, err);
}

int gather_local(struct row_job *job, struct error *err)
{
    const struct composition *composition = job->gathering->composition;
    struct wait wait = {.timeout_ms = composition->config.timeout_ms};
    const struct view_deps *deps = &composition->deps;
    return job->row->name ? gather_file(job, err)
                          : deps->list(deps->context, job->row->origin, gather_listed, job, &wait, err);
}
