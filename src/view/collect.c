#include "view/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "view/view_glob.h"

void gathering_done(struct gathering *gathering)
{
    parts_done(&gathering->parts);
    for (size_t i = 0; i < gathering->root_count; i++)
        composite_put(gathering->roots[i]);
    free(gathering->roots);
}

struct tree *gather_tree(const struct row_job *job)
{
    const struct view_deps *deps = &job->gathering->composition->deps;
    return job->row->origin == ORIGIN_RUN ? job->gathering->stored
                                          : deps->stored(deps->context, job->row->origin);
}

/* Whether PATH is ROOT, or below it. */
static bool is_within(const char *path, const char *root)
{
    size_t len = strlen(root);
    return !len || (strncmp(path, root, len) == 0 && (!path[len] || path[len] == '/'));
}

static struct composite *root_of(const struct gathering *gathering, const char *path)
{
    for (size_t i = 0; i < gathering->root_count; i++)
        if (is_within(path, gathering->roots[i]->path))
            return gathering->roots[i];
    return NULL;
}

int gather_entry(struct row_job *job, struct stage_entry *entry, struct error *err)
{
    if (job->path.failed || job->key.failed)
        return error_errno(err, ENAMETOOLONG, "%s", entry->key);
    entry->path = strbuf_text(&job->path);
    struct composite *root = root_of(job->gathering, entry->path);
    bool inside = root && (entry->type == NODE_DIRECTORY || strcmp(root->path, entry->path) != 0);
    struct parts *parts = inside ? &root->parts : &job->gathering->parts;
    return parts_add_entry(parts, job->row, job->number, entry, NULL) < 0 ? error_errno(err, ENOMEM, "view")
                                                                          : 0;
}

static int gather_node(struct row_job *job, const struct node *node, struct error *err)
{
    struct stage_entry entry = {
        .key = strbuf_text(&job->key),
        .etag = node_etag(node),
        .link = node->type == NODE_LINK ? node_link(node) : NULL,
        .size = node->type == NODE_DIRECTORY ? 0 : node->size,
        .mtime_ns = node->mtime_ns,
        .type = (enum node_type)node->type,
    };
    return gather_entry(job, &entry, err);
}

static void append_name(struct strbuf *path, const struct node *node)
{
    strbuf_addf(path, "%s%s", path->len ? "/" : "", node_name(node));
}

static void cut_path(struct strbuf *path, size_t len)
{
    path->len = len;
    if (path->data)
        path->data[len] = '\0';
}

/* NODE, at the job's path and key, and all below it. */
static int gather_below(struct row_job *job, const struct node *node, struct error *err)
{
    int result = gather_node(job, node, err);
    size_t path_len = job->path.len;
    size_t key_len = job->key.len;
    for (size_t i = 0; result == 0 && node->type == NODE_DIRECTORY && i < node->directory->count; i++) {
        const struct node *child = node->directory->children[i];
        append_name(&job->path, child);
        append_name(&job->key, child);
        result = gather_below(job, child, err);
        cut_path(&job->path, path_len);
        cut_path(&job->key, key_len);
    }
    return result;
}

/* What a pattern matches is shown below the row's path, by its name; what is named, at the path itself. */
static int gather_match(struct row_job *job, const char *key, struct error *err)
{
    const struct node *node = tree_find(gather_tree(job), key);
    const char *path = job->row->row->path;
    bool by_name = view_is_pattern(job->row->row->source) || (node->type != NODE_DIRECTORY && !path[0]);
    strbuf_clear(&job->path);
    strbuf_clear(&job->key);
    strbuf_adds(&job->path, path);
    strbuf_adds(&job->key, key);
    if (by_name)
        append_name(&job->path, node);
    return gather_below(job, node, err);
}

static int gather_tree_row(struct row_job *job, struct error *err)
{
    _cleanup_glob_ glob_t found = {0};
    const char *source = job->row->row->source;
    if (!source[0])
        return gather_match(job, source, err);
    int result = view_glob(gather_tree(job), source, &found, err);
    if (result == 0 && !found.gl_pathc)
        result = error_set(err, ENOENT, "missing source: nothing in the run is %s", source);
    for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
        result = gather_match(job, found.gl_pathv[i], err);
    return result;
}

/* At a root the tree has a directory that grows, whether any archive is chosen or only other rows lead below it. */
static int gather_root_row(struct row_job *job, struct error *err)
{
    struct gathering *gathering = job->gathering;
    struct composite *root = root_of(gathering, job->row->row->path);
    if (!root)
        return 0; /* find_roots() has seen to it that there is one */
    const struct stage_entry entry = {.path = root->path, .type = NODE_DIRECTORY};
    bool first = !root->rooted;
    root->rooted = true;
    int result = gather_archives(job, root, err);
    if (result == 0 && first && parts_add_entry(&gathering->parts, job->row, job->number, &entry, root) < 0)
        result = error_errno(err, ENOMEM, "view");
    return result;
}

static void job_done(struct row_job *job)
{
    strbuf_done(&job->path);
    strbuf_done(&job->key);
}

