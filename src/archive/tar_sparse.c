/* Collects sparse maps and finds what is wrong with them. */
#include "archive/tar_sparse.h"

#include <errno.h>
#include <stdlib.h>

#include "archive/tar_number.h"
#include "base/array.h"

#define KEPT_CAPACITY 1024 /* entries; a map of more gives its memory back */

static const char nonsense[] = "its sparse map makes no sense";

static uint64_t end_of_last(const struct tar_sparse *sparse)
{
    if (!sparse->count)
        return 0;
    const struct reader_extent *last = &sparse->extents[sparse->count - 1];
    return last->offset + last->size;
}

int tar_sparse_add(struct tar_sparse *sparse, uint64_t offset, uint64_t size)
{
    uint64_t end;
    if (sparse->fault)
        return 0;
    if (++sparse->entries > TAR_EXTENTS_MAX)
        sparse->fault = "its sparse map has too many entries";
    else if (offset < end_of_last(sparse) || __builtin_add_overflow(offset, size, &end) || end > INT64_MAX)
        sparse->fault = nonsense;
    if (sparse->fault || size == 0)
        return 0;
    if (array_room(sparse->extents, sparse->count, sparse->capacity) < 0)
        return -ENOMEM;
    sparse->extents[sparse->count++] = (struct reader_extent){.offset = offset, .size = size};
    sparse->stored += size; /* the parts do not overlap and end before 2^63 */
    return 0;
}

int tar_sparse_add_old(struct tar_sparse *sparse, const struct tar_old_extent *extents, size_t count)
{
    for (size_t i = 0; i < count && extents[i].offset[0]; i++) {
        int64_t offset;
        int64_t size;
        if (tar_field(extents[i].offset, sizeof extents[i].offset, &offset) < 0 || offset < 0 ||
            tar_field(extents[i].size, sizeof extents[i].size, &size) < 0 || size < 0) {
            sparse->fault = sparse->fault ? sparse->fault : nonsense;
            return 0;
        }
        if (tar_sparse_add(sparse, (uint64_t)offset, (uint64_t)size) < 0)
            return -ENOMEM;
    }
    return 0;
}

void tar_sparse_finish(struct tar_sparse *sparse, uint64_t size, uint64_t stored, uint64_t offset)
{
    if (!sparse->fault && (end_of_last(sparse) > size || sparse->stored != stored))
        sparse->fault = "its sparse map does not fit its size";
    for (size_t i = 0; i < sparse->count; i++) {
        sparse->extents[i].at = offset;
        offset += sparse->extents[i].size;
    }
}

void tar_sparse_clear(struct tar_sparse *sparse)
{
    struct tar_sparse kept = {.extents = sparse->extents, .capacity = sparse->capacity};
    if (kept.capacity > KEPT_CAPACITY)
        tar_sparse_done(sparse);
    else
        *sparse = kept;
}

void tar_sparse_done(struct tar_sparse *sparse)
{
    free(sparse->extents);
    *sparse = (struct tar_sparse){0};
}

/* A number of the map is complete. */
static int take_number(struct tar_map *map, struct tar_sparse *sparse)
{
    uint64_t number = map->number;
    map->number = 0;
    map->digits = 0;
    if (!map->counted) {
        if (number > TAR_EXTENTS_MAX)
            sparse->fault = "its sparse map has too many entries";
        map->counted = true;
        map->wanted = 2 * number;
    } else if (map->wanted-- % 2 == 0) {
        map->offset = number;
    } else if (tar_sparse_add(sparse, map->offset, number) < 0) {
        return -ENOMEM;
    }
    map->complete = map->wanted == 0;
    return 0;
}

int tar_map_read(struct tar_map *map, struct tar_sparse *sparse, const unsigned char block[TAR_BLOCK_SIZE])
{
    for (size_t i = 0; i < TAR_BLOCK_SIZE && !map->complete && !sparse->fault; i++) {
        unsigned char c = block[i];
        if (c == '\n' && map->digits) {
            if (take_number(map, sparse) < 0)
                return -ENOMEM;
            continue;
        }
        if (c < '0' || c > '9' || __builtin_mul_overflow(map->number, 10, &map->number) ||
            __builtin_add_overflow(map->number, (uint64_t)(c - '0'), &map->number))
            sparse->fault = nonsense;
        map->digits++;
    }
    map->complete = map->complete || sparse->fault;
    return 0;
}
