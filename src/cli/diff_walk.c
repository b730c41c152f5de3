/* Walking two trees side by side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/common/progress.h"
#include "cli/diff.h"
#include "view/content.h"

#define PATH_LIMIT   (64U * 1024)
#define SHA256_LIMIT 128

/* A walk looks either for archives to populate before their entries can be compared, or for changes. */
struct walk {
    struct diff *diff;
    bool for_archives;
    struct archive_side {
        struct node *node;
        int side;
    } * archives; /* owned */
    size_t count;
    size_t capacity;
};

/* Without the trees' locks: while a walk is under way nothing changes the trees. */
static int visit_pair(struct walk *walk, struct node *nodes[SIDES]);

static int add_archive(struct walk *walk, struct node *node, int side)
{
    if (!walk->for_archives)
        return 0;
    if (array_room(walk->archives, walk->count, walk->capacity) < 0)
        return -ENOMEM;
    walk->archives[walk->count++] = (struct archive_side){node, side};
    return 0;
}

static int add_change(struct walk *walk, enum change_kind kind, struct node *nodes[SIDES])
{
    struct diff *diff = walk->diff;
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    if (walk->for_archives || kind == CHANGE_NONE)
        return 0;
    if (array_room(diff->changes, diff->count, diff->capacity) < 0)
        return -ENOMEM;
    struct change change = {.kind = kind, .nodes = {nodes[OLD], nodes[NEW]}};
    int result = tree_path(nodes[NEW] ? nodes[NEW] : nodes[OLD], &path);
    if (result == 0)
        result = strbuf_take(&path, &change.path);
    if (result == 0)
        diff->changes[diff->count++] = change;
    return result;
}

/* An archive on one side only is not decoded: its file is reported. */
static bool is_closed(const struct node *node)
{
    return node->directory->archive && !node_is_stage(node) && !node->directory->populated;
}

/* What there is on one SIDE only. */
static int visit_one(struct walk *walk, struct node *node, int side)
{
    struct node *nodes[SIDES] = {NULL, NULL};
    int result = 0;
    nodes[side] = node;
    if (node->type != NODE_DIRECTORY)
        return add_change(walk, side == NEW ? CHANGE_ADDED : CHANGE_REMOVED, nodes);
    if (!tree_is_populated(node) && node_is_stage(node))
        return add_archive(walk, node, side);
    if (is_closed(node))
        return 0;
    for (size_t i = 0; result == 0 && i < node->directory->count; i++)
        result = visit_one(walk, node->directory->children[i], side);
    return result;
}

void diff_sha256(const struct diff *diff, const struct node *node, int side, struct strbuf *out)
{
    tree_lock_read(run_tree(diff->sides[side].run));
    if (run_member_sha256(diff->sides[side].run, node, out) < 0)
        strbuf_clear(out);
    tree_unlock(run_tree(diff->sides[side].run));
}

static enum content_relation relation_of(const struct diff *diff, struct node *nodes[SIDES])
{
    _cleanup_strbuf_ struct strbuf old = STRBUF_INIT(SHA256_LIMIT);
    _cleanup_strbuf_ struct strbuf new = STRBUF_INIT(SHA256_LIMIT);
    diff_sha256(diff, nodes[OLD], OLD, &old);
    diff_sha256(diff, nodes[NEW], NEW, &new);
    struct content a = {nodes[OLD]->size, node_etag(nodes[OLD]), strbuf_text(&old)};
    struct content b = {nodes[NEW]->size, node_etag(nodes[NEW]), strbuf_text(&new)};
    return content_compare(&a, &b);
}

/* Modes count where both are recorded, in archives. */
static enum change_kind compare_files(const struct diff *diff, struct node *nodes[SIDES])
{
    static const enum change_kind kinds[] = {[CONTENT_UNKNOWN] = CHANGE_UNKNOWN,
                                             [CONTENT_SAME] = CHANGE_NONE,
                                             [CONTENT_DIFFERENT] = CHANGE_CONTENT};
    if (nodes[OLD]->problem || nodes[NEW]->problem)
        return CHANGE_UNKNOWN; /* reading reports the problem */
    if (nodes[OLD]->member && nodes[NEW]->member && node_mode(nodes[OLD]) != node_mode(nodes[NEW]))
        return CHANGE_CONTENT;
    return kinds[relation_of(diff, nodes)];
}

static enum change_kind compare_leaves(const struct diff *diff, struct node *nodes[SIDES])
{
    if (nodes[OLD]->type != nodes[NEW]->type)
        return CHANGE_TYPE;
    if (nodes[OLD]->type == NODE_LINK)
        return strcmp(node_link(nodes[OLD]), node_link(nodes[NEW])) == 0 ? CHANGE_NONE : CHANGE_CONTENT;
    return compare_files(diff, nodes);
}

