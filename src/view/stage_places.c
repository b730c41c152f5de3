/* The places of a stage: names in directories, found by hash, replaced without looking at what lies below. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/array.h"
#include "view/stage_internal.h"

static uint32_t hash_of(uint32_t parent, const char *name, size_t len)
{
    return (uint32_t)XXH3_64bits_withSeed(name, len, parent);
}

/* The slot of NAME, or the free one where it belongs. The table is never full. */
static struct place_slot *slot_of(const struct stage *stage, uint32_t parent, const char *name, size_t len)
{
    uint32_t hash = hash_of(parent, name, len);
    for (size_t i = hash;; i++) {
        struct place_slot *slot = &stage->slots[i & (stage->slot_count - 1)];
        if (!slot->place)
            return slot;
        const struct place *place = &stage->places[slot->place - 1];
        if (slot->hash == hash && place->parent == parent && place->node->name_len == len &&
            memcmp(node_name(place->node), name, len) == 0)
            return slot;
    }
}

/* Makes sure that one more fits. */
static int reserve_slot(struct stage *stage)
{
    if ((size_t)stage->count * 2 < stage->slot_count)
        return 0;
    size_t larger = stage->slot_count ? 2 * stage->slot_count : 64;
    struct place_slot *slots = calloc(larger, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < stage->slot_count; i++) {
        size_t at = stage->slots[i].hash;
        while (stage->slots[i].place && slots[at & (larger - 1)].place)
            at++;
        if (stage->slots[i].place)
            slots[at & (larger - 1)] = stage->slots[i];
    }
    free(stage->slots);
    stage->slots = slots;
    stage->slot_count = larger;
    return 0;
}

uint32_t place_find(const struct stage *stage, uint32_t parent, const char *name, size_t len)
{
    if (!stage->slot_count)
        return PLACE_NONE;
    uint32_t found = slot_of(stage, parent, name, len)->place;
    return found && stage->places[found - 1].born == stage->places[parent].generation ? found - 1
                                                                                      : PLACE_NONE;
}

int place_replace(struct stage *stage, uint32_t index, struct node *node, const struct stage_entry *entry)
{
    struct place *place = &stage->places[index];
    if (place->node && place->node->type == NODE_DIRECTORY) {
        if (place->generation == UINT16_MAX) {
            node_free(node);
            return -E2BIG;
        }
        place->generation++;
        stage->last_place = PLACE_NONE;
    }
    stage_retract(stage, index);
    node_free(place->node);
    place->node = node;
    place->ref = entry->ref;
    place->row = place->ref_row = entry->row;
    place->candidate = 0;
    place->own = false;
    return 0;
}

int place_add(struct stage *stage, uint32_t parent, struct node *node, const struct stage_entry *entry,
              uint32_t *ret_place)
{
    int result = stage->count >= TREE_NODES_MAX ? -E2BIG : reserve_slot(stage);
    if (result == 0)
        result = array_room(stage->places, stage->count, stage->capacity);
    if (result < 0) {
        node_free(node);
        return result;
    }
    /* the place is new, or that of a name which was dropped */
    struct place_slot *slot = slot_of(stage, parent, node_name(node), node->name_len);
    if (!slot->place) {
        stage->places[stage->count] = (struct place){.parent = parent};
        slot->place = ++stage->count;
        slot->hash = hash_of(parent, node_name(node), node->name_len);
    }
    uint32_t index = slot->place - 1;
    result = place_replace(stage, index, node, entry);
    if (result < 0)
        return result;
    stage->places[index].born = stage->places[parent].generation;
    *ret_place = index;
    return 0;
}

void place_path(const struct stage *stage, uint32_t place, struct strbuf *out)
{
    if (place == 0) {
        strbuf_adds(out, stage->root);
        return;
    }
    const struct place *at = &stage->places[place];
    place_path(stage, at->parent, out);
    if (out->len)
        strbuf_adds(out, "/");
    strbuf_add(out, node_name(at->node), at->node->name_len);
}

struct node *stage_node(const struct stage_entry *entry, const char *name, size_t len)
{
    bool at_home = entry->origin == ORIGIN_RUN && entry->key && strlen(entry->key) == entry->path_len &&
                   memcmp(entry->key, entry->path, entry->path_len) == 0;
    struct node *node = node_new(entry->type, name, len, entry->etag ? entry->etag : "",
                                 entry->link ? entry->link : "", at_home ? NULL : entry->key);
    if (!node)
        return NULL;
    node->origin = entry->key || entry->member ? entry->origin : ORIGIN_NONE;
    node->size = entry->size;
    node->mtime_ns = entry->mtime_ns;
    node->member = entry->member;
    node->executable = !entry->member && entry->executable;
    if (entry->member) {
        node->archive = entry->archive;
        node->in_archive.file = entry->file;
        node->in_archive.mode = entry->mode & 0777;
        node->in_archive.links = entry->links;
    } else if (entry->type != NODE_DIRECTORY && entry->key) {
        node->output = runfs_classify(entry->key, strlen(entry->key)).output;
    }
    if (entry->type == NODE_DIRECTORY) {
        node->directory->archive = entry->grows;
        node->directory->explicit_time = entry->grows || entry->member;
    }
    return node;
}
