/* Directories' entries: in order of names and of inode numbers, found by name, moved between directories. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

void directory_free(struct directory *d)
{
    if (d->release)
        d->release(d->content);
    free(d->children);
    free(d->by_ino);
    free(d);
}

void directory_retire(struct tree *tree, struct directory *d)
{
    if (!d->release) {
        directory_free(d);
        return;
    }
    free(d->by_ino);
    d->next_retired = tree->retired;
    tree->retired = d;
}

int node_append(struct node *directory, struct node *child)
{
    struct directory *d = directory->directory;
    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? 2 * d->capacity : 4;
        struct node **children = reallocarray(d->children, capacity, sizeof(struct node *));
        if (!children)
            return -ENOMEM;
        d->children = children;
        d->capacity = capacity;
    }
    d->children[d->count++] = child;
    child->parent = directory;
    child->ino = node_ino(directory->ino, node_name(child), child->name_len);
    return 0;
}

void directory_take(struct directory *to, struct directory *from)
{
    free(to->children);
    free(to->by_ino);
    to->children = from->children;
    to->by_ino = from->by_ino; /* the same names have the same inode numbers */
    to->count = from->count;
    to->capacity = from->capacity;
    to->subdirectories = from->subdirectories;
    from->children = NULL;
    from->by_ino = NULL;
    from->count = 0;
}

int node_compare(const void *a, const void *b)
{
    const struct node *left = *(struct node *const *)a;
    const struct node *right = *(struct node *const *)b;
    int order = strcmp(node_name(left), node_name(right));
    if (order)
        return order;
    order = (left->type == NODE_DIRECTORY) - (right->type == NODE_DIRECTORY);
    return order ? order : (left->mtime_ns > right->mtime_ns) - (left->mtime_ns < right->mtime_ns);
}

/* Listings come in order, so that most directories are sorted as they are built. */
void directory_sort_by_name(struct directory *d)
{
    size_t i = 1;
    while (i < d->count && node_compare(&d->children[i - 1], &d->children[i]) <= 0)
        i++;
    if (i < d->count)
        qsort(d->children, d->count, sizeof(struct node *), node_compare);
}

static int compare_ino(const void *a, const void *b, void *children)
{
    const struct node *left = ((struct node **)children)[*(const uint32_t *)a];
    const struct node *right = ((struct node **)children)[*(const uint32_t *)b];
    return (left->ino > right->ino) - (left->ino < right->ino);
}

void directory_sort_by_ino(struct directory *d)
{
    d->by_ino = reallocarray(NULL, d->count, sizeof *d->by_ino);
    for (size_t i = 0; d->by_ino && i < d->count; i++)
        d->by_ino[i] = (uint32_t)i;
    if (d->by_ino)
        qsort_r(d->by_ino, d->count, sizeof *d->by_ino, compare_ino, d->children);
}

size_t directory_find(const struct directory *d, size_t count, const char *name, size_t len, bool *ret_found)
{
    size_t low = 0;
    size_t high = count;
    bool found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct node *node = d->children[middle];
        int order = memcmp(name, node_name(node), len < node->name_len ? len : node->name_len);
        order = order ? order : (len > node->name_len) - (len < node->name_len);
        found = found || order == 0;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = found;
    return low;
}
