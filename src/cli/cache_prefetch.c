/* runfs cache prefetch: fetches files of a run into the cache, many at once. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/format.h"
#include "base/thread.h"
#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/progress.h"

#define WORKERS_MAX 64

struct prefetch {
    struct run *run;
    struct wait wait;
    const struct node **files; /* owned; the nodes are the tree's, which nothing renews */
    size_t count;
    size_t capacity;
    uint64_t bytes;      /* of all files */
    _Atomic size_t next; /* the file that the next free worker takes */
    _Atomic size_t failed;
    struct progress progress;
};

static int add_file(struct prefetch *prefetch, const struct node *node)
{
    if (prefetch->count == prefetch->capacity) {
        size_t capacity = prefetch->capacity ? 2 * prefetch->capacity : 256;
        const struct node **files = reallocarray(prefetch->files, capacity, sizeof *files);
        if (!files)
            return -ENOMEM;
        prefetch->files = files;
        prefetch->capacity = capacity;
    }
    prefetch->files[prefetch->count++] = node;
    prefetch->bytes += node->size;
    return 0;
}

/* Adds the files at and below NODE. The tree's read lock is held. */
static int add_below(struct prefetch *prefetch, const struct node *node)
{
    int result = 0;
    if (node->type != NODE_DIRECTORY)
        return node->type == NODE_FILE ? add_file(prefetch, node) : 0;
    for (size_t i = 0; result == 0 && i < node->directory->count; i++)
        result = add_below(prefetch, node->directory->children[i]);
    return result;
}

static int add_path(struct prefetch *prefetch, const char *path, struct error *err)
{
    tree_lock_read(run_tree(prefetch->run));
    const struct node *node = tree_find(run_tree(prefetch->run), path);
    int result = node ? add_below(prefetch, node) : -ENOENT;
    tree_unlock(run_tree(prefetch->run));
    return result < 0 ? error_errno(err, -result, "%s", path) : 0;
}

static bool is_here(struct run *run, const struct node *node)
{
    uint64_t here;
    return run_bytes_here(run, node, &here) == 0 && here >= node->size;
}

/* Leaves out what is in the cache already. Returns the bytes of the rest. */
static uint64_t leave_out_present(struct prefetch *prefetch)
{
    size_t count = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < prefetch->count; i++) {
        if (is_here(prefetch->run, prefetch->files[i]))
            continue;
        bytes += prefetch->files[i]->size;
        prefetch->files[count++] = prefetch->files[i];
    }
    prefetch->count = count;
    return bytes;
}

static void fail(struct prefetch *prefetch, const struct error *err)
{
    atomic_fetch_add(&prefetch->failed, 1);
    progress_pause(&prefetch->progress);
    (void)command_failed(err);
    progress_resume(&prefetch->progress);
}

/* Reads all of a file, which keeps it. */
static int fetch(struct prefetch *prefetch, const struct node *node, struct error *err)
{
    struct reader *reader;
    struct loan loan;
    int result = run_open_node(prefetch->run, node, &reader, err);
    if (result < 0)
        return result;
    for (uint64_t offset = 0; result == 0 && offset < reader->size; offset += CACHE_BLOCK_SIZE) {
        result = reader_lend(reader, CACHE_BLOCK_SIZE, offset, &prefetch->wait, &loan, err);
        if (result < 0)
            break;
        progress_add(&prefetch->progress, loan.len);
        loan_release(&loan);
    }
    reader_close(reader);
    return result;
}

static void *work(void *context)
{
    struct prefetch *prefetch = context;
    size_t i;
    while ((i = atomic_fetch_add(&prefetch->next, 1)) < prefetch->count) {
        struct error err = {0};
        if (fetch(prefetch, prefetch->files[i], &err) < 0) {
            fail(prefetch, &err);
            prefetch->files[i] = NULL; /* need not be looked for */
        }
    }
    return NULL;
}

/* As many files at once as there are connections; the caller works, too, so that it goes on where no thread can be had. */
static void work_in_parallel(struct prefetch *prefetch, unsigned connections)
{
    pthread_t threads[WORKERS_MAX];
    unsigned count = 0;
    while (count + 1 < connections && count + 1 < prefetch->count && count < WORKERS_MAX &&
           thread_create(&threads[count], 0, work, prefetch) == 0)
        count++;
    (void)work(prefetch);
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

/* What was read may not have been kept: the disk was full, say. */
static void check_kept(struct prefetch *prefetch)
{
    run_settle(prefetch->run);
    for (size_t i = 0; i < prefetch->count; i++) {
        const struct node *node = prefetch->files[i];
        struct error err = {0};
        if (!node || is_here(prefetch->run, node))
            continue;
        _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_KEY_MAX);
        tree_lock_read(run_tree(prefetch->run));
        (void)tree_path(node, &path);
        tree_unlock(run_tree(prefetch->run));
        (void)error_set(&err, EIO, "%s: fetched, but it could not be kept in %s", strbuf_text(&path),
                        disk_directory(run_disk(prefetch->run)));
        fail(prefetch, &err);
    }
}

static int check_room(const struct prefetch *prefetch, struct error *err)
{
    char wanted[FORMAT_MAX];
    char limit[FORMAT_MAX];
    uint64_t size_max = disk_size_max(run_disk(prefetch->run));
    if (prefetch->bytes <= size_max)
        return 0;
    format_bytes(wanted, prefetch->bytes);
    format_bytes(limit, size_max);
    return error_set(err, ENOSPC, "cache prefetch: %s are more than the cache may take, %s; see cache-size",
                     wanted, limit);
}

static int prefetch_all(struct prefetch *prefetch, const struct cache_request *request, struct error *err)
{
    char all[FORMAT_MAX];
    char fetched[FORMAT_MAX];
    int result = request->count > 1 ? 0 : add_path(prefetch, "", err);
    for (int i = 1; result == 0 && i < request->count; i++)
        result = add_path(prefetch, request->operands[i], err);
    if (result == 0)
        result = check_room(prefetch, err);
    if (result < 0)
        return result;
    size_t files = prefetch->count;
    uint64_t missing = leave_out_present(prefetch);
    progress_begin(&prefetch->progress, missing, request->quiet);
    work_in_parallel(prefetch, request->options.run.connections);
    check_kept(prefetch);
    progress_end(&prefetch->progress);
    if (prefetch->failed)
        return EXIT_FAILED;
    format_bytes(all, prefetch->bytes);
    format_bytes(fetched, missing);
    (void)printf("%zu files, %s, are in the cache, %s of it new\n", files, all, fetched);
    return EXIT_DONE;
}

/* A local run needs no cache. */
static int prefetch_run(struct run *run, const struct cache_request *request, struct error *err)
{
    struct run_stats stats;
    run_stats(run, &stats);
    if (!stats.remote) {
        (void)printf("%s: a local directory: nothing to fetch\n", request->operands[0]);
        return EXIT_DONE;
    }
    if (!stats.has_disk)
        return error_set(err, ENOENT, "cache prefetch: there is no cache to fetch into");
    struct prefetch prefetch = {.run = run, .wait = {.timeout_ms = request->options.run.timeout_ms}};
    int result = prefetch_all(&prefetch, request, err);
    free(prefetch.files);
    return result;
}

int action_prefetch(struct cache_request *request, struct error *err)
{
    struct run *run;
    request->options.run.source = request->operands[0];
    int result = run_open(&request->options.run, &run, err);
    if (result < 0)
        return result;
    result = prefetch_run(run, request, err);
    run_close(run);
    return result;
}
