/* Looking up nodes, their paths, and the kernel's references to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

void tree_lock_read(struct tree *tree)
{
    (void)pthread_rwlock_rdlock(&tree->lock);
}

void tree_unlock(struct tree *tree)
{
    (void)pthread_rwlock_unlock(&tree->lock);
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

static int compare_name(const char *name, size_t len, const struct node *node)
{
    size_t common = len < node->name_len ? len : node->name_len;
    int order = memcmp(name, node_name(node), common);
    return order ? order : (len > node->name_len) - (len < node->name_len);
}

/* The index of the first entry that is not less than NAME. */
static size_t lower_bound(const struct directory *d, const char *name, size_t len)
{
    size_t low = 0;
    size_t high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_name(name, len, d->children[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node *tree_lookup(const struct node *directory, const char *name, size_t name_len)
{
    if (!is_live_directory(directory))
        return NULL;
    const struct directory *d = directory->directory;
    size_t i = lower_bound(d, name, name_len);
    return i < d->count && compare_name(name, name_len, d->children[i]) == 0 ? d->children[i] : NULL;
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
    size_t i = lower_bound(d, name, strlen(name));
    return i < d->count && compare_name(name, strlen(name), d->children[i]) == 0 ? i + 1 : i;
}

static size_t position_by_ino(const struct directory *d, uint64_t ino)
{
    size_t low = 0;
    size_t high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->children[d->by_ino[middle]]->ino < ino)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t tree_position(const struct node *node, enum tree_order order)
{
    const struct directory *d = node->parent->directory;
    if (order == TREE_BY_INO && d->by_ino)
        return position_by_ino(d, node->ino);
    return lower_bound(d, node_name(node), node->name_len);
}

struct node *tree_entry(const struct node *directory, enum tree_order order, size_t position)
{
    const struct directory *d = directory->directory;
    if (position >= d->count)
        return NULL;
    return d->children[order == TREE_BY_INO && d->by_ino ? d->by_ino[position] : position];
}

int tree_path(const struct node *node, struct strbuf *out)
{
    if (node->detached)
        return -ESTALE;
    if (!node->parent)
        return 0;
    int result = tree_path(node->parent, out);
    if (result < 0)
        return result;
    if (node->parent->parent)
        strbuf_adds(out, "/");
    strbuf_add(out, node_name(node), node->name_len);
    return out->failed ? -out->failed : 0;
}

int tree_key(const struct node *node, struct strbuf *out)
{
    if (node->detached)
        return -ESTALE;
    if (node->member || node->origin == ORIGIN_NONE || node_is_stage(node))
        return -ENODATA;
    if (node->keyed) {
        strbuf_adds(out, node_key(node));
        return -out->failed;
    }
    if (tree_archive_of(node) != node)
        return tree_path(node, out);
    int result = tree_path(node->parent, out);
    strbuf_addf(out, "%s%s", node->parent->parent ? "/" : "", node_link(node));
    return result < 0 ? result : -out->failed;
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
    (void)pthread_rwlock_wrlock(&tree->lock);
    unlink_orphan(tree, node);
    node_free(node);
    (void)pthread_rwlock_unlock(&tree->lock);
}

static void free_below(struct node *node)
{
    if (node->type == NODE_DIRECTORY)
        for (size_t i = 0; i < node->directory->count; i++)
            free_below(node->directory->children[i]);
    node_free(node);
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
    if (tree->root)
        free_below(tree->root);
    free(tree->paths.slots);
    (void)pthread_rwlock_destroy(&tree->lock);
    free(tree);
}
