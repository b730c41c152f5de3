/* Members that are in the tree before all of their archive is known, and what becomes of them then; see tree.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

bool tree_attach(struct tree *tree, struct node *archive, void *content, void (*release)(void *content))
{
    (void)pthread_rwlock_wrlock(&tree->lock);
    bool attached = !archive->detached && !archive->directory->content;
    if (attached) {
        archive->directory->content = content;
        archive->directory->release = release;
    }
    (void)pthread_rwlock_unlock(&tree->lock);
    return attached;
}

void tree_on_dropped(struct tree *tree, tree_dropped_fn fn, void *context)
{
    (void)pthread_rwlock_wrlock(&tree->lock);
    tree->dropped = fn;
    tree->dropped_context = context;
    (void)pthread_rwlock_unlock(&tree->lock);
}

/* The last entry, just appended, goes to its place by name. */
static void move_into_place(struct directory *d)
{
    struct node *last = d->children[d->count - 1];
    size_t i = d->count - 1;
    for (; i > 0 && strcmp(node_name(d->children[i - 1]), node_name(last)) > 0; i--)
        d->children[i] = d->children[i - 1];
    d->children[i] = last;
}

static void remove_entry(struct tree *tree, struct node *directory, struct node *child)
{
    struct directory *d = directory->directory;
    size_t i = 0;
    while (d->children[i] != child)
        i++;
    memmove(&d->children[i], &d->children[i + 1], (--d->count - i) * sizeof(struct node *));
    d->subdirectories -= child->type == NODE_DIRECTORY;
    node_detach(tree, child);
}

/* Whether what is there by MEMBER's name is that member. */
static bool is_it(const struct node *node, const struct tree_member *member)
{
    if (node->type != member->type)
        return false;
    return node->type == NODE_DIRECTORY ||
           (node->in_archive.file == member->file && node->in_archive.mode == member->mode &&
            node->size == member->size && node->mtime_ns == member->mtime_ns &&
            strcmp(node_link(node), member->link) == 0);
}

/* What may change of a member that stays the same. */
static void update(struct node *node, const struct tree_member *member)
{
    node->mtime_ns = member->mtime_ns;
    node->in_archive.mode = member->mode;
    node->in_archive.links = member->links;
}

/* The early node below DIRECTORY that is another name of what MEMBER is; NULL where none shows. */
static const struct node *find_name(const struct node *directory, const struct tree_member *member)
{
    const struct directory *d = directory->directory;
    const struct node *found = NULL;
    for (size_t i = 0; i < d->count && !found; i++) {
        const struct node *node = d->children[i];
        if (node->type == NODE_DIRECTORY)
            found = find_name(node, member);
        else if (node->type == NODE_FILE && node->in_archive.file == member->file &&
                 node->size == member->size)
            found = node;
    }
    return found;
}

static struct node *sprout_name(struct node *directory, const struct tree_member *member)
{
    struct tree_member name = *member;
    const struct node *other =
        member->links > 1 && member->type == NODE_FILE ? find_name(tree_archive_of(directory), member) : NULL;
    name.ino = other ? other->ino : 0;
    return tree_sprout(directory, NULL, &name);
}

static int sprout(struct tree *tree, struct node *directory, const struct tree_member *member)
{
    struct node *there = tree_lookup(directory, member->name, member->name_len);
    if (there && is_it(there, member)) {
        update(there, member);
        return 0;
    }
    if (there)
        remove_entry(tree, directory, there);
    struct node *node = sprout_name(directory, member);
    if (!node)
        return -ENOMEM;
    node->early = true;
    move_into_place(directory->directory);
    return 0;
}

int tree_sprout_early(struct tree *tree, struct node *directory, const struct tree_member *member)
{
    (void)pthread_rwlock_wrlock(&tree->lock);
    int result = tree_needs_growing(directory) ? sprout(tree, directory, member) : 0;
    (void)pthread_rwlock_unlock(&tree->lock);
    return result;
}

void tree_drop_early(struct tree *tree, struct node *archive)
{
    (void)pthread_rwlock_wrlock(&tree->lock);
    if (tree_needs_growing(archive)) {
        struct directory *d = archive->directory;
        for (size_t i = 0; i < d->count; i++)
            node_detach(tree, d->children[i]);
        d->count = 0;
        d->subdirectories = 0;
    }
    (void)pthread_rwlock_unlock(&tree->lock);
}

/* The node to keep of two of one name: the early one, which becomes what FRESH is, or FRESH. */
static struct node *settle(struct tree *tree, struct node *early, struct node *fresh, tree_same_fn same,
                           const void *context)
{
    bool directory = fresh->type == NODE_DIRECTORY;
    if (early->type != fresh->type || (!directory && !same(context, early, fresh))) {
        node_detach(tree, early);
        return fresh;
    }
    if (directory)
        directory_settle(tree, early, fresh, same, context);
    early->in_archive = fresh->in_archive;
    early->archive = fresh->archive;
    early->mtime_ns = fresh->mtime_ns;
    early->ino = fresh->ino; /* of several names of a file all have that of the first */
    early->early = false;
    node_free(fresh);
    return early;
}

static void take_entries(struct directory *to, struct directory *from)
{
    free(to->children);
    free(to->by_ino);
    to->children = from->children;
    to->by_ino = from->by_ino; /* the same names have the same inode numbers */
    to->count = from->count;
    to->capacity = from->capacity;
    to->subdirectories = from->subdirectories;
    to->grown = true;
    from->children = NULL;
    from->by_ino = NULL;
    from->count = 0;
}

void directory_settle(struct tree *tree, struct node *old, struct node *fresh, tree_same_fn same,
                      const void *context)
{
    struct directory *to = old->directory;
    struct directory *from = fresh->directory;
    size_t i = 0;
    for (size_t j = 0; j < from->count; j++) {
        struct node *child = from->children[j];
        int order = 1;
        while (i < to->count && (order = strcmp(node_name(to->children[i]), node_name(child))) < 0)
            node_detach(tree, to->children[i++]);
        if (i < to->count && order == 0)
            child = settle(tree, to->children[i++], child, same, context);
        child->parent = old;
        from->children[j] = child;
    }
    while (i < to->count)
        node_detach(tree, to->children[i++]);
    take_entries(to, from);
}
