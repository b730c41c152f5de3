/* Reading directories. A handle goes on by name, so that entries that come or go (a new listing)
   make no other entry appear twice or never. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fs_internal.h"

#define FIRST_ENTRY 2 /* offsets 0 and 1 are "." and ".." */

/* The reply under construction. */
struct listing {
    struct op *op;
    struct run_slot *of;
    char *buffer;
    size_t size;
    size_t used;
};

int op_opendir(struct op *op, struct error *err)
{
    bool names = op_has_names(op);
    int result = names ? op_find_names(op) : op_enter(op, err);
    if (result == 0 && !names)
        result = op_populate(op, NULL, err);
    if (result)
        return result;
    tree_lock_read(op->of->tree);
    const struct node *node = fs_node(op->of, op->ino);
    bool stale = node->detached;
    op->fi.cache_readdir = 1;
    op->fi.keep_cache = !stale && atomic_exchange(&node->directory->known, true);
    tree_unlock(op->of->tree);
    return stale ? op_reply_err(op, ESTALE) : op_reply_open(op, NULL);
}

/* Adds an entry that is no node's (".", ".."); false where it does not fit. */
static bool add_dot(struct listing *l, const char *name, const struct node *node, off_t next)
{
    struct fuse_entry_param entry = {0};
    size_t room = l->size - l->used;
    fs_attributes(l->of, node, &entry.attr);
    size_t need = l->op->plus
                      ? fuse_add_direntry_plus(l->op->req, l->buffer + l->used, room, name, &entry, next)
                      : fuse_add_direntry(l->op->req, l->buffer + l->used, room, name, &entry.attr, next);
    if (need > room)
        return false;
    l->used += need;
    return true;
}

static bool add_node(struct listing *l, struct node *node, off_t next)
{
    struct fuse_entry_param entry;
    size_t room = l->size - l->used;
    size_t need;
    if (l->op->plus) {
        need = fuse_add_direntry_plus(l->op->req, NULL, 0, node_name(node), NULL, next);
        if (need > room)
            return false;
        fs_entry(l->of, node, &entry);
        (void)fuse_add_direntry_plus(l->op->req, l->buffer + l->used, room, node_name(node), &entry, next);
    } else {
        struct stat st;
        fs_attributes(l->of, node, &st);
        need = fuse_add_direntry(l->op->req, l->buffer + l->used, room, node_name(node), &st, next);
        if (need > room)
            return false;
    }
    l->used += need;
    return true;
}

/* The name of the last entry that the caller has taken: the one before OFFSET in the last reply. NULL where the offset
   is none of that reply's. */
static const char *taken_name(const struct handle *handle, off_t offset)
{
    const char *name = NULL;
    const char *end = strbuf_text(&handle->names) + handle->names.len;
    off_t at = handle->first;
    for (const char *next = strbuf_text(&handle->names); next < end && at < offset; at++) {
        name = next;
        next += strlen(next) + 1;
    }
    return at == offset ? name : NULL;
}

/* Where to go on at OFFSET: behind the entry taken last, wherever it is now. */
static size_t start_of(const struct node *node, const struct handle *handle, off_t offset)
{
    const char *taken = taken_name(handle, offset);
    if (taken)
        return tree_after(node, taken);
    if (offset > FIRST_ENTRY && offset == handle->first && handle->before[0])
        return tree_after(node, handle->before);
    return (size_t)(offset - FIRST_ENTRY);
}

/* Adds entries from OFFSET on and remembers them, since the kernel may take only a part of the reply. */
static void add_entries(struct listing *l, const struct node *node, struct handle *handle, off_t offset)
{
    if (offset < 1 && !add_dot(l, ".", node, 1))
        return;
    if (offset < FIRST_ENTRY &&
        !add_dot(l, "..", node->parent && !node->detached ? node->parent : node, FIRST_ENTRY))
        return;
    if (node->detached)
        return;
    if (offset < FIRST_ENTRY)
        offset = FIRST_ENTRY;
    size_t i = start_of(node, handle, offset);
    const char *taken = taken_name(handle, offset);
    if (taken || offset == FIRST_ENTRY)
        (void)snprintf(handle->before, sizeof handle->before, "%s", taken ? taken : "");
    strbuf_clear(&handle->names);
    handle->first = offset;
    for (; i < node->directory->count; i++, offset++) {
        struct node *child = node->directory->children[i];
        if (!add_node(l, child, offset + 1))
            return;
        strbuf_add(&handle->names, node_name(child), (size_t)child->name_len + 1);
    }
}

int op_readdir(struct op *op, struct error *err)
{
    struct handle *handle = fs_handle(op);
    struct listing l = {.op = op, .of = handle->of, .buffer = malloc(op->size), .size = op->size};
    (void)err;
    if (!l.buffer)
        return op_reply_err(op, ENOMEM);
    tree_lock_read(l.of->tree);
    add_entries(&l, fs_node(l.of, op->ino), handle, op->offset);
    tree_unlock(l.of->tree);
    (void)OP_REPLY(op, buf, l.buffer, l.used);
    free(l.buffer);
    return OP_DONE;
}
