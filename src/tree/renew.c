/* Renewing a shared tree from a fresh one: what is the same stays, what changed becomes a new node, what is
   gone is detached and lives on only while the kernel refers to it. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "tree/tree_internal.h"

/* Whether both show the same thing at the same origin. */
static bool same_source(const struct node *a, const struct node *b)
{
    if (a->member && (a->archive != b->archive || a->in_archive.file != b->in_archive.file ||
                      a->in_archive.mode != b->in_archive.mode))
        return false;
    return a->member == b->member && a->origin == b->origin && a->keyed == b->keyed &&
           a->problem == b->problem && a->executable == b->executable &&
           strcmp(node_key(a), node_key(b)) == 0;
}

static bool same_file(const struct node *a, const struct node *b)
{
    return a->type == b->type && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           strcmp(node_etag(a), node_etag(b)) == 0 && strcmp(node_link(a), node_link(b)) == 0 &&
           same_source(a, b);
}

void node_detach(struct tree *tree, struct node *node)
{
    /* the kernel may have wrong attributes of a node that was there provisionally */
    if (tree->dropped && node->provisional && atomic_load(&node->lookups) &&
        array_room(tree->to_drop, tree->drop_count, tree->drop_capacity) == 0)
        tree->to_drop[tree->drop_count++] = node;
    if (node->type == NODE_DIRECTORY) {
        for (size_t i = 0; i < node->directory->count; i++)
            node_detach(tree, node->directory->children[i]);
        directory_retire(tree, node->directory);
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

/* Frees a node that is none of the tree's, with all below it. */
static void retire_fresh(struct tree *tree, struct node *fresh)
{
    if (fresh->type == NODE_DIRECTORY) {
        for (size_t i = 0; i < fresh->directory->count; i++)
            retire_fresh(tree, fresh->directory->children[i]);
        directory_retire(tree, fresh->directory);
    }
    free(fresh);
}

static void renew_directory(struct tree *tree, struct node *old, struct node *fresh);

/* Two nodes of one name: gives the one to keep. Directories that stand for the same archive have the same entries, populated
   or not. */
static struct node *renew_entry(struct tree *tree, struct node *old, struct node *fresh)
{
    bool same = same_file(old, fresh);
    if (old->type == NODE_DIRECTORY && fresh->type == NODE_DIRECTORY) {
        if (!old->directory->archive && !fresh->directory->archive && same_source(old, fresh)) {
            renew_directory(tree, old, fresh);
            return old;
        }
        same = same && old->directory->archive && fresh->directory->archive;
    }
    if (same) {
        retire_fresh(tree, fresh);
        return old;
    }
    node_detach(tree, old);
    return fresh;
}

/* Makes OLD show what FRESH shows; FRESH itself is freed. Merges two sorted directories into FRESH's array, which has just
   the names that stay. */
static void renew_directory(struct tree *tree, struct node *old, struct node *fresh)
{
    struct directory *d = old->directory;
    struct directory *from = fresh->directory;
    bool differs = false;
    size_t i = 0;
    size_t j = 0;
    while (i < d->count || j < from->count) {
        int order = i == d->count      ? 1
                    : j == from->count ? -1
                                       : strcmp(node_name(d->children[i]), node_name(from->children[j]));
        if (order < 0) {
            node_detach(tree, d->children[i++]);
            differs = true;
            continue;
        }
        struct node *was = order == 0 ? d->children[i++] : NULL;
        struct node *kept = was ? renew_entry(tree, was, from->children[j]) : from->children[j];
        differs = differs || kept != was;
        kept->parent = old;
        from->children[j++] = kept;
    }
    directory_take(d, from);
    d->explicit_time = from->explicit_time;
    if (differs)
        atomic_store(&d->known, false);
    old->mtime_ns = fresh->mtime_ns;
    node_free(fresh);
}

void tree_renew(struct tree *tree, struct tree *fresh)
{
    tree_lock_write(tree);
    struct node *old = tree->root;
    /* the kernel refers to the root by a number of its own: a root that is replaced stays as long as the tree */
    (void)atomic_fetch_add(&old->lookups, 1);
    struct node *kept = renew_entry(tree, old, fresh->root);
    kept->parent = NULL;
    tree->root = kept;
    if (kept == old)
        (void)atomic_fetch_sub(&old->lookups, 1);
    tree->totals = fresh->totals;
    tree_unlock_write(tree);
    fresh->root = NULL;
    tree_free(fresh);
}
