/* Renewing a shared tree from a fresh one: what is the same stays, what changed becomes a new node, what is
   gone is detached and lives on only while the kernel refers to it. */
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

static bool same_member(const struct node *a, const struct node *b)
{
    return a->member == b->member &&
           (!a->member || (a->archive == b->archive && a->in_archive.file == b->in_archive.file &&
                           a->in_archive.mode == b->in_archive.mode));
}

/* Whether both show the same thing at the same origin. */
static bool same_source(const struct node *a, const struct node *b)
{
    return same_member(a, b) && a->origin == b->origin && a->keyed == b->keyed && a->problem == b->problem &&
           a->executable == b->executable && strcmp(node_key(a), node_key(b)) == 0;
}

static bool same_file(const struct node *a, const struct node *b)
{
    return a->type == b->type && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           strcmp(node_etag(a), node_etag(b)) == 0 && strcmp(node_link(a), node_link(b)) == 0 &&
           same_source(a, b);
}

/* What the kernel has been told of a node that was there early may be wrong. */
static void tell_dropped(const struct tree *tree, const struct node *node)
{
    if (tree->dropped && node->early && atomic_load(&node->lookups))
        tree->dropped(tree->dropped_context, node);
}

void node_detach(struct tree *tree, struct node *node)
{
    tell_dropped(tree, node);
    if (node->type == NODE_DIRECTORY) {
        for (size_t i = 0; i < node->directory->count; i++)
            node_detach(tree, node->directory->children[i]);
        if (node->directory->release)
            node->directory->release(node->directory->content);
        free(node->directory->children);
        free(node->directory->by_ino);
        free(node->directory);
    }
    node->detached = true;
    node->orphan_next = NULL;
    node->orphan_previous = NULL;
    if (atomic_load(&node->lookups) == 0) {
        free(node);
        return;
    }
    node->orphan_next = tree->orphans;
    if (tree->orphans)
        tree->orphans->orphan_previous = node;
    tree->orphans = node;
}

static void renew_directory(struct tree *tree, struct node *old, struct node *fresh);

/* Directories that stand for the same archive have the same entries, grown or not. */
static bool same_archive(const struct node *a, const struct node *b)
{
    return a->directory->archive && b->directory->archive && same_file(a, b);
}

/* Two nodes of one name: gives the one to keep. */
static struct node *renew_entry(struct tree *tree, struct node *old, struct node *fresh)
{
    bool directories = old->type == NODE_DIRECTORY && fresh->type == NODE_DIRECTORY;
    if (directories && !old->directory->archive && !fresh->directory->archive && same_source(old, fresh)) {
        renew_directory(tree, old, fresh);
        return old;
    }
    if (directories ? same_archive(old, fresh) : same_file(old, fresh)) {
        tree_sprout_free(fresh);
        return old;
    }
    node_detach(tree, old);
    return fresh;
}

static int compare(const struct directory *old, size_t i, const struct directory *fresh, size_t j)
{
    if (i == old->count)
        return 1;
    if (j == fresh->count)
        return -1;
    return strcmp(node_name(old->children[i]), node_name(fresh->children[j]));
}

/* Merges two sorted directories into FRESH's array, which has just the names that stay. True where an entry
   is another node than before. */
static bool merge_children(struct tree *tree, struct node *old, struct directory *fresh)
{
    struct directory *d = old->directory;
    bool differs = false;
    size_t i = 0;
    size_t j = 0;
    while (i < d->count || j < fresh->count) {
        int order = compare(d, i, fresh, j);
        if (order < 0) {
            node_detach(tree, d->children[i++]);
            differs = true;
            continue;
        }
        struct node *was = order == 0 ? d->children[i++] : NULL;
        struct node *kept = was ? renew_entry(tree, was, fresh->children[j]) : fresh->children[j];
        differs = differs || kept != was;
        kept->parent = old;
        fresh->children[j++] = kept;
    }
    return differs;
}

/* Makes OLD show what FRESH shows; FRESH itself is freed. */
static void renew_directory(struct tree *tree, struct node *old, struct node *fresh)
{
    struct directory *d = old->directory;
    bool differs = merge_children(tree, old, fresh->directory);
    free(d->children);
    free(d->by_ino);
    d->children = fresh->directory->children;
    d->by_ino = fresh->directory->by_ino; /* the same names have the same inode numbers */
    d->count = fresh->directory->count;
    d->capacity = fresh->directory->capacity;
    d->subdirectories = fresh->directory->subdirectories;
    d->explicit_time = fresh->directory->explicit_time;
    if (differs)
        atomic_store(&d->known, false);
    old->mtime_ns = fresh->mtime_ns;
    fresh->directory->children = NULL;
    fresh->directory->by_ino = NULL;
    node_free(fresh);
}

/* The kernel refers to the root by a number of its own, and so does whoever works for it: a root that is replaced stays
   as long as the tree. */
static void renew_root(struct tree *tree, struct node *fresh)
{
    struct node *old = tree->root;
    (void)atomic_fetch_add(&old->lookups, 1);
    struct node *kept = renew_entry(tree, old, fresh);
    kept->parent = NULL;
    tree->root = kept;
    if (kept == old)
        (void)atomic_fetch_sub(&old->lookups, 1);
}

void tree_renew(struct tree *tree, struct tree *fresh)
{
    (void)pthread_rwlock_wrlock(&tree->lock);
    renew_root(tree, fresh->root);
    tree->totals = fresh->totals;
    (void)pthread_rwlock_unlock(&tree->lock);
    fresh->root = NULL;
    tree_free(fresh);
}
