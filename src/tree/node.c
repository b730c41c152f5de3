/* Nodes: memory, names, inode numbers. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tree/tree_internal.h"

/* Bytes of a node with TEXT_LEN bytes of text, which begins in what would be padding. */
static size_t size_with(size_t text_len)
{
    size_t size = offsetof(struct node, text) + text_len;
    return size < sizeof(struct node) ? sizeof(struct node) : size;
}

struct node *node_new(enum node_type type, const char *name, size_t name_len, const char *etag,
                      const char *link, const char *key)
{
    size_t etag_len = strlen(etag);
    size_t link_len = strlen(link);
    size_t key_size = key ? strlen(key) + 1 : 0;
    struct node *node = calloc(1, size_with(name_len + etag_len + link_len + 3 + key_size));
    if (!node)
        return NULL;
    node->type = (uint8_t)type;
    node->name_len = (uint16_t)name_len;
    memcpy(node->text, name, name_len);
    memcpy(node->text + name_len + 1, etag, etag_len);
    memcpy(node->text + name_len + 1 + etag_len + 1, link, link_len);
    if (key)
        memcpy(node->text + name_len + 1 + etag_len + 1 + link_len + 1, key, key_size);
    node->keyed = key;
    node->ino = NODE_ROOT_INO;
    if (type == NODE_DIRECTORY && !(node->directory = calloc(1, sizeof *node->directory))) {
        free(node);
        return NULL;
    }
    return node;
}

void node_free(struct node *node)
{
    if (!node)
        return;
    if (node->type == NODE_DIRECTORY && !node->detached) {
        if (node->directory->release)
            node->directory->release(node->directory->content);
        free(node->directory->children);
        free(node->directory->by_ino);
        free(node->directory);
    }
    free(node);
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

uint64_t node_ino(uint64_t parent, const char *name, size_t name_len)
{
    uint64_t ino = XXH3_64bits_withSeed(name, name_len, parent);
    return ino > NODE_ROOT_INO ? ino : ino + 2; /* 0 is none, 1 the root */
}

const char *node_name(const struct node *node)
{
    return node->text;
}

const char *node_etag(const struct node *node)
{
    return node->text + node->name_len + 1;
}

const char *node_link(const struct node *node)
{
    const char *etag = node_etag(node);
    return etag + strlen(etag) + 1;
}

const char *node_key(const struct node *node)
{
    const char *link = node_link(node);
    return node->keyed ? link + strlen(link) + 1 : "";
}

const char *node_problem(const struct node *node)
{
    return node->problem ? node_link(node) : NULL;
}

bool node_is_stage(const struct node *node)
{
    return node->type == NODE_DIRECTORY && !node->detached && node->directory->archive && !node_link(node)[0];
}

unsigned node_mode(const struct node *node)
{
    if (node->type == NODE_LINK)
        return 0777;
    if (node->member)
        return node->in_archive.mode & 0777U;
    return node->type == NODE_DIRECTORY || node->executable ? 0755 : 0644;
}

uint32_t node_nlink(const struct node *node)
{
    if (node->type == NODE_DIRECTORY && !node->detached)
        return 2 + node->directory->subdirectories;
    return node->member && node->type != NODE_DIRECTORY ? node->in_archive.links : 1;
}