/* Merges the entries of two directories, both sorted by name. */
static int visit_entries(struct walk *walk, const struct directory *old, const struct directory *new)
{
    size_t i = 0;
    size_t j = 0;
    int result = 0;
    while (result == 0 && (i < old->count || j < new->count)) {
        struct node *nodes[SIDES] = {i < old->count ? old->children[i] : NULL,
                                     j < new->count ? new->children[j] : NULL};
        int order = !nodes[OLD] ? 1 : !nodes[NEW] ? -1 : strcmp(node_name(nodes[OLD]), node_name(nodes[NEW]));
        if (order < 0)
            nodes[NEW] = NULL;
        if (order > 0)
            nodes[OLD] = NULL;
        i += order <= 0;
        j += order >= 0;
        result = visit_pair(walk, nodes);
    }
    return result;
}

/* Two directories. Archives that are the same have the same in them. */
static int visit_directories(struct walk *walk, struct node *nodes[SIDES])
{
    bool needed = false;
    int result = 0;
    if (!tree_is_populated(nodes[OLD]) && !tree_is_populated(nodes[NEW]) && !node_is_stage(nodes[OLD]) &&
        !node_is_stage(nodes[NEW]) && relation_of(walk->diff, nodes) == CONTENT_SAME)
        return 0;
    for (int side = 0; side < SIDES; side++) {
        if (tree_is_populated(nodes[side]))
            continue;
        needed = true;
        if (result == 0)
            result = add_archive(walk, nodes[side], side);
    }
    return needed ? result : visit_entries(walk, nodes[OLD]->directory, nodes[NEW]->directory);
}

static int visit_pair(struct walk *walk, struct node *nodes[SIDES])
{
    bool directory[SIDES] = {nodes[OLD] && nodes[OLD]->type == NODE_DIRECTORY,
                             nodes[NEW] && nodes[NEW]->type == NODE_DIRECTORY};
    if (nodes[OLD] && nodes[NEW] && directory[OLD] && directory[NEW])
        return visit_directories(walk, nodes);
    if (nodes[OLD] && nodes[NEW] && !directory[OLD] && !directory[NEW])
        return add_change(walk, walk->for_archives ? CHANGE_NONE : compare_leaves(walk->diff, nodes), nodes);
    int result = nodes[OLD] ? visit_one(walk, nodes[OLD], OLD) : 0;
    return result == 0 && nodes[NEW] ? visit_one(walk, nodes[NEW], NEW) : result;
}

/* Reports archives that cannot be read; their entries are not compared. */
static void populate_one(void *context, size_t index)
{
    const struct walk *walk = context;
    const struct archive_side *archive = &walk->archives[index];
    struct error err = {0};
    bool damaged;
    int result = command_run_populate(&walk->diff->sides[archive->side], archive->node, &damaged, &err);
    if (result < 0)
        (void)command_failed(&err);
    if (result < 0 || damaged)
        atomic_store(&walk->diff->failed, true);
}

static int populate_archives(struct diff *diff, struct node *nodes[SIDES])
{
    struct walk walk = {.diff = diff, .for_archives = true};
    struct archive_progress progress;
    int result = visit_pair(&walk, nodes);
    if (result == 0 && walk.count) {
        archive_progress_begin(&progress, diff->sides[NEW].run, diff->quiet);
        parallel_each(walk.count, 2 * ARCHIVES_AT_ONCE, populate_one, &walk);
        archive_progress_end(&progress);
    }
    free(walk.archives);
    return result;
}

/* The node at PATH on each side; one of them at least must be there. */
static int find_nodes(struct diff *diff, const char *path, struct node *ret_nodes[SIDES], struct error *err)
{
    for (int side = 0; side < SIDES; side++) {
        ret_nodes[side] = NULL;
        int result = run_find(diff->sides[side].run, path, &diff->sides[side].wait, &ret_nodes[side], err);
        if (result < 0 && result != -ENOENT)
            return result;
    }
    return ret_nodes[OLD] || ret_nodes[NEW] ? 0 : error_errno(err, ENOENT, "%s", path);
}

int diff_walk(struct diff *diff, const char *path, struct error *err)
{
    struct node *nodes[SIDES];
    struct walk walk = {.diff = diff};
    int result = find_nodes(diff, path, nodes, err);
    if (result < 0)
        return result;
    result = populate_archives(diff, nodes);
    if (result == 0)
        result = visit_pair(&walk, nodes);
    return result < 0 ? error_errno(err, -result, "diff") : 0;
}
