/* runfs cache prefetch: fetches files of a run into the cache, many at once. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/format.h"
#include "base/parallel.h"
#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/common/files.h"
#include "cli/common/progress.h"

struct prefetch {
    struct command_run *source; /* open */
    struct files files;
    _Atomic size_t failed;
    struct progress progress;
};

/* Has what a view composes below NODE there. Directories beside archives are not looked into. */
static int compose_below(struct prefetch *prefetch, struct node *node, struct error *err)
{
    int result = node_is_stage(node)
                     ? run_populate(prefetch->source->run, node, NULL, &prefetch->source->wait, err)
                     : 0;
    if (node->type != NODE_DIRECTORY || !tree_is_populated(node))
        return result;
    for (size_t i = 0; result == 0 && i < node->directory->count; i++)
        result = compose_below(prefetch, node->directory->children[i], err);
    return result;
}

/* Nothing renews the tree: nodes stay. */
static int add_prefetch_path(struct prefetch *prefetch, const char *path, struct error *err)
{
    struct node *node;
    int result = run_find(prefetch->source->run, path, &prefetch->source->wait, &node, err);
    if (result == 0)
        result = compose_below(prefetch, node, err);
    if (result < 0)
        return result;
    result = files_add_below(&prefetch->files, node);
    return result < 0 ? error_errno(err, -result, "%s", path) : 0;
}

static bool is_cached(struct run *run, const struct node *node)
{
    uint64_t here;
    return run_bytes_here(run, node, &here) == 0 && here >= node->size;
}

/* Leaves out what is in the cache already. Returns the bytes of the rest. */
static uint64_t leave_out_present(struct prefetch *prefetch)
{
    struct files *files = &prefetch->files;
    size_t count = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (is_cached(prefetch->source->run, files->items[i].node))
            continue;
        bytes += files->items[i].node->size;
        files->items[count++] = files->items[i];
    }
    files->count = count;
    return bytes;
}

static void prefetch_failed(struct prefetch *prefetch, const struct error *err)
{
    atomic_fetch_add(&prefetch->failed, 1);
    progress_failed(&prefetch->progress, err);
}

static int count_bytes(void *context, const void *bytes, size_t len, struct error *err)
{
    (void)bytes, (void)err;
    progress_add(context, len);
    return 0;
}

/* Reads all of a file, which the cache keeps then. */
static void prefetch_one(void *context, size_t index)
{
    struct prefetch *prefetch = context;
    const struct node **node = &prefetch->files.items[index].node;
    struct error err = {0};
    if (command_run_read(prefetch->source, *node, 0, count_bytes, &prefetch->progress, &err) < 0) {
        prefetch_failed(prefetch, &err);
        *node = NULL; /* need not be looked for */
    }
}

/* Reports files that were read but not kept, for example because the disk was full. */
static void check_kept(struct prefetch *prefetch)
{
    run_settle(prefetch->source->run);
    for (size_t i = 0; i < prefetch->files.count; i++) {
        const struct node *node = prefetch->files.items[i].node;
        struct error err = {0};
        if (!node || node->member || is_cached(prefetch->source->run, node)) /* of members it is not known */
            continue;
        _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_KEY_MAX);
        files_path(prefetch->source->run, node, &path);
        (void)error_set(&err, EIO, "%s: fetched, but it could not be kept in %s", strbuf_text(&path),
                        disk_directory(run_disk(prefetch->source->run)));
        prefetch_failed(prefetch, &err);
    }
}

static int check_room(const struct prefetch *prefetch, struct error *err)
{
    char wanted[FORMAT_MAX];
    char limit[FORMAT_MAX];
    uint64_t size_max = disk_size_max(run_disk(prefetch->source->run));
    if (prefetch->files.bytes <= size_max)
        return 0;
    format_bytes(wanted, prefetch->files.bytes);
    format_bytes(limit, size_max);
    return error_set(err, ENOSPC, "cache prefetch: %s are more than the cache may take, %s; see cache-size",
                     wanted, limit);
}

static int prefetch_all(struct prefetch *prefetch, const struct cache_request *request, struct error *err)
{
    char all[FORMAT_MAX];
    char fetched[FORMAT_MAX];
    int result = request->count > 1 ? 0 : add_prefetch_path(prefetch, "", err);
    for (int i = 1; result == 0 && i < request->count; i++)
        result = add_prefetch_path(prefetch, request->operands[i], err);
    if (result == 0)
        result = check_room(prefetch, err);
    if (result < 0)
        return result;
    size_t files = prefetch->files.count;
    uint64_t missing = leave_out_present(prefetch);
    progress_begin(&prefetch->progress, missing, request->source.quiet);
    parallel_each(prefetch->files.count, request->source.options.run.connections, prefetch_one, prefetch);
    check_kept(prefetch);
    progress_end(&prefetch->progress);
    if (prefetch->failed)
        return EXIT_FAILED;
    format_bytes(all, prefetch->files.bytes);
    format_bytes(fetched, missing);
    (void)printf("%zu files, %s, are in the cache, %s of it new\n", files, all, fetched);
    return EXIT_DONE;
}

int action_prefetch(struct cache_request *request, struct error *err)
{
    struct prefetch prefetch = {.source = &request->source};
    struct run_stats stats;
    int result = command_run_open(&request->source, request->operands[0], err);
    if (result < 0)
        return result;
    run_stats(request->source.run, &stats);
    if (!stats.has[PART_REMOTE]) {
        (void)printf("%s: a local directory: nothing to fetch\n", request->operands[0]);
        return EXIT_DONE;
    }
    if (!stats.has[PART_DISK])
        return error_set(err, ENOENT, "cache prefetch: there is no cache to fetch into");
    result = prefetch_all(&prefetch, request, err);
    files_done(&prefetch.files);
    return result;
}
