/* Archives as directories: which files of a directory get one beside them, and by which name. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout/ending.h"
#include "tree/tree_internal.h"

void tree_show_archives(struct tree *tree, tree_wanted_fn wanted, const void *context)
{
    tree->archives = true;
    tree->wanted = wanted;
    tree->wanted_context = context;
}

/* Whether NAME is among the first COUNT entries, which are sorted. */
static bool is_taken(const struct directory *d, size_t count, const char *name)
{
    bool found;
    (void)directory_find(d, count, name, strlen(name), &found);
    return found;
}

static bool is_wanted(const struct tree *tree, const char *file)
{
    return !tree->wanted || tree->wanted(tree->wanted_context, file);
}

/* Adds the directory of FILE, whose name has ENDING. Without memory, or where both names are taken, it shows as a file only. */
static void add_archive(const struct tree *tree, struct node *directory, size_t count,
                        const struct node *file, size_t ending)
{
    struct directory *d = directory->directory;
    char name[NAME_MAX + 16];
    char twin[sizeof name + 16];
    int len = (int)(file->name_len - strlen(archive_endings[ending]));
    (void)snprintf(name, sizeof name, "%.*s", len, node_name(file));
    bool taken = is_taken(d, count, name);
    for (size_t i = 0; !taken && i < ending; i++) {
        (void)snprintf(twin, sizeof twin, "%s%s", name, archive_endings[i]);
        taken = is_taken(d, count, twin) && is_wanted(tree, twin);
    }
    if (taken)
        (void)snprintf(name, sizeof name, "%s.d", node_name(file));
    if (strlen(name) > NAME_MAX || is_taken(d, count, name) || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return;
    struct node *node = node_new(NODE_DIRECTORY, name, strlen(name), node_etag(file), node_name(file),
                                 file->keyed ? node_key(file) : NULL);
    if (!node || node_append(directory, node) < 0) {
        node_free(node);
        return;
    }
    node->size = file->size;
    node->mtime_ns = file->mtime_ns;
    node->origin = file->origin;
    node->directory->archive = true;
    node->directory->explicit_time = true;
}

/* Whether an archive's directory has its name only because a better one was taken. */
static bool is_makeshift(const struct node *node)
{
    return node->name_len == strlen(node_link(node)) + 2;
}

void archives_add(struct tree *tree, struct node *directory)
{
    struct directory *d = directory->directory;
    size_t count = d->count;
    for (size_t i = 0; i < count && tree->nodes < TREE_NODES_MAX; i++) {
        const struct node *file = d->children[i];
        size_t ending = archive_ending(node_name(file), file->name_len);
        if (file->type != NODE_FILE || !file->size || file->member || ending == ARCHIVE_ENDINGS ||
            !is_wanted(tree, node_name(file)))
            continue;
        add_archive(tree, directory, count, file, ending);
        tree->nodes++;
    }
    if (d->count == count)
        return;
    qsort(d->children, d->count, sizeof(struct node *), node_compare);
    /* of two directories of one name, as of "a.tar.xz" beside "a.tar.zst" and of "a.tar.xz.d.tar", the makeshift one goes */
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct node *node = d->children[i];
        struct node *before = kept ? d->children[kept - 1] : NULL;
        if (!before || strcmp(node_name(before), node_name(node)) != 0) {
            d->children[kept++] = node;
            continue;
        }
        d->children[kept - 1] = is_makeshift(before) ? node : before;
        node_free(is_makeshift(before) ? before : node);
    }
    d->count = kept;
}
