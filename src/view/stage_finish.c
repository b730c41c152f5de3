/* From a stage to a tree: what shows gets its directory, names of one file get one inode number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "view/stage_internal.h"

/* Whether places were not dropped. */
static void find_living(const struct stage *stage, bool *lives)
{
    lives[0] = true;
    for (uint32_t i = 1; i < stage->count; i++) {
        const struct place *place = &stage->places[i];
        lives[i] = lives[place->parent] && place->born == stage->places[place->parent].generation;
    }
}

/* Makes a place in conflict a file that says so. */
static int make_problem(struct stage *stage, uint32_t index)
{
    struct place *place = &stage->places[index];
    const char *name = node_name(place->node);
    struct node *node =
        node_new(NODE_FILE, name, place->node->name_len, "", stage_reason(stage, index), NULL);
    if (!node)
        return -ENOMEM;
    node->origin = ORIGIN_NONE;
    node->problem = true;
    node->mtime_ns = place->node->mtime_ns;
    node_free(place->node);
    place->node = node;
    return 0;
}

/* Puts a living place into its directory; SHOWN says of those before it whether they are in the tree. */
static int hang(struct stage *stage, uint32_t index, bool *shown)
{
    struct place *place = &stage->places[index];
    struct node *parent = stage->places[place->parent].node;
    if (!shown[place->parent] || parent->type != NODE_DIRECTORY)
        return 0;
    if (parent->directory->archive)
        return -EINVAL;
    if (place->notes && make_problem(stage, index) < 0)
        return -ENOMEM;
    if (node_append(parent, place->node) < 0)
        return -ENOMEM;
    shown[index] = true;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct node *left = *(struct node *const *)a;
    const struct node *right = *(struct node *const *)b;
    if (left->archive != right->archive)
        return left->archive < right->archive ? -1 : 1;
    if (left->in_archive.file != right->in_archive.file)
        return left->in_archive.file < right->in_archive.file ? -1 : 1;
    return (left->ino > right->ino) - (left->ino < right->ino);
}

static bool same_file(const struct node *a, const struct node *b)
{
    return a->archive == b->archive && a->in_archive.file == b->in_archive.file;
}

static bool is_shared(const struct node *node)
{
    return node->member && node->type != NODE_DIRECTORY && node->in_archive.links > 1;
}

/* Gives names of one file its number, the least of theirs, and counts those that are there. */
static int share_numbers(const struct stage *stage, const bool *shown)
{
    size_t count = 0;
    for (uint32_t i = 0; i < stage->count; i++)
        count += shown[i] && is_shared(stage->places[i].node);
    _cleanup_free_ struct node **names = calloc(count + 1, sizeof(struct node *));
    if (!names)
        return -ENOMEM;
    count = 0;
    for (uint32_t i = 0; i < stage->count; i++)
        if (shown[i] && is_shared(stage->places[i].node))
            names[count++] = stage->places[i].node;
    qsort(names, count, sizeof(struct node *), compare_names);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && same_file(names[i], names[end]);)
            end++;
        for (size_t j = i; j < end; j++) {
            names[j]->ino = names[i]->ino;
            names[j]->in_archive.links = (uint16_t)(end - i < UINT16_MAX ? end - i : UINT16_MAX);
        }
    }
    return 0;
}

/* Hangs all that shows, and takes it from the places. After a failure the places still have everything. */
static int hang_all(struct stage *stage, const bool *lives, struct node **ret_root)
{
    _cleanup_free_ bool *shown = calloc(stage->count, sizeof *shown);
    int result = shown ? 0 : -ENOMEM;
    if (result == 0)
        shown[0] = true;
    for (uint32_t i = 1; result == 0 && i < stage->count; i++)
        if (lives[i])
            result = hang(stage, i, shown);
    if (result == 0)
        result = share_numbers(stage, shown);
    if (result < 0)
        return result;
    *ret_root = stage->places[0].node;
    for (uint32_t i = 0; i < stage->count; i++)
        if (shown[i])
            stage->places[i].node = NULL;
    return 0;
}

static int finish(struct stage *stage, const bool *lives, struct node **ret_root, struct error *err)
{
    int result = hang_all(stage, lives, ret_root);
    if (result == -EINVAL)
        return error_set(err, EINVAL, "%s: an entry beneath what is composed later", stage->root);
    return result < 0 ? error_errno(err, -result, "view") : 0;
}

/* Sorts and sums up a directory of a private tree, and those below it. */
static void settle(struct node *node)
{
    struct directory *d = node->directory;
    directory_sort_by_name(d);
    for (size_t i = 0; i < d->count; i++) {
        struct node *child = d->children[i];
        if (child->type == NODE_DIRECTORY) {
            d->subdirectories++;
            settle(child);
        }
        if (!d->explicit_time && child->mtime_ns > node->mtime_ns)
            node->mtime_ns = child->mtime_ns;
    }
}

/* The tree, not sorted, and the notes, which are. */
static int finish_all(struct stage *stage, struct node **ret_root, struct error *err)
{
    struct node *root = NULL;
    _cleanup_free_ bool *lives = calloc(stage->count, sizeof *lives);
    if (!lives)
        return error_errno(err, ENOMEM, "view");
    find_living(stage, lives);
    int result = finish(stage, lives, &root, err);
    if (result < 0)
        return result;
    if (stage_notes_sort(&stage->conflicts, lives) < 0 || stage_notes_sort(&stage->overlaps, lives) < 0) {
        tree_sprout_free(root);
        return error_errno(err, ENOMEM, "view");
    }
    *ret_root = root;
    return 0;
}

int stage_finish(struct stage *stage, struct node **ret_root, struct error *err)
{
    struct node *root;
    int result = finish_all(stage, &root, err);
    if (result < 0)
        return result;
    settle(root);
    *ret_root = root;
    return 0;
}

int stage_finish_tree(struct stage *stage, struct tree **ret_tree, struct error *err)
{
    struct node *root;
    struct tree *tree;
    int result = tree_new(NULL, &tree, err);
    if (result < 0)
        return result;
    result = finish_all(stage, &root, err);
    if (result < 0) {
        tree_free(tree);
        return result;
    }
    node_free(tree->root);
    tree->root = root;
    tree->nodes = stage->count;
    *ret_tree = tree;
    return 0;
}
