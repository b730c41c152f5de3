/* Nodes: memory, names, inode numbers, paths. */
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
    if (node->type == NODE_DIRECTORY && !node->detached)
        directory_free(node->directory);
    free(node);
}

void tree_free_members(struct node *root)
{
    if (root && root->type == NODE_DIRECTORY)
        for (size_t i = 0; i < root->directory->count; i++)
            tree_free_members(root->directory->children[i]);
    node_free(root);
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

const struct node *tree_archive_of(const struct node *node)
{
    if (node->detached)
        return NULL;
    while (node && !(node->type == NODE_DIRECTORY && node->directory->archive))
        node = node->parent;
    return node;
}

bool tree_is_populated(const struct node *node)
{
    return node->type != NODE_DIRECTORY || node->detached ||
           (!node->directory->archive && !node->provisional) || node->directory->populated;
}
