/* What is made of the selection: directories, files, further names of files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/fetch.h"

bool fetch_is_file(const struct fetch_item *item)
{
    return item->node->type == NODE_FILE && !item->same;
}

static int compare_inos(const void *a, const void *b)
{
    const struct fetch_item *first = *(struct fetch_item *const *)a;
    const struct fetch_item *second = *(struct fetch_item *const *)b;
    if (first->node->ino != second->node->ino)
        return first->node->ino < second->node->ino ? -1 : 1;
    return first < second ? -1 : first > second;
}

/* Finds the names that are further ones of the same file. */
static int find_hard_links(struct fetch *fetch, struct error *err)
{
    _cleanup_free_ struct fetch_item **linked = calloc(fetch->count + 1, sizeof(struct fetch_item *));
    size_t count = 0;
    if (!linked)
        return error_errno(err, ENOMEM, "fetch");
    for (size_t i = 0; i < fetch->count; i++) {
        const struct node *node = fetch->items[i].node;
        if (node->type == NODE_FILE && node->member && node->in_archive.links > 1)
            linked[count++] = &fetch->items[i];
    }
    qsort(linked, count, sizeof(struct fetch_item *), compare_inos);
    for (size_t i = 1; i < count; i++)
        if (linked[i]->node->ino == linked[i - 1]->node->ino)
            linked[i]->same = linked[i - 1]->same ? linked[i - 1]->same : linked[i - 1];
    return 0;
}

int fetch_list_files(struct fetch *fetch, struct error *err)
{
    int result = find_hard_links(fetch, err);
    if (result < 0)
        return result;
    for (size_t i = 0; result == 0 && i < fetch->count; i++)
        if (fetch_is_file(&fetch->items[i]))
            result = files_add(&fetch->files, fetch->items[i].node, &fetch->items[i]);
    return result < 0 ? error_errno(err, -result, "fetch") : 0;
}

/* Nothing of the run may get among the parts. */
static bool is_parts_name(const char *path)
{
    size_t len = strlen(FETCH_PARTS);
    return strncmp(path, FETCH_PARTS, len) == 0 && (!path[len] || path[len] == '/');
}

static int make_directories_of(struct fetch *fetch, const struct fetch_item *item, struct error *err)
{
    const char *slash = strrchr(item->path, '/');
    if (is_parts_name(item->path))
        return error_set(err, EPERM, FETCH_PARTS ": that name is runfs's own");
    if (item->node->type == NODE_DIRECTORY)
        return fetch_target_make_directory(&fetch->target, item->path, err);
    _cleanup_free_ char *parent = slash ? strndup(item->path, (size_t)(slash - item->path)) : strdup("");
    return parent ? fetch_target_make_directory(&fetch->target, parent, err)
                  : error_errno(err, ENOMEM, "fetch");
}

/* Reports one failure a directory: further ones of the same message are left out. */
void fetch_make_directories(struct fetch *fetch)
{
    struct error reported = {0};
    size_t count = 0;
    for (size_t i = 0; i < fetch->count; i++) {
        struct error err = {0};
        if (make_directories_of(fetch, &fetch->items[i], &err) == 0) {
            fetch->items[count++] = fetch->items[i];
            continue;
        }
        if (strcmp(err.message, reported.message) != 0)
            fetch_failed(fetch, &err);
        reported = err;
        free(fetch->items[i].path);
    }
    fetch->count = count;
}
