/* runfs cache list: what is in the cache, an object a line. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/format.h"
#include "base/json.h"
#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/common/output.h"
#include "disk/identity.h"
#include "run/site.h"

/* An object, copied out of the walk over all of them. */
struct entry {
    char *identity; /* owned; PARTS point into it */
    struct identity_parts parts;
    struct disk_item item;
};

struct entries {
    struct entry *items;
    size_t count;
    size_t capacity;
};

static void free_entries(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->items[i].identity);
    free(entries->items);
}

/* Skips objects without a block on disk, or with an invalid identity. */
static int add_entry(void *context, const struct disk_item *item)
{
    struct entries *entries = context;
    struct entry entry = {.item = *item};
    if (item->blocks == 0 || identity_split(item->identity, item->identity_len, &entry.parts) < 0)
        return 0;
    if (array_room(entries->items, entries->count, entries->capacity) < 0 ||
        !(entry.identity = malloc(item->identity_len)))
        return -ENOMEM;
    memcpy(entry.identity, item->identity, item->identity_len);
    entry.item.identity = entry.identity;
    (void)identity_split(entry.identity, item->identity_len, &entry.parts);
    entries->items[entries->count++] = entry;
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct identity_parts *left = &((const struct entry *)a)->parts;
    const struct identity_parts *right = &((const struct entry *)b)->parts;
    int order = strcmp(left->bucket, right->bucket);
    if (order == 0)
        order = strcmp(left->key, right->key);
    if (order == 0)
        order = strcmp(left->endpoint, right->endpoint);
    return order ? order : strcmp(left->etag, right->etag);
}

static bool is_aws(const struct entry *entry)
{
    return strcmp(entry->parts.endpoint, SERVER_AWS) == 0;
}

static void print_entry(const struct entry *entry, const char *uri, const char *used)
{
    char safe[4 * IDENTITY_MAX];
    escape_control(safe, sizeof safe, uri);
    (void)printf("%12" PRIu64 " %12" PRIu64 " %s %s", entry->item.here, entry->item.size, used, safe);
    escape_control(safe, sizeof safe, entry->parts.endpoint);
    (void)printf(is_aws(entry) ? "\n" : " at %s\n", safe);
}

static json_t *entry_json(const struct entry *entry, const char *uri, const char *used)
{
    json_t *object =
        json_pack("{s:o, s:I, s:I, s:s, s:o}", "s3_uri", json_text(uri), "size", (json_int_t)entry->item.size,
                  "here", (json_int_t)entry->item.here, "used", used, "etag", json_text(entry->parts.etag));
    if (object && !is_aws(entry))
        (void)json_object_set_new(object, "endpoint", json_text(entry->parts.endpoint));
    return object;
}

/* ARRAY is NULL for text. */
static void output_entry(const struct entry *entry, json_t *array)
{
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(2 * IDENTITY_MAX);
    char used[FORMAT_MAX];
    action_item_uri(&entry->item, &uri);
    format_time(used, (int64_t)(entry->item.used_ms / 1000));
    if (array)
        (void)json_array_append_new(array, entry_json(entry, strbuf_text(&uri), used));
    else
        print_entry(entry, strbuf_text(&uri), used);
}

int action_list(struct cache_request *request, struct error *err)
{
    _cleanup_disk_ struct disk *disk = NULL;
    __attribute__((cleanup(free_entries))) struct entries entries = {0};
    int result = action_open_disk(request, &disk, err);
    if (result == 0 && disk)
        result = disk_each(disk, add_entry, &entries, err);
    if (result < 0)
        return result;
    if (entries.count)
        qsort(entries.items, entries.count, sizeof *entries.items, compare_entries);
    json_t *array = request->json ? json_array() : NULL;
    if (request->json && !array)
        return error_errno(err, ENOMEM, "cache list");
    for (size_t i = 0; i < entries.count; i++)
        output_entry(&entries.items[i], array);
    return array ? output_json(array) : EXIT_DONE;
}
