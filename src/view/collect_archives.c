/* Which archives a row of a view takes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "layout/ending.h"
#include "layout/error.h"
#include "view/collect.h"
#include "view/view_glob.h"

#define PATTERN_MAX 8192

/* A name is one in the artifact directory, with its ending or without; what has a slash is a key. */
static int find_archives(const struct row_job *job, glob_t *ret_found, struct error *err)
{
    static const char *const directories[] = {
        [ARTIFACTS_AUTO] = "{,artifacts/}", [ARTIFACTS_ROOT] = "", [ARTIFACTS_SUBDIR] = "artifacts/"};
    _cleanup_strbuf_ struct strbuf pattern = STRBUF_INIT(PATTERN_MAX);
    struct tree *tree = gather_tree(job);
    const char *source = job->row->row->source;
    if (strchr(source, '/'))
        return view_glob(tree, source, ret_found, err);
    strbuf_addf(&pattern, "%s%s{,.tar.zst,.tar.xz,.tar.gz,.tar}",
                directories[job->gathering->composition->config.artifacts_dir], source);
    if (pattern.failed)
        return error_errno(err, pattern.failed, "%s", source);
    return view_glob(tree, strbuf_text(&pattern), ret_found, err);
}

static bool is_archive(struct tree *tree, const char *key)
{
    const struct node *node = tree_find(tree, key);
    return archive_ending(key, strlen(key)) < ARCHIVE_ENDINGS && node && node->type == NODE_FILE &&
           node->size;
}

/* Whether KEY gives way to another one that was found. */
static bool is_shadowed(const struct gathering *gathering, const glob_t *found, const char *key)
{
    _cleanup_strbuf_ struct strbuf winner = STRBUF_INIT(PATTERN_MAX);
    bool shadowed = false;
    if (!gather_winner(gathering, key, &winner))
        return false;
    for (size_t i = 0; !shadowed && i < found->gl_pathc; i++)
        shadowed = strcmp(found->gl_pathv[i], strbuf_text(&winner)) == 0;
    return shadowed;
}

static int gather_archive(struct row_job *job, struct composite *composite, const char *key,
                          struct error *err)
{
    const struct view_deps *deps = &job->gathering->composition->deps;
    struct tree *stored = gather_tree(job);
    const struct node *node = tree_find(stored, key);
    struct object object = {.key = key,
                            .key_len = strlen(key),
                            .etag = node_etag(node),
                            .size = node->size,
                            .mtime_ns = node->mtime_ns};
    struct archive *archive;
    int result = deps->get_archive(deps->context, job->row->origin, stored, &object, &archive, err);
    if (result == 0 && parts_add_archive(&composite->parts, job->row, job->number, archive, key) < 0)
        result = error_errno(err, ENOMEM, "view");
    return result;
}

/* Artifacts by the rules of the layout; archives of other names, which only archive rows take, as they are, behind them. KEYS and
   FILES, their names, are COUNT of each. */
static int gather_chosen(struct row_job *job, struct composite *composite, const char *const *keys,
                         const char *const *files, size_t count, struct error *err)
{
    struct runfs_error why;
    struct runfs_artifact_name name;
    const struct runfs_filter *filter = job->gathering->composition->deps.filter;
    const struct runfs_view_row *row = job->row->row;
    _cleanup_free_ size_t *chosen = NULL;
    size_t chosen_count;
    if (runfs_flatten_select(files, count, filter, &chosen, &chosen_count, &why) < 0)
        return layout_error(err, &why);
    int result = 0;
    for (size_t i = 0; result == 0 && i < chosen_count; i++)
        result = gather_archive(job, composite, keys[chosen[i]], err);
    for (size_t i = 0; result == 0 && row->type == RUNFS_ROW_ARCHIVE && i < count; i++)
        if (!runfs_artifact_parse(files[i], strlen(files[i]), &name) && runfs_filter_match(filter, files[i]))
            result = gather_archive(job, composite, keys[i], err);
    if (result == 0 && row->line == 0 && !chosen_count)
        result = error_set(err, ENOENT, "no artifact of the run is chosen");
    return result;
}

int gather_archives(struct row_job *job, struct composite *composite, struct error *err)
{
    _cleanup_glob_ glob_t found = {0};
    int result = find_archives(job, &found, err);
    if (result < 0)
        return result;
    _cleanup_free_ const char **keys = calloc(found.gl_pathc + 1, sizeof(char *));
    _cleanup_free_ const char **files = calloc(found.gl_pathc + 1, sizeof(char *));
    size_t count = 0;
    if (!keys || !files)
        return error_errno(err, ENOMEM, "view");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *key = found.gl_pathv[i];
        const char *slash = strrchr(key, '/');
        if (!is_archive(gather_tree(job), key) || is_shadowed(job->gathering, &found, key))
            continue;
        keys[count] = key;
        files[count++] = slash ? slash + 1 : key;
    }
    if (!count && job->row->row->line)
        return error_set(err, ENOENT, "missing source: no archive in the run is %s", job->row->row->source);
    return gather_chosen(job, composite, keys, files, count, err);
}
