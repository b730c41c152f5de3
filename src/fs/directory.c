/* Reading directories. A handle goes on by name, so that entries that come or go meanwhile (a new listing)
   make no other entry appear twice or never. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/forest.h"
#include "fs/fs_internal.h"

#define FIRST_ENTRY 2 /* offsets 0 and 1 are "." and ".." */

/* The reply under construction. */
struct listing {
    fuse_req_t req;
    struct fs_run *of;
    char *buffer;
    size_t size;
    size_t used;
    bool plus;
};

void fs_open_directory(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi)
{
    struct fs_run *of = fs_run_of(fs_of(req), ino);
    struct node *node = fs_node(of, ino);
    if (fs_grow_first(req, ino, name, fi, fs_open_directory))
        return;
    fi->cache_readdir = 1;
    tree_lock_read(of->tree);
    bool stale = node->detached;
    fi->keep_cache = !stale && atomic_exchange(&node->directory->known, true);
    tree_unlock(of->tree);
    if (stale)
        (void)fuse_reply_err(req, ESTALE);
    else
        fs_open_handle(req, of, fi, NULL);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (!forest_open_directory(req, ino, fi))
        fs_with_listing(req, ino, NULL, fi, fs_open_directory);
}

/* Adds an entry that is no node's (".", ".."); false where it does not fit. */
static bool add_dot(struct listing *l, const char *name, const struct node *node, off_t next)
{
    struct fuse_entry_param entry = {0};
    size_t room = l->size - l->used;
    fs_attributes(l->of, node, &entry.attr);
    size_t need = l->plus ? fuse_add_direntry_plus(l->req, l->buffer + l->used, room, name, &entry, next)
                          : fuse_add_direntry(l->req, l->buffer + l->used, room, name, &entry.attr, next);
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
    if (l->plus) {
        need = fuse_add_direntry_plus(l->req, NULL, 0, node_name(node), NULL, next);
        if (need > room)
            return false;
        fs_entry(l->of, node, &entry);
        (void)fuse_add_direntry_plus(l->req, l->buffer + l->used, room, node_name(node), &entry, next);
    } else {
        struct stat st;
        fs_attributes(l->of, node, &st);
        need = fuse_add_direntry(l->req, l->buffer + l->used, room, node_name(node), &st, next);
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

static void read_directory(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi, bool plus)
{
    struct handle *handle = fs_handle(fi);
    struct listing l = {.req = req, .of = handle->of, .buffer = malloc(size), .size = size, .plus = plus};
    if (!l.buffer) {
        (void)fuse_reply_err(req, ENOMEM);
        return;
    }
    tree_lock_read(l.of->tree);
    add_entries(&l, fs_node(l.of, ino), handle, offset);
    tree_unlock(l.of->tree);
    (void)fuse_reply_buf(req, l.buffer, l.used);
    free(l.buffer);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    read_directory(req, ino, size, offset, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    read_directory(req, ino, size, offset, fi, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fs_close_handle(fs_of(req), fs_handle(fi));
    (void)fuse_reply_err(req, 0);
}
