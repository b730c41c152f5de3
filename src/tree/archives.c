/* Archives as directories: where they show, and how their members get into the tree; see tree.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

/* The most preferred first. */
static const char *const endings[] = {".tar.zst", ".tar.xz", ".tar.gz", ".tar"};

#define ENDINGS (sizeof endings / sizeof *endings)

void tree_show_archives(struct tree *tree, tree_wanted_fn wanted, const void *context)
{
    tree->archives = true;
    tree->wanted = wanted;
    tree->wanted_context = context;
}

/* Which ending NODE's name has; ENDINGS for none. */
static size_t ending_of(const struct node *node)
{
    size_t i = 0;
    for (; i < ENDINGS; i++) {
        size_t len = strlen(endings[i]);
        if (node->name_len > len && strcmp(node_name(node) + node->name_len - len, endings[i]) == 0)
            break;
    }
    return i;
}

/* The node of this name among the first COUNT entries, which are sorted. */
static bool is_taken(const struct directory *d, size_t count, const char *name)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(node_name(d->children[middle]), name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_wanted(const struct tree *tree, const char *file)
{
    return !tree->wanted || tree->wanted(tree->wanted_context, file);
}

/* Whether a preferred archive of the same name has the name without an ending. */
static bool has_preferred_twin(const struct tree *tree, const struct directory *d, size_t count,
                               const char *stem, size_t ending)
{
    char name[NAME_MAX + 16];
    for (size_t i = 0; i < ending; i++) {
        (void)snprintf(name, sizeof name, "%s%s", stem, endings[i]);
        if (is_taken(d, count, name) && is_wanted(tree, name))
            return true;
    }
    return false;
}

static bool is_archive(const struct tree *tree, const struct node *node)
{
    return node->type == NODE_FILE && node->size && !node->member && ending_of(node) < ENDINGS &&
           is_wanted(tree, node_name(node));
}

/* Adds the directory of FILE. False without memory, or where both names are taken: then it shows as a file only. */
static void add_archive(const struct tree *tree, struct node *directory, size_t count,
                        const struct node *file)
{
    struct directory *d = directory->directory;
    size_t ending = ending_of(file);
    char name[NAME_MAX + 16];
    (void)snprintf(name, sizeof name, "%.*s", (int)(file->name_len - strlen(endings[ending])),
                   node_name(file));
    if (is_taken(d, count, name) || has_preferred_twin(tree, d, count, name, ending))
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

/* Of two directories of one name, as of "a.tar.xz" beside "a.tar.zst" and of "a.tar.xz.d.tar", the makeshift one goes. */
static void drop_doubles(struct directory *d)
{
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

void archives_add(struct tree *tree, struct node *directory)
{
    struct directory *d = directory->directory;
    size_t count = d->count;
    for (size_t i = 0; i < count && tree->nodes < TREE_NODES_MAX; i++) {
        if (!is_archive(tree, d->children[i]))
            continue;
        add_archive(tree, directory, count, d->children[i]);
        tree->nodes++;
    }
    if (d->count == count)
        return;
    qsort(d->children, d->count, sizeof(struct node *), node_compare);
    drop_doubles(d);
}

struct node *tree_sprout(struct node *parent, const struct node *archive, const struct tree_member *member)
{
    struct node *node = node_new(member->type, member->name, member->name_len, "", member->link, NULL);
    if (!node)
        return NULL;
    if (parent && node_append(parent, node) < 0) {
        node_free(node);
        return NULL;
    }
    if (!parent)
        node->ino = archive->ino; /* so that those below get the numbers of their places */
    if (member->ino)
        node->ino = member->ino;
    node->size = member->size;
    node->mtime_ns = member->mtime_ns;
    node->member = true;
    node->in_archive.file = member->file;
    node->in_archive.mode = member->mode;
    node->in_archive.links = member->links;
    if (parent && member->type == NODE_DIRECTORY)
        parent->directory->subdirectories++;
    return node;
}

static void sort_all(struct node *node)
{
    if (node->type != NODE_DIRECTORY)
        return;
    directory_sort_by_ino(node->directory);
    node->directory->grown = true;
    for (size_t i = 0; i < node->directory->count; i++)
        sort_all(node->directory->children[i]);
}

void tree_sprout_free(struct node *root)
{
    if (!root)
        return;
    for (size_t i = 0; root->type == NODE_DIRECTORY && i < root->directory->count; i++)
        tree_sprout_free(root->directory->children[i]);
    node_free(root);
}

void tree_graft(struct tree *tree, struct node *archive, struct node *root, tree_same_fn same,
                const void *context)
{
    sort_all(root);
    (void)pthread_rwlock_wrlock(&tree->lock);
    if (!archive->detached && !archive->directory->grown) {
        directory_settle(tree, archive, root, same, context);
        atomic_store(&archive->directory->known, false);
    }
    (void)pthread_rwlock_unlock(&tree->lock);
    tree_sprout_free(root);
}

const struct node *tree_archive_of(const struct node *node)
{
    if (node->detached)
        return NULL;
    while (node && !(node->type == NODE_DIRECTORY && node->directory->archive))
        node = node->parent;
    return node;
}

bool tree_needs_growing(const struct node *node)
{
    return node->type == NODE_DIRECTORY && !node->detached && (node->directory->archive || node->early) &&
           !node->directory->grown;
}