static int gather_row(struct gathering *gathering, const struct view_row *row, uint32_t number,
                      struct error *err)
{
    __attribute__((cleanup(job_done))) struct row_job job = {
        gathering, row, number, STRBUF_INIT(TREE_PATH_LIMIT), STRBUF_INIT(TREE_PATH_LIMIT)};
    int result = 0;
    switch (row->row->type) {
    case RUNFS_ROW_TREE:
        result = gather_tree_row(&job, err);
        break;
    case RUNFS_ROW_LOCAL:
        result = gather_local(&job, err);
        break;
    case RUNFS_ROW_ARCHIVE:
    case RUNFS_ROW_FLATTEN:
        result = gather_root_row(&job, err);
        break;
    }
    return result < 0 ? view_error(gathering->composition->view, row, err) : 0;
}

/* Adds PATH to the roots, of which none is within another. */
static int add_root(struct gathering *gathering, const char *path, struct error *err)
{
    size_t kept = 0;
    if (root_of(gathering, path))
        return 0;
    for (size_t i = 0; i < gathering->root_count; i++) {
        if (is_within(gathering->roots[i]->path, path))
            composite_put(gathering->roots[i]);
        else
            gathering->roots[kept++] = gathering->roots[i];
    }
    gathering->root_count = kept;
    if (array_room(gathering->roots, gathering->root_count, gathering->root_capacity) < 0)
        return error_errno(err, ENOMEM, "view");
    int result = composite_new(path, &gathering->roots[kept], err);
    gathering->root_count += result == 0;
    return result;
}

static int find_roots(struct gathering *gathering, const struct view *view, struct error *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < view->count; i++) {
        const struct runfs_view_row *row = view->rows[i].row;
        if (row->type == RUNFS_ROW_ARCHIVE || row->type == RUNFS_ROW_FLATTEN)
            result = add_root(gathering, row->path, err);
    }
    return result;
}

bool gather_winner(const struct gathering *gathering, const char *key, struct strbuf *ret_winner)
{
    static const char artifacts[] = "artifacts/";
    bool inside = strncmp(key, artifacts, sizeof artifacts - 1) == 0;
    const char *name = inside ? key + sizeof artifacts - 1 : key;
    bool root_wins = gathering->composition->config.artifacts_dir == ARTIFACTS_ROOT;
    if (strchr(name, '/') || inside != root_wins)
        return false;
    strbuf_clear(ret_winner);
    strbuf_addf(ret_winner, "%s%s", inside ? "" : artifacts, name);
    return !ret_winner->failed;
}

/* Whether what belongs to the artifact directory gives way to the other one of its name. */
static bool is_shadowed(const struct gathering *gathering, const char *key)
{
    _cleanup_strbuf_ struct strbuf winner = STRBUF_INIT(TREE_PATH_LIMIT);
    const char *slash = strrchr(key, '/');
    const char *name = slash ? slash + 1 : key;
    return runfs_view_typed(name, strlen(name)).directory.len && gather_winner(gathering, key, &winner) &&
           tree_find(gathering->stored, strbuf_text(&winner));
}

/* The typed view: each key where the layout says. Directories are those that the files need, and empty ones. */
static int gather_typed(struct row_job *job, const struct node *node, struct error *err)
{
    int result = 0;
    size_t len = job->key.len;
    if (node->type != NODE_DIRECTORY || !node->directory->count) {
        struct runfs_typed_path typed = runfs_view_typed(strbuf_text(&job->key), len);
        bool file = node->type != NODE_DIRECTORY;
        strbuf_clear(&job->path);
        strbuf_add(&job->path, typed.directory.text, file ? typed.directory.len : 0);
        strbuf_add(&job->path, typed.rest.text, typed.rest.len);
        bool hidden = file && is_shadowed(job->gathering, strbuf_text(&job->key));
        return hidden || !len ? 0 : gather_node(job, node, err);
    }
    for (size_t i = 0; result == 0 && i < node->directory->count; i++) {
        append_name(&job->key, node->directory->children[i]);
        result = job->key.failed ? error_errno(err, job->key.failed, "view")
                                 : gather_typed(job, node->directory->children[i], err);
        cut_path(&job->key, len);
    }
    return result;
}

int gather(struct gathering *gathering, struct error *err)
{
    const struct view *view = gathering->composition->view;
    int result = find_roots(gathering, view, err);
    for (uint32_t i = 0; result == 0 && i < view->count; i++)
        result = gather_row(gathering, &view->rows[i], i, err);
    if (result == 0 && view->kind == VIEW_TYPED) {
        __attribute__((cleanup(job_done))) struct row_job job = {
            gathering, NULL, 0, STRBUF_INIT(TREE_PATH_LIMIT), STRBUF_INIT(TREE_PATH_LIMIT)};
        result = gather_typed(&job, tree_root(gathering->stored), err);
    }
    for (size_t i = 0; result == 0 && i < gathering->root_count; i++)
        result = composite_seal(gathering->roots[i], err);
    return result;
}
