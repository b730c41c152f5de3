/* Names and files of a collection of members: growing arrays, and the index that finds a child by its name. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive/members_internal.h"
#include "base/array.h"

int members_add_text(struct members *members, const char *text, size_t len, uint32_t *ret_place,
                     struct error *err)
{
    *ret_place = (uint32_t)members->text.len;
    strbuf_add(&members->text, text, len);
    if (members->text.failed == E2BIG)
        return error_set(err, E2BIG, "tar: names of more than %" PRIu64 " bytes in all",
                         members->limits.name_bytes);
    return members->text.failed ? error_errno(err, ENOMEM, "tar") : 0;
}

static int check_count(const struct members *members, size_t count, struct error *err)
{
    if (count >= UINT32_MAX / 2 || count > members->limits.members)
        return error_set(err, E2BIG, "tar: more than %" PRIu64 " members and directories",
                         members->limits.members);
    return 0;
}

int members_add_file(struct members *members, const struct member_file *file, uint32_t *ret_number,
                     struct error *err)
{
    int result = check_count(members, members->file_count, err);
    if (result < 0)
        return result;
    if (array_room(members->files, members->file_count, members->file_capacity) < 0)
        return error_errno(err, ENOMEM, "tar");
    members->files[members->file_count] = *file;
    *ret_number = (uint32_t)members->file_count++;
    return 0;
}

/* The slot of a child, or the free one where it belongs. The index is never full. */
static uint32_t *find_slot(const struct members *members, uint32_t parent, const char *name, size_t len)
{
    const struct members_index *index = &members->index;
    uint64_t hash = XXH3_64bits_withSeed(name, len, index->seed ^ parent * 0x9e3779b97f4a7c15u);
    for (size_t i = (size_t)hash;; i++) {
        uint32_t *slot = &index->slots[i & (index->capacity - 1)];
        const struct members_node *node = &members->nodes[*slot];
        if (!*slot || (node->parent == parent && node->name_len == len &&
                       memcmp(members->text.data + node->name, name, len) == 0))
            return slot;
    }
}

uint32_t members_child(const struct members *members, uint32_t parent, const char *name, size_t len)
{
    return members->index.capacity ? *find_slot(members, parent, name, len) : 0;
}

/* Makes room for one more node and its slot. */
static int reserve_node(struct members *members)
{
    struct members_index *index = &members->index;
    if (array_room(members->nodes, members->node_count, members->node_capacity) < 0)
        return -ENOMEM;
    const struct members_node *nodes = members->nodes;
    if (2 * members->node_count < index->capacity)
        return 0;
    size_t capacity = index->capacity ? 2 * index->capacity : 64;
    uint32_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    free(index->slots);
    index->slots = slots;
    index->capacity = capacity;
    for (uint32_t i = 1; i < members->node_count; i++)
        *find_slot(members, nodes[i].parent, members->text.data + nodes[i].name, nodes[i].name_len) = i;
    return 0;
}

int members_add_child(struct members *members, uint32_t parent, const char *name, size_t len, uint32_t file,
                      uint32_t *ret_node, struct error *err)
{
    uint32_t place;
    int result = check_count(members, members->node_count, err);
    if (result == 0)
        result = members_add_text(members, name, len, &place, err);
    if (result < 0)
        return result;
    if (reserve_node(members) < 0)
        return error_errno(err, ENOMEM, "tar");
    uint32_t number = (uint32_t)members->node_count++;
    struct members_node *node = &members->nodes[number];
    *node = (struct members_node){.parent = parent, .file = file, .name = place, .name_len = (uint16_t)len};
    if (number) { /* the root is nobody's child */
        node->depth = (uint16_t)(members->nodes[parent].depth + 1);
        members->nodes[parent].children++;
        *find_slot(members, parent, name, len) = number;
    }
    *ret_node = number;
    return 0;
}
