/* Members in a tree that is in use: entries of archives, provisional before all of an archive is known, and final ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

bool tree_attach(struct tree *tree, struct node *archive, void *content, void (*release)(void *content))
{
    tree_lock_write(tree);
    bool attached = !archive->detached && !archive->directory->content;
    if (attached) {
        archive->directory->content = content;
        archive->directory->release = release;
    }
    tree_unlock_write(tree);
    return attached;
}

void tree_on_dropped(struct tree *tree, tree_dropped_fn fn, void *context)
{
    tree_lock_write(tree);
    tree->dropped = fn;
    tree->dropped_context = context;
    tree_unlock_write(tree);
}

struct node *tree_new_member(struct node *parent, const struct node *archive,
                             const struct tree_member *member)
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

/* The provisional node below DIRECTORY that is another name of what MEMBER is; NULL where none shows. */
static const struct node *find_other_name(const struct node *directory, const struct tree_member *member)
{
    const struct directory *d = directory->directory;
    const struct node *found = NULL;
    for (size_t i = 0; i < d->count && !found; i++) {
        const struct node *node = d->children[i];
        if (node->type == NODE_DIRECTORY)
            found = find_other_name(node, member);
        else if (node->type == NODE_FILE && node->in_archive.file == member->file &&
                 node->size == member->size)
            found = node;
    }
    return found;
}

static bool is_member(const struct node *node, const struct tree_member *member)
{
    if (node->type != member->type)
        return false;
    return node->type == NODE_DIRECTORY ||
           (node->in_archive.file == member->file && node->in_archive.mode == member->mode &&
            node->size == member->size && node->mtime_ns == member->mtime_ns &&
            strcmp(node_link(node), member->link) == 0);
}

/* Adds MEMBER as a provisional entry, or updates it, or replaces another one of its name. */
static int put_provisional(struct tree *tree, struct node *directory, const struct tree_member *member)
{
    struct directory *d = directory->directory;
    bool found;
    size_t place = directory_find(d, d->count, member->name, member->name_len, &found);
    struct node *old = found ? d->children[place] : NULL;
    if (found && is_member(old, member)) {
        old->mtime_ns = member->mtime_ns;
        old->in_archive.mode = member->mode;
        old->in_archive.links = member->links;
        return 0;
    }
    if (found) {
        memmove(&d->children[place], &d->children[place + 1], (--d->count - place) * sizeof(struct node *));
        d->subdirectories -= old->type == NODE_DIRECTORY;
        node_detach(tree, old);
    }
    struct tree_member name = *member;
    const struct node *other = member->links > 1 && member->type == NODE_FILE
                                   ? find_other_name(tree_archive_of(directory), member)
                                   : NULL;
    name.ino = other ? other->ino : 0;
    struct node *node = tree_new_member(directory, NULL, &name); /* as the last entry */
    if (!node)
        return -ENOMEM;
    node->provisional = true;
    memmove(&d->children[place + 1], &d->children[place], (d->count - 1 - place) * sizeof(struct node *));
    d->children[place] = node;
    return 0;
}

int tree_add_provisional(struct tree *tree, struct node *directory, const struct tree_member *member)
{
    tree_lock_write(tree);
    int result = !tree_is_populated(directory) ? put_provisional(tree, directory, member) : 0;
    tree_unlock_write(tree);
    return result;
}

void tree_drop_provisional(struct tree *tree, struct node *archive)
{
    tree_lock_write(tree);
    if (!tree_is_populated(archive)) {
        struct directory *d = archive->directory;
        for (size_t i = 0; i < d->count; i++)
            node_detach(tree, d->children[i]);
        d->count = 0;
        d->subdirectories = 0;
    }
    tree_unlock_write(tree);
}

/* Makes OLD, some of whose entries are there provisionally, have those of FRESH. */
static void finalize_directory(struct tree *tree, struct node *old, struct node *fresh, tree_same_fn same,
                               const void *context);

/* The node to keep of two of one name: the provisional one, which becomes what FRESH is, or FRESH. */
static struct node *finalize_entry(struct tree *tree, struct node *provisional, struct node *fresh,
                                   tree_same_fn same, const void *context)
{
    bool directory = fresh->type == NODE_DIRECTORY;
    if (provisional->type != fresh->type || (!directory && !same(context, provisional, fresh))) {
        node_detach(tree, provisional);
        return fresh;
    }
    if (directory)
        finalize_directory(tree, provisional, fresh, same, context);
    provisional->in_archive = fresh->in_archive;
    provisional->archive = fresh->archive;
    provisional->mtime_ns = fresh->mtime_ns;
    provisional->ino = fresh->ino; /* of several names of a file all have that of the first */
    provisional->provisional = false;
    node_free(fresh);
    return provisional;
}

static void finalize_directory(struct tree *tree, struct node *old, struct node *fresh, tree_same_fn same,
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
            child = finalize_entry(tree, to->children[i++], child, same, context);
        child->parent = old;
        from->children[j] = child;
    }
    while (i < to->count)
        node_detach(tree, to->children[i++]);
    directory_take(to, from);
    to->populated = true;
}

static void sort_all(struct node *node)
{
    if (node->type != NODE_DIRECTORY)
        return;
    directory_sort_by_ino(node->directory);
    node->directory->populated = true;
    for (size_t i = 0; i < node->directory->count; i++)
        sort_all(node->directory->children[i]);
}

void tree_attach_members(struct tree *tree, struct node *archive, struct node *root, tree_same_fn same,
                         const void *context)
{
    sort_all(root);
    tree_lock_write(tree);
    if (!archive->detached && !archive->directory->populated) {
        finalize_directory(tree, archive, root, same, context);
        atomic_store(&archive->directory->known, false);
    }
    tree_unlock_write(tree);
    tree_free_members(root);
}
