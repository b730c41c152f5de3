/* Looks up nodes by name, place and path, and counts the kernel's references to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tree/tree_internal.h"

void tree_lock_read(struct tree *tree)
{
    rwlock_take_read(&tree->lock);
}

void tree_unlock(struct tree *tree)
{
    rwlock_drop(&tree->lock);
}

void tree_lock_write(struct tree *tree)
{
    rwlock_take_write(&tree->lock);
}

void tree_unlock_write(struct tree *tree)
{
    struct directory *next = tree->retired;
    tree_dropped_fn dropped = tree->dropped;
    void *context = tree->dropped_context;
    _cleanup_free_ const struct node **to_drop = tree->to_drop;
    size_t count = tree->drop_count;
    tree->retired = NULL;
    tree->to_drop = NULL;
    tree->drop_count = tree->drop_capacity = 0;
    rwlock_drop(&tree->lock);
    for (size_t i = 0; i < count; i++)
        dropped(context, to_drop[i]);
    while (next) {
        struct directory *d = next;
        next = d->next_retired;
        d->by_ino = NULL;
        directory_free(d);
    }
}

struct node *tree_root(struct tree *tree)
{
    return tree->root;
}

struct tree_totals tree_totals(struct tree *tree)
{
    return tree->totals;
}

static bool is_live_directory(const struct node *node)
{
    return node->type == NODE_DIRECTORY && !node->detached;
}

struct node *tree_lookup(const struct node *directory, const char *name, size_t name_len)
{
    if (!is_live_directory(directory))
        return NULL;
    const struct directory *d = directory->directory;
    bool found;
    size_t i = directory_find(d, d->count, name, name_len, &found);
    return found ? d->children[i] : NULL;
}

struct node *tree_find(struct tree *tree, const char *path)
{
    struct node *node = tree->root;
    while (node) {
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");
        if (len == 0)
            return node;
        if (!(len == 1 && *path == '.'))
            node = tree_lookup(node, path, len);
        path += len;
    }
    return NULL;
}

size_t tree_after(const struct node *directory, const char *name)
{
    if (!is_live_directory(directory))
        return 0;
    const struct directory *d = directory->directory;
    bool found;
    size_t i = directory_find(d, d->count, name, strlen(name), &found);
    return i + found;
}

size_t tree_position(const struct node *node, enum tree_order order)
{
    const struct directory *d = node->parent->directory;
    bool found;
    if (order != TREE_BY_INO || !d->by_ino)
        return directory_find(d, d->count, node_name(node), node->name_len, &found);
    size_t low = 0;
    size_t high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->children[d->by_ino[middle]]->ino < node->ino)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node *tree_entry(const struct node *directory, enum tree_order order, size_t position)
{
    const struct directory *d = directory->directory;
    if (position >= d->count)
        return NULL;
    return d->children[order == TREE_BY_INO && d->by_ino ? d->by_ino[position] : position];
}

static void unlink_orphan(struct tree *tree, struct node *node)
{
    if (node->orphan_next)
        node->orphan_next->orphan_previous = node->orphan_previous;
    if (node->orphan_previous)
        node->orphan_previous->orphan_next = node->orphan_next;
    else
        tree->orphans = node->orphan_next;
}

/* A detached node cannot be found any more, so once its count is zero it stays so. */
void tree_forget(struct tree *tree, struct node *node, uint64_t count)
{
    tree_lock_read(tree);
    bool last = atomic_fetch_sub(&node->lookups, count) == count;
    bool gone = last && node->detached;
    tree_unlock(tree);
    if (!gone)
        return;
    tree_lock_write(tree);
    unlink_orphan(tree, node);
    node_free(node);
    tree_unlock_write(tree);
}

void tree_free(struct tree *tree)
{
    if (!tree)
        return;
    while (tree->orphans) {
        struct node *node = tree->orphans;
        unlink_orphan(tree, node);
        node_free(node);
    }
    tree_free_members(tree->root);
    free(tree->paths.slots);
    rwlock_done(&tree->lock);
    free(tree);
}
