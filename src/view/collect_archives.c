/* Which archives a row of a view takes; see collect.h. */
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
static int find_archives(const struct gathering *gathering, const struct view_row *row, glob_t *ret_found,
                         struct error *err)
{
    static const char *const directories[] = {
        [ARTIFACTS_AUTO] = "{,artifacts/}", [ARTIFACTS_ROOT] = "", [ARTIFACTS_SUBDIR] = "artifacts/"};
    _cleanup_strbuf_ struct strbuf pattern = STRBUF_INIT(PATTERN_MAX);
    struct tree *tree = gather_tree(gathering, row->origin);
    if (strchr(row->row->source, '/'))
        return view_glob(tree, row->row->source, ret_found, err);
    strbuf_addf(&pattern, "%s%s{,.tar.zst,.tar.xz,.tar.gz,.tar}",
                directories[gathering->composition->config.artifacts_dir], row->row->source);
    if (pattern.failed)
        return error_errno(err, pattern.failed, "%s", row->row->source);
    return view_glob(tree, strbuf_text(&pattern), ret_found, err);
}

static const char *file_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
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

/* The keys of a row's archives. */
struct candidates {
    const char **keys;
    const char **files;
    size_t count;
};

static void candidates_done(struct candidates *candidates)
{
    free(candidates->keys);
    free(candidates->files);
}

static int list_candidates(const struct gathering *gathering, const struct view_row *row, const glob_t *found,
                           struct candidates *ret_candidates)
{
    struct tree *tree = gather_tree(gathering, row->origin);
    ret_candidates->keys = calloc(found->gl_pathc + 1, sizeof(char *));
    ret_candidates->files = calloc(found->gl_pathc + 1, sizeof(char *));
    if (!ret_candidates->keys || !ret_candidates->files)
        return -ENOMEM;
    for (size_t i = 0; i < found->gl_pathc; i++) {
        const char *key = found->gl_pathv[i];
        if (!is_archive(tree, key) || is_shadowed(gathering, found, key))
            continue;
        ret_candidates->keys[ret_candidates->count] = key;
        ret_candidates->files[ret_candidates->count++] = file_of(key);
    }
    return 0;
}

static int add_archive(struct gathering *gathering, const struct view_row *row, uint32_t number,
                       struct composite *composite, const char *key, struct error *err)
{
    const struct view_deps *deps = &gathering->composition->deps;
    struct tree *stored = gather_tree(gathering, row->origin);
    const struct node *node = tree_find(stored, key);
    struct object object = {.key = key,
                            .key_len = strlen(key),
                            .etag = node_etag(node),
                            .size = node->size,
                            .mtime_ns = node->mtime_ns};
    struct archive *archive;
    int result = deps->get_archive(deps->context, row->origin, stored, &object, &archive, err);
    if (result == 0 && parts_add_archive(&composite->parts, row, number, archive, key) < 0)
        result = error_errno(err, ENOMEM, "view");
    return result;
}

/* Artifacts by the rules of the layout; archives of other names, which only archive rows take, as they are, behind them. */
static int add_chosen(struct gathering *gathering, const struct view_row *row, uint32_t number,
                      struct composite *composite, const struct candidates *candidates, struct error *err)
{
    struct runfs_error why;
    struct runfs_artifact_name name;
    const struct runfs_filter *filter = gathering->composition->deps.filter;
    _cleanup_free_ size_t *chosen = NULL;
    size_t count;
    if (runfs_flatten_select(candidates->files, candidates->count, filter, &chosen, &count, &why) < 0)
        return layout_error(err, &why);
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_archive(gathering, row, number, composite, candidates->keys[chosen[i]], err);
    for (size_t i = 0; result == 0 && row->row->type == RUNFS_ROW_ARCHIVE && i < candidates->count; i++)
        if (!runfs_artifact_parse(candidates->files[i], strlen(candidates->files[i]), &name) &&
            runfs_filter_match(filter, candidates->files[i]))
            result = add_archive(gathering, row, number, composite, candidates->keys[i], err);
    if (result == 0 && row->row->line == 0 && !count)
        result = error_set(err, ENOENT, "no artifact of the run is chosen");
    return result;
}

int gather_archives(struct gathering *gathering, const struct view_row *row, uint32_t number,
                    struct composite *composite, struct error *err)
{
    _cleanup_glob_ glob_t found = {0};
    __attribute__((cleanup(candidates_done))) struct candidates candidates = {0};
    int result = find_archives(gathering, row, &found, err);
    if (result < 0)
        return result;
    if (list_candidates(gathering, row, &found, &candidates) < 0)
        return error_errno(err, ENOMEM, "view");
    if (!candidates.count && row->row->line)
        return error_set(err, ENOENT, "missing source: no archive in the run is %s", row->row->source);
    return add_chosen(gathering, row, number, composite, &candidates, err);
}
