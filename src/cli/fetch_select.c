/* What of a run is copied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "cli/common/progress.h"
#include "cli/fetch.h"

#define PATH_LIMIT (64U * 1024)

struct selection {
    struct fetch *fetch;
    struct runfs_filter *filter;   /* owned */
    struct runfs_filter *excludes; /* owned: what is not excluded */
    bool by_target;                /* only artifacts are wanted, of each the preferred file */
    bool all;                      /* nothing is left out */
    struct files archives; /* directories to populate first; each is its item, too, which may be changed */
};

static void selection_done(struct selection *selection)
{
    runfs_filter_free(selection->filter);
    runfs_filter_free(selection->excludes);
    files_done(&selection->archives);
}

static int open_selection(struct selection *selection, struct error *err)
{
    const struct runfs_filter_spec *spec = &selection->fetch->source.options.run.artifacts;
    struct runfs_filter_spec excludes = {.exclude = spec->exclude, .exclude_count = spec->exclude_count};
    struct runfs_error why;
    selection->by_target = spec->target_count > 0;
    selection->all = !spec->target_count && !spec->include_count && !spec->exclude_count;
    if (runfs_filter_new(spec, &selection->filter, &why) < 0 ||
        runfs_filter_new(&excludes, &selection->excludes, &why) < 0)
        return error_set(err, why.code, "%s", why.message);
    return 0;
}

/* Whether a file that is preferred to the artifact FILE is beside it, and wanted. */
static bool has_preferred(const struct selection *selection, const struct node *directory, const char *file)
{
    struct runfs_artifact_name name;
    _cleanup_free_ char *preferred = NULL;
    if (!runfs_artifact_parse(file, strlen(file), &name) || name.suffix == RUNFS_SUFFIX_ZST)
        return false;
    name.suffix = RUNFS_SUFFIX_ZST;
    if (runfs_artifact_format(&name, &preferred, NULL) < 0)
        return false;
    const struct node *found = tree_lookup(directory, preferred, strlen(preferred));
    return found && found->type == NODE_FILE && runfs_filter_match(selection->filter, preferred);
}

/* Whether the file NAME of DIRECTORY is wanted for itself. */
static bool wants_name(const struct selection *selection, const struct node *directory, const char *name)
{
    if (!runfs_filter_match(selection->filter, name))
        return false;
    if (!selection->by_target)
        return true;
    const struct node *node = tree_lookup(directory, name, strlen(name));
    return node && files_is_artifact(node) && !has_preferred(selection, directory, name);
}

/* A companion comes with its file, unless it is excluded itself. */
static bool wants_companion(const struct selection *selection, const struct node *node)
{
    struct runfs_span owner;
    const char *name = node_name(node);
    if (!runfs_companion_of(name, strlen(name), &owner))
        return false;
    _cleanup_free_ char *file = strndup(owner.text, owner.len);
    return file && wants_name(selection, node->parent, file) && runfs_filter_match(selection->excludes, name);
}

static bool wants(const struct selection *selection, const struct node *node)
{
    return selection->all || wants_name(selection, node->parent, node_name(node)) ||
           wants_companion(selection, node);
}

/* Of what is in an archive the archive decides; of a stage what it was made of did. */
static bool wants_archive(const struct selection *selection, const struct node *node)
{
    return selection->all || node_is_stage(node) || wants_name(selection, node->parent, node_link(node));
}

static int add_item(struct fetch *fetch, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    if (array_room(fetch->items, fetch->count, fetch->capacity) < 0)
        return -ENOMEM;
    struct fetch_item item = {.node = node};
    int result = tree_path(node, &path);
    if (result == 0)
        result = strbuf_take(&path, &item.path);
    if (result == 0)
        fetch->items[fetch->count++] = item;
    return result;
}

/* Goes through what is at and below NODE; INSIDE of an archive all is wanted. */
static int select_below(struct selection *selection, struct node *node, bool inside,
                        int (*take)(struct selection *selection, struct node *node))
{
    if (node->type != NODE_DIRECTORY)
        return inside || wants(selection, node) ? take(selection, node) : 0;
    if (node->directory->archive && !wants_archive(selection, node))
        return 0;
    inside = inside || node->directory->archive;
    int result = inside || selection->all ? take(selection, node) : 0;
    for (size_t i = 0; result == 0 && i < node->directory->count; i++)
        result = select_below(selection, node->directory->children[i], inside, take);
    return result;
}

static int take_archive(struct selection *selection, struct node *node)
{
    return node->type == NODE_DIRECTORY && !tree_is_populated(node)
               ? files_add(&selection->archives, node, node)
               : 0;
}

/* What could not be populated was reported. */
static int take_item(struct selection *selection, struct node *node)
{
    if (node->type == NODE_DIRECTORY && (!node->parent || !tree_is_populated(node)))
        return 0;
    return add_item(selection->fetch, node);
}

static int select_all(struct selection *selection,
                      int (*take)(struct selection *selection, struct node *node))
{
    struct tree *tree = run_tree(selection->fetch->source.run);
    tree_lock_read(tree);
    int result = select_below(selection, tree_root(tree), false, take);
    tree_unlock(tree);
    return result;
}

/* An archive that is not all there is copied as far as it is, and that is a failure all the same. */
static void populate_archive(void *context, size_t index)
{
    const struct selection *selection = context;
    struct fetch *fetch = selection->fetch;
    struct error err = {0};
    bool damaged;
    if (command_run_populate(&fetch->source, selection->archives.items[index].item, &damaged, &err) < 0)
        fetch_failed(fetch, &err);
    else if (damaged)
        atomic_fetch_add(&fetch->failed, 1);
}

int fetch_select(struct fetch *fetch, struct error *err)
{
    __attribute__((cleanup(selection_done))) struct selection selection = {.fetch = fetch};
    struct archive_progress progress;
    int result = open_selection(&selection, err);
    if (result < 0)
        return result;
    result = select_all(&selection, take_archive);
    if (result == 0 && selection.archives.count) {
        archive_progress_begin(&progress, fetch->source.run, fetch->source.quiet);
        parallel_each(selection.archives.count, ARCHIVES_AT_ONCE, populate_archive, &selection);
        archive_progress_end(&progress);
    }
    if (result == 0)
        result = select_all(&selection, take_item);
    return result < 0 ? error_errno(err, -result, "fetch") : 0;
}
