/* A run, opened; see run.h. */
#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "layout/error.h"
#include "run/place.h"
#include "run/run_internal.h"

struct tree *run_tree(struct run *run)
{
    return run->tree;
}

const char *run_title(const struct run *run)
{
    return run->title;
}

uint64_t run_listed_at(const struct run *run)
{
    return atomic_load(&run->listed_at);
}

void run_close(struct run *run)
{
    if (!run)
        return;
    run_close_place(run);
    disk_close(run->disk);
    server_free(run->server);
    tree_free(run->tree);
    for (int order = 0; order < TREE_ORDERS; order++)
        siblings_done(&run->siblings[order]);
    free(run->title);
    free(run->decoded_endpoint);
    runfs_filter_free(run->filter);
    free(run);
}

static int set_filter(struct run *run, const struct run_config *config, struct error *err)
{
    struct runfs_error failure;
    return runfs_filter_new(&config->artifacts, &run->filter, &failure) < 0 ? layout_error(err, &failure) : 0;
}

int run_open(const struct run_config *config, struct run **ret_run, struct error *err)
{
    _cleanup_source_ struct source source = {0};
    int result = source_parse(config->source, &source, err);
    if (result < 0)
        return result;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return error_errno(err, ENOMEM, "run");
    run->note = config->note;
    run->readahead = config->readahead;
    run->connections = config->connections;
    run->refresh_ms = config->refresh_ms;
    run->offline = config->offline;
    run->no_keep = config->no_keep;
    run->verify = config->verify;
    run->show_archives = config->archives;
    run->timeout_ms = config->timeout_ms;
    for (int order = 0; order < TREE_ORDERS; order++)
        siblings_init(&run->siblings[order]);
    atomic_store(&run->listed_at, clock_ms());
    result = set_filter(run, config, err);
    if (result == 0)
        result = run_open_source(run, config, &source, err);
    if (result < 0) {
        run_close(run);
        return result;
    }
    *ret_run = run;
    return 0;
}

/* NODE as an object of the store; PATH holds its key. The tree's read lock must be held. */
int run_object(const struct node *node, struct strbuf *path, struct object *ret_object)
{
    int result = tree_path(node, path);
    if (result < 0)
        return result;
    *ret_object = (struct object){
        .key = strbuf_text(path),
        .key_len = path->len,
        .etag = node_etag(node),
        .size = node->size,
        .mtime_ns = node->mtime_ns,
    };
    return 0;
}

int run_open_object(struct run *run, const struct object *object, struct reader **ret_reader,
                    struct error *err)
{
    if (run->store && run->store->ops->open)
        return run->store->ops->open(run->store, object, ret_reader, err);
    return cache_reader_open(run->cache, object, ret_reader, err);
}

int run_open_node(struct run *run, const struct node *node, struct reader **ret_reader, struct error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUN_PATH_LIMIT);
    struct object object;
    tree_lock_read(run->tree);
    bool member = node->member;
    const char *problem = node_problem(node);
    int result = node->detached ? -ESTALE : problem ? error_set(err, EIO, "%s", problem) : 0;
    if (result == 0)
        result = member ? run_open_member(node, ret_reader, err) : run_object(node, &path, &object);
    tree_unlock(run->tree);
    if (result == -ESTALE)
        return error_set(err, ESTALE, "%s: the file has been replaced", node_name(node));
    return result < 0 || member ? result : run_open_object(run, &object, ret_reader, err);
}

int run_bytes_here(struct run *run, const struct node *node, uint64_t *ret_bytes)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUN_PATH_LIMIT);
    struct object object;
    if (!run->cache || node->type != NODE_FILE || node->member)
        return -ENODATA;
    tree_lock_read(run->tree);
    int result = run_object(node, &path, &object);
    tree_unlock(run->tree);
    if (result == 0)
        *ret_bytes = cache_bytes_here(run->cache, &object);
    return result;
}

void run_settle(struct run *run)
{
    if (run->cache)
        cache_settle(run->cache);
}

struct disk *run_disk(struct run *run)
{
    return run->disk;
}

void run_stats(struct run *run, struct run_stats *ret_stats)
{
    *ret_stats = (struct run_stats){.remote = run->cache, .has_disk = run->disk};
    if (run->cache)
        cache_stats(run->cache, &ret_stats->cache);
    if (run->disk)
        disk_stats(run->disk, &ret_stats->disk);
    ret_stats->has_archives = run->archives;
    if (run->archives)
        archives_stats(run->archives, &ret_stats->archives);
    ret_stats->has_store = run->store && run->store->ops->stats;
    if (ret_stats->has_store)
        run->store->ops->stats(run->store, &ret_stats->store);
}

/* Appends the key below the run's root that NODE shows; an archive's directory shows the archive. */
static int add_key(const struct node *node, struct strbuf *out)
{
    if (tree_archive_of(node) != node)
        return tree_path(node, out);
    int result = tree_path(node->parent, out);
    strbuf_addf(out, "%s%s", node->parent->parent ? "/" : "", node_link(node));
    return result < 0 ? result : -out->failed;
}

int run_locate(struct run *run, const struct node *node, enum run_form form, struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_KEY_MAX);
    _cleanup_free_ char *text = NULL;
    struct runfs_location location;
    if (run->local || node->member)
        return -ENODATA;
    strbuf_adds(&path, run->root.prefix);
    if (path.len && node->parent)
        strbuf_adds(&path, "/");
    int result = add_key(node, &path);
    if (result < 0)
        return result;
    (void)snprintf(location.bucket, sizeof location.bucket, "%s", run->root.bucket);
    (void)snprintf(location.path, sizeof location.path, "%s", strbuf_text(&path));
    result = form == RUN_S3_URI ? runfs_location_s3_uri(&location, &text, NULL)
                                : runfs_location_https_url(&location, &text, NULL);
    if (result == 0)
        strbuf_adds(out, text);
    return result < 0 ? result : -out->failed;
}

int run_resolve(const struct run_config *config, struct runfs_root *ret_root, struct error *err)
{
    _cleanup_source_ struct source source = {0};
    struct places places;
    int result = source_parse(config->source, &source, err);
    if (result == 0)
        result = places_resolve(&source, config, false, &places, err);
    if (result < 0)
        return result;
    *ret_root = places.roots[0];
    places_done(&places);
    return 0;
}
