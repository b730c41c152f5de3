/* The files of a local row; see collect.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "view/collect.h"

/* A listing under way. */
struct local_job {
    struct gathering *gathering;
    const struct view_row *row;
    uint32_t number;
    struct strbuf path;
};

static void job_done(struct local_job *job)
{
    strbuf_done(&job->path);
}

/* Adds OBJECT at REST (LEN bytes) below the row's path. */
static int add(struct local_job *job, const struct object *object, const char *rest, size_t len,
               enum node_type type, struct error *err)
{
    const char *path = job->row->row->path;
    strbuf_clear(&job->path);
    strbuf_addf(&job->path, "%s%s", path, path[0] && len ? "/" : "");
    strbuf_add(&job->path, rest, len);
    if (job->path.failed)
        return error_errno(err, ENAMETOOLONG, "%s", job->row->row->source);
    struct part_entry entry = {
        .path = job->path.data ? job->path.data : (char[]){""},
        .key = (char *)(uintptr_t)object->key,
        .link = (char *)(uintptr_t)object->link,
        .size = type == NODE_DIRECTORY ? 0 : object->size,
        .mtime_ns = object->mtime_ns,
        .type = type,
        .executable = object->executable,
    };
    return gather_entry(job->gathering, job->row, job->number, &entry, err);
}

/* list_fn: directories have a slash at their end, but for the root. */
static int add_object(void *context, const struct object *object, struct error *err)
{
    size_t len = object->key_len;
    bool directory = !len || object->key[len - 1] == '/';
    enum node_type type = directory ? NODE_DIRECTORY : object->link ? NODE_LINK : NODE_FILE;
    return add(context, object, object->key, len - (len && directory), type, err);
}

static int add_file(struct local_job *job, struct error *err)
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
    return add(job, &object, row->name, row->row->path[0] ? 0 : object.key_len, NODE_FILE, err);
}

int gather_local(struct gathering *gathering, const struct view_row *row, uint32_t number, struct error *err)
{
    __attribute__((cleanup(job_done))) struct local_job job = {gathering, row, number,
                                                               STRBUF_INIT(TREE_PATH_LIMIT)};
    struct wait wait = {.timeout_ms = gathering->composition->config.timeout_ms};
    const struct view_deps *deps = &gathering->composition->deps;
    if (row->name)
        return add_file(&job, err);
    return deps->list(deps->context, row->origin, add_object, &job, &wait, err);
}
