/* Eviction from the disk cache: the blocks and blobs that were used longest ago go first; see disk.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "disk/disk_internal.h"

#define STAT_BLOCK 512 /* unit of st_blocks */

/* When a block or a blob was used last, and what it takes. */
struct candidate {
    uint64_t used_ms;
    uint64_t bytes;
};

struct candidates {
    struct candidate *items;
    size_t count;
    size_t capacity;
    bool failed; /* no memory */
};

/* Blocks and blobs that were used before or at CUTOFF_MS go, until LEFT bytes are freed. */
struct eviction {
    const struct disk *disk;
    uint64_t cutoff_ms;
    uint64_t left;
    uint64_t freed;
    uint64_t blocks;
};

static void add_candidate(struct candidates *candidates, uint64_t used_ms, uint64_t bytes)
{
    if (array_room(candidates->items, candidates->count, candidates->capacity) < 0)
        candidates->failed = true;
    else
        candidates->items[candidates->count++] = (struct candidate){used_ms, bytes};
}

static uint64_t count_present(const struct disk_visit *visit)
{
    struct map_entry entry;
    uint64_t present = 0;
    for (uint64_t number = 0; number < disk_visit_entries(visit); number++) {
        disk_visit_entry(visit, number, &entry);
        present += entry.present;
    }
    return present;
}

/* The blocks of an object share all that its files take. What is there without a block goes first. */
static int collect(void *context, struct disk_visit *visit)
{
    struct candidates *candidates = context;
    struct map_entry entry;
    uint64_t present = count_present(visit);
    if (!present && visit->old)
        add_candidate(candidates, 0, visit->allocated);
    for (uint64_t number = 0; present && number < disk_visit_entries(visit); number++) {
        disk_visit_entry(visit, number, &entry);
        if (entry.present)
            add_candidate(candidates, entry.used_ms, visit->allocated / present);
    }
    return candidates->failed ? -ENOMEM : 0;
}

static void collect_blob(void *context, const struct disk_blob *blob)
{
    if (disk_blob_is_made(blob))
        add_candidate(context, blob->used_ms, blob->allocated);
}

static int compare(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    return (left->used_ms > right->used_ms) - (left->used_ms < right->used_ms);
}

/* The time of the youngest block that has to go for BYTES to be freed. */
static uint64_t cutoff_for(struct candidates *candidates, uint64_t bytes)
{
    if (candidates->count)
        qsort(candidates->items, candidates->count, sizeof *candidates->items, compare);
    uint64_t sum = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        sum += candidates->items[i].bytes;
        if (sum >= bytes)
            return candidates->items[i].used_ms;
    }
    return UINT64_MAX;
}

static bool is_due(const struct eviction *eviction, uint64_t used_ms)
{
    return used_ms <= eviction->cutoff_ms && eviction->freed < eviction->left;
}

static void evict_blob(void *context, const struct disk_blob *blob)
{
    struct eviction *eviction = context;
    if (disk_blob_is_made(blob) && is_due(eviction, blob->used_ms) &&
        unlinkat(eviction->disk->blob_fds[blob->kind], blob->name, 0) == 0)
        eviction->freed += blob->allocated;
}

/* What the open file takes; 0 where there is none. */
static uint64_t allocated_by(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_blocks * STAT_BLOCK : 0;
}

/* Drops a block, and counts what that has really freed. */
static void evict_block(struct eviction *eviction, struct disk_visit *visit, int data_fd, uint64_t number)
{
    uint64_t before = allocated_by(data_fd);
    disk_visit_drop(visit, data_fd, number);
    uint64_t after = allocated_by(data_fd);
    uint64_t freed = before > after ? before - after : 0;
    eviction->freed += freed;
    visit->allocated -= freed < visit->allocated ? freed : visit->allocated;
    eviction->blocks++;
}

/* Drops the old blocks of one object, and the object where none is left that anybody may still be interested in. */
static int evict_from(void *context, struct disk_visit *visit)
{
    struct eviction *eviction = context;
    struct map_entry entry;
    char data[IDENTITY_NAME + 8];
    uint64_t kept = 0;
    uint64_t before = eviction->blocks;
    if (eviction->freed >= eviction->left)
        return 1;
    disk_data_name(visit->name, data);
    _cleanup_close_ int data_fd = disk_open_file(visit->shard_fd, data, O_RDWR);
    for (uint64_t number = 0; number < disk_visit_entries(visit); number++) {
        disk_visit_entry(visit, number, &entry);
        if (entry.present && is_due(eviction, entry.used_ms))
            evict_block(eviction, visit, data_fd, number);
        else
            kept += entry.present;
    }
    if (kept == 0 && (eviction->blocks > before || visit->old)) {
        disk_visit_unlink(visit);
        eviction->freed += visit->allocated;
    }
    return 0;
}

/* Evicts what is in the way of TARGET, as far as the shares of an object's files tell that. */
static int evict_once(struct disk *disk, uint64_t target, uint64_t *ret_taken, uint64_t *ret_freed)
{
    struct candidates candidates = {0};
    struct eviction eviction = {.disk = disk};
    uint64_t taken;
    int result = disk_walk(disk, true, target == UINT64_MAX ? NULL : collect, &candidates, &taken);
    if (result == 0 && taken > target) {
        eviction.left = taken - target;
        disk_walk_blobs(disk, collect_blob, &candidates);
        eviction.cutoff_ms = cutoff_for(&candidates, eviction.left);
        disk_walk_blobs(disk, evict_blob, &eviction);
        result = disk_walk(disk, false, evict_from, &eviction, NULL);
        taken -= eviction.freed < taken ? eviction.freed : taken;
        atomic_fetch_add(&disk->blocks_evicted, eviction.blocks);
        result = result > 0 ? 0 : result;
    }
    free(candidates.items);
    if (result == 0) {
        *ret_taken = taken;
        *ret_freed = eviction.freed;
    }
    return result;
}

/* More than once where the blocks that went left a map behind, which goes with the last of an object only. */
int disk_evict(void *context, uint64_t target, uint64_t *ret_taken)
{
    uint64_t taken;
    uint64_t freed;
    int result;
    do
        result = evict_once(context, target, &taken, &freed);
    while (result == 0 && taken > target && freed);
    if (result == 0)
        *ret_taken = taken;
    return result;
}

int disk_prune(struct disk *disk, uint64_t size_max, uint64_t *ret_freed, struct error *err)
{
    uint64_t before;
    uint64_t after;
    int result = space_shrink(&disk->space, size_max, &before, &after);
    if (result == -EAGAIN)
        return error_set(err, EBUSY, "cache %s: another process is tidying it up", disk->directory);
    if (result < 0)
        return error_errno(err, -result, "cache %s", disk->directory);
    *ret_freed = before > after ? before - after : 0;
    return 0;
}
