/* Names and files of a collection of members: growing arrays, and the index that finds a child by its name. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive/members_internal.h"

void *members_reserve(void *array, size_t *capacity, size_t count, size_t extra, size_t size)
{
    size_t needed;
    if (__builtin_add_overflow(count, extra, &needed))
        return NULL;
    if (array && needed <= *capacity)
        return array;
    size_t wanted = *capacity ? *capacity : 64;
    while (wanted < needed)
        if (__builtin_mul_overflow(wanted, 2, &wanted))
            return NULL;
    void *grown = reallocarray(array, wanted, size);
    if (grown)
        *capacity = wanted;
    return grown;
}

int members_add_text(struct members *members, const char *text, size_t len, uint32_t *ret_place,
                     struct error *err)
{
    if (len > UINT32_MAX / 2 - members->text_len || members->text_len + len > members->limits.name_bytes)
        return error_set(err, E2BIG, "tar: names of more than %" PRIu64 " bytes in all",
                         members->limits.name_bytes);
    char *grown = members_reserve(members->text, &members->text_capacity, members->text_len, len, 1);
    if (!grown)
        return error_errno(err, ENOMEM, "tar");
    members->text = grown;
    if (len)
        memcpy(members->text + members->text_len, text, len);
    *ret_place = (uint32_t)members->text_len;
    members->text_len += len;
    return 0;
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
    struct member_file *grown =
        members_reserve(members->files, &members->file_capacity, members->file_count, 1, sizeof *grown);
    if (!grown)
        return error_errno(err, ENOMEM, "tar");
    members->files = grown;
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
                       memcmp(members->text + node->name, name, len) == 0))
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
    struct members_node *nodes =
        members_reserve(members->nodes, &members->node_capacity, members->node_count, 1, sizeof *nodes);
    if (!nodes)
        return -ENOMEM;
    members->nodes = nodes;
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
        *find_slot(members, nodes[i].parent, members->text + nodes[i].name, nodes[i].name_len) = i;
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
