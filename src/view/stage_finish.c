/* From a stage to a tree: what shows gets its directory, names of one file get one inode number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "view/stage_internal.h"

/* A place in conflict becomes a file that says so. */
static int make_problem(struct stage *stage, uint32_t index)
{
    struct place *place = &stage->places[index];
    struct node *node = node_new(NODE_FILE, node_name(place->node), place->node->name_len, "",
                                 stage_reason(stage, index), NULL);
    if (!node)
        return -ENOMEM;
    node->origin = ORIGIN_NONE;
    node->problem = true;
    node->mtime_ns = place->node->mtime_ns;
    node_free(place->node);
    place->node = node;
    return 0;
}

/* By file, then by inode number. */
static int compare_files(const void *a, const void *b)
{
    const struct node *left = *(struct node *const *)a;
    const struct node *right = *(struct node *const *)b;
    if (left->archive != right->archive)
        return left->archive < right->archive ? -1 : 1;
    if (left->in_archive.file != right->in_archive.file)
        return left->in_archive.file < right->in_archive.file ? -1 : 1;
    return (left->ino > right->ino) - (left->ino < right->ino);
}

static bool has_several_names(const struct node *node)
{
    return node->member && node->type != NODE_DIRECTORY && node->in_archive.links > 1;
}

/* Gives names of one file its number, the least of theirs, and counts those that are shown. */
static int share_numbers(const struct stage *stage, const bool *shown)
{
    size_t count = 0;
    for (uint32_t i = 0; i < stage->count; i++)
        count += shown[i] && has_several_names(stage->places[i].node);
    _cleanup_free_ struct node **names = calloc(count + 1, sizeof(struct node *));
    if (!names)
        return -ENOMEM;
    count = 0;
    for (uint32_t i = 0; i < stage->count; i++)
        if (shown[i] && has_several_names(stage->places[i].node))
            names[count++] = stage->places[i].node;
    qsort(names, count, sizeof(struct node *), compare_files);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && names[i]->archive == names[end]->archive &&
                          names[i]->in_archive.file == names[end]->in_archive.file;)
            end++;
        for (size_t j = i; j < end; j++) {
            names[j]->ino = names[i]->ino;
            names[j]->in_archive.links = (uint16_t)(end - i < UINT16_MAX ? end - i : UINT16_MAX);
        }
    }
    return 0;
}

/* Puts the places that live into their directories, and takes their nodes. After a failure the places still have them. */
static int fill_directories(struct stage *stage, const bool *lives, struct node **ret_root)
{
    _cleanup_free_ bool *shown = calloc(stage->count, sizeof *shown);
    if (!shown)
        return -ENOMEM;
    shown[0] = true;
    for (uint32_t i = 1; i < stage->count; i++) {
        struct place *place = &stage->places[i];
        struct node *parent = stage->places[place->parent].node;
        if (!lives[i] || !shown[place->parent] || parent->type != NODE_DIRECTORY)
            continue;
        if (parent->directory->archive)
            return -EINVAL;
        if ((place->notes && make_problem(stage, i) < 0) || node_append(parent, place->node) < 0)
            return -ENOMEM;
        shown[i] = true;
    }
    int result = share_numbers(stage, shown);
    if (result < 0)
        return result;
    *ret_root = stage->places[0].node;
    for (uint32_t i = 0; i < stage->count; i++)
        if (shown[i])
            stage->places[i].node = NULL;
    return 0;
}

/* The tree, not sorted, and the notes, which are. */
static int finish_stage(struct stage *stage, struct node **ret_root, struct error *err)
{
    struct node *root = NULL;
    _cleanup_free_ bool *lives = calloc(stage->count, sizeof *lives);
    if (!lives)
        return error_errno(err, ENOMEM, "view");
    lives[0] = true;
    for (uint32_t i = 1; i < stage->count; i++) {
        const struct place *place = &stage->places[i];
        lives[i] = lives[place->parent] && place->born == stage->places[place->parent].generation;
    }
    int result = fill_directories(stage, lives, &root);
    if (result == -EINVAL)
        return error_set(err, EINVAL, "%s: an entry beneath what is composed later", stage->root);
    if (result < 0)
        return error_errno(err, -result, "view");
    stage_notes_finish(&stage->conflicts, lives);
    stage_notes_finish(&stage->overlaps, lives);
    *ret_root = root;
    return 0;
}

int stage_finish(struct stage *stage, struct node **ret_root, struct error *err)
{
    int result = finish_stage(stage, ret_root, err);
    if (result == 0)
        directory_finish(NULL, *ret_root);
    return result;
}

int stage_finish_tree(struct stage *stage, struct tree **ret_tree, struct error *err)
{
    struct node *root;
    struct tree *tree;
    int result = tree_new(NULL, &tree, err);
    if (result < 0)
        return result;
    result = finish_stage(stage, &root, err);
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
