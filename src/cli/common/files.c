#include "cli/common/files.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/parallel.h"

#define PATH_LIMIT (64U * 1024)

/* Together these keep all connections busy, and fit into memory with what else is on its way. */
#define LARGE_AT_ONCE 4
#define LARGE_AHEAD   (8U * 1024 * 1024)
#define POOL_BYTES    (96U * 1024 * 1024)

bool files_is_artifact(const struct node *node)
{
    const struct runfs_output *output = node->type == NODE_FILE && !node->member ? node->output : NULL;
    return output && strcmp(runfs_output_name(output), "artifact") == 0;
}

int files_add(struct files *files, const struct node *node, void *item)
{
    if (array_room(files->items, files->count, files->capacity) < 0)
        return -ENOMEM;
    files->items[files->count++] = (struct file){node, item};
    files->bytes += node->size;
    return 0;
}

int files_add_below(struct files *files, const struct node *node)
{
    int result = 0;
    if (node->type != NODE_DIRECTORY)
        return node->type == NODE_FILE ? files_add(files, node, NULL) : 0;
    bool beside = node->directory->archive && !node_is_stage(node);
    for (size_t i = 0; result == 0 && !beside && i < node->directory->count; i++)
        result = files_add_below(files, node->directory->children[i]);
    return result;
}

void files_done(struct files *files)
{
    free(files->items);
    *files = (struct files){0};
}

void files_configure(struct run_config *config)
{
    config->no_keep = true;
    config->pool_bytes = POOL_BYTES;
    if (config->readahead > LARGE_AHEAD)
        config->readahead = LARGE_AHEAD;
}

/* Largest first. */
static int compare_files(const void *a, const void *b)
{
    const struct file *first = a;
    const struct file *second = b;
    if (first->node->size != second->node->size)
        return first->node->size > second->node->size ? -1 : 1;
    return 0;
}

struct files_work {
    const struct files *files;
    void (*work)(void *context, const struct file *file);
    void *context;
    size_t large; /* files before it take more than one request each */
    _Atomic size_t next_large;
    _Atomic size_t next_small;
};

/* Few threads take large files: what is fetched ahead of many would push out each other's blocks. */
static void files_worker(void *context, size_t number)
{
    struct files_work *work = context;
    size_t i;
    while (number < LARGE_AT_ONCE && (i = atomic_fetch_add(&work->next_large, 1)) < work->large)
        work->work(work->context, &work->files->items[i]);
    while ((i = atomic_fetch_add(&work->next_small, 1)) < work->files->count)
        work->work(work->context, &work->files->items[i]);
}

void files_each(struct files *files, unsigned connections,
                void (*work)(void *context, const struct file *file), void *context)
{
    struct files_work shared = {.files = files, .work = work, .context = context};
    unsigned workers = connections < LARGE_AT_ONCE ? LARGE_AT_ONCE : connections;
    if (files->count)
        qsort(files->items, files->count, sizeof *files->items, compare_files);
    while (shared.large < files->count && files->items[shared.large].node->size > CACHE_BLOCK_SIZE)
        shared.large++;
    atomic_store(&shared.next_small, shared.large);
    parallel_each(workers, workers, files_worker, &shared);
}

void files_path(struct run *run, const struct node *node, struct strbuf *out)
{
    tree_lock_read(run_tree(run));
    (void)tree_path(node, out);
    tree_unlock(run_tree(run));
}

void files_name_error(struct run *run, const struct node *node, struct error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    files_path(run, node, &path);
    if (!strstr(err->message, strbuf_text(&path)))
        (void)error_prefix(err, -err->code, "%s", strbuf_text(&path));
}
