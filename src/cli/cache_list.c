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
    char *uri; /* owned, as are the next two */
    char *endpoint;
    char *etag;
    uint64_t size;
    uint64_t here;
    uint64_t used_ms;
};

struct entries {
    struct entry *items;
    size_t count;
    size_t capacity;
};

static void free_entries(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].uri);
        free(entries->items[i].endpoint);
        free(entries->items[i].etag);
    }
    free(entries->items);
}

/* Skips objects without a block on disk, or with an invalid identity. */
static int add_entry(void *context, const struct disk_item *item)
{
    struct entries *entries = context;
    struct identity_parts parts;
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(2 * IDENTITY_MAX);
    if (item->blocks == 0 || identity_split(item->identity, item->identity_len, &parts) < 0)
        return 0;
    if (array_room(entries->items, entries->count, entries->capacity) < 0)
        return -ENOMEM;
    action_item_uri(item, &uri);
    struct entry *entry = &entries->items[entries->count++];
    *entry = (struct entry){
        .uri = strdup(strbuf_text(&uri)),
        .endpoint = strdup(parts.endpoint),
        .etag = strdup(parts.etag),
        .size = item->size,
        .here = item->here,
        .used_ms = item->used_ms,
    };
    return entry->uri && entry->endpoint && entry->etag ? 0 : -ENOMEM;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = strcmp(left->uri, right->uri);
    if (order == 0)
        order = strcmp(left->endpoint, right->endpoint);
    return order ? order : strcmp(left->etag, right->etag);
}

static bool is_aws(const struct entry *entry)
{
    return strcmp(entry->endpoint, SERVER_AWS) == 0;
}

static void print_entry(const struct entry *entry)
{
    char when[FORMAT_MAX];
    char safe[4 * IDENTITY_MAX];
    format_time(when, (int64_t)(entry->used_ms / 1000));
    escape_control(safe, sizeof safe, entry->uri);
    (void)printf("%12" PRIu64 " %12" PRIu64 " %s %s", entry->here, entry->size, when, safe);
    escape_control(safe, sizeof safe, entry->endpoint);
    (void)printf(is_aws(entry) ? "\n" : " at %s\n", safe);
}

static json_t *entry_json(const struct entry *entry)
{
    char when[FORMAT_MAX];
    format_time(when, (int64_t)(entry->used_ms / 1000));
    json_t *object = json_pack("{s:o, s:I, s:I, s:s, s:o}", "s3_uri", json_text(entry->uri), "size",
                               (json_int_t)entry->size, "here", (json_int_t)entry->here, "used", when, "etag",
                               json_text(entry->etag));
    if (object && !is_aws(entry))
        (void)json_object_set_new(object, "endpoint", json_text(entry->endpoint));
    return object;
}

static int print_entries_json(const struct entries *entries)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < entries->count; i++)
        (void)json_array_append_new(array, entry_json(&entries->items[i]));
    return output_json(array);
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
    if (request->json)
        return print_entries_json(&entries);
    for (size_t i = 0; i < entries.count; i++)
        print_entry(&entries.items[i]);
    return EXIT_DONE;
}
