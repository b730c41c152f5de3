/* Nodes: memory, names, inode numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tree/tree_internal.h"

#define ROOT_INO 1

struct node *node_new(enum node_type type, const char *name, size_t name_len, const char *etag,
                      const char *link)
{
    size_t etag_len = strlen(etag);
    size_t link_len = strlen(link);
    struct node *node = calloc(1, sizeof *node + name_len + etag_len + link_len + 3);
    if (!node)
        return NULL;
    node->type = (uint8_t)type;
    node->name_len = (uint16_t)name_len;
    memcpy(node->text, name, name_len);
    memcpy(node->text + name_len + 1, etag, etag_len);
    memcpy(node->text + name_len + 1 + etag_len + 1, link, link_len);
    node->ino = ROOT_INO;
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
    return ino > ROOT_INO ? ino : ino + 2; /* 0 is none, 1 the root */
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

uint32_t node_nlink(const struct node *node)
{
    if (node->type == NODE_DIRECTORY && !node->detached)
        return 2 + node->directory->subdirectories;
    return node->member && node->type != NODE_DIRECTORY ? node->in_archive.links : 1;
}
