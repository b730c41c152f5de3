/* Opening a run: from its places the one where something is stored, with store and cache; see run_internal.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_chain.h"
#include "disk/disk.h"
#include "github/github.h"
#include "github/lookup.h"
#include "run/runs_internal.h"
#include "run/site.h"
#include "store/local.h"
#include "view/bind.h"

#define POOL_BYTES (40U * 1024 * 1024)

void run_close_place(struct run *run)
{
    archives_close(run->archives); /* they read by way of the cache */
    run->archives = NULL;
    store_close(run->store);
    cache_close(run->cache);
    free(run->prefix);
    run->store = NULL;
    run->cache = NULL;
    run->prefix = NULL;
}

static int set_title(struct run *run, const char *directory, struct error *err)
{
    free(run->title);
    if (directory)
        run->title = strdup(directory);
    else if (asprintf(&run->title, "s3://%s/%s", run->root.bucket, run->root.prefix) < 0)
        run->title = NULL;
    return run->title ? 0 : error_errno(err, ENOMEM, "run");
}

/* The prefix is, as stores and scopes have it, "" or ends in '/'. */
static int set_place(struct run *run, const struct runfs_root *root, struct error *err)
{
    run->root = *root;
    if (asprintf(&run->prefix, "%s%s", root->prefix, root->prefix[0] ? "/" : "") < 0) {
        run->prefix = NULL;
        return error_errno(err, ENOMEM, "run");
    }
    return set_title(run, NULL, err);
}

/* Opens the store of an S3 place, unless offline, and the cache over it. */
static int open_store(struct run *run, struct error *err)
{
    int result = 0;
    struct cache_config cache = {
        .pool_bytes = run->config.pool_bytes ? run->config.pool_bytes : POOL_BYTES,
        .readahead = run->config.readahead,
        .connections = run->config.connections,
        .disk = run->disk,
        .scope = run_scope(run),
        .no_keep = run->config.no_keep,
        .offline = run->config.offline,
    };
    if (!run->config.offline)
        result =
            server_open_store(run->server, &run->source, run->root.bucket, run->prefix, &run->store, err);
    if (result == 0)
        result = cache_open(&cache, run->store, &run->cache, err);
    return result < 0 ? result : run_open_archives(run, err);
}

/* Opens one S3 place, as its server lists it now. *RET_FOUND is false where nothing is stored there. */
static int open_place(struct run *run, const struct runfs_root *root, const struct wait *wait,
                      bool *ret_found, struct error *err)
{
    int result = set_place(run, root, err);
    if (result == 0)
        result = open_store(run, err);
    if (result == 0)
        result = run_list(run, clock_ms(), wait, &run->stored, err);
    *ret_found = result == 0 && (!run_is_empty(run->stored) || !root->prefix[0]);
    return result;
}

/* Opens one S3 place from its listing on disk; -ENOENT where none is there that is new enough. */
static int open_listed(struct run *run, const struct runfs_root *root)
{
    uint64_t now = clock_ms();
    uint64_t since = now > run->config.refresh_ms ? now - run->config.refresh_ms : 0;
    int result = set_place(run, root, NULL);
    if (result == 0)
        result = run_list_kept(run, since, &run->stored);
    return result < 0 ? result : open_store(run, NULL);
}

static void leave_place(struct run *run)
{
    tree_free(run->stored);
    run->stored = NULL;
    run_close_place(run);
}

/* Opens the place whose listing is on disk and new enough, if there is one: then no server need be asked. */
static bool open_listed_place(struct run *run, const struct places *places)
{
    for (size_t i = 0; run->disk && i < places->count; i++) {
        if (open_listed(run, &places->roots[i]) == 0) {
            if (i)
                run_note_chosen(&run->config, run->title, run->root.reason);
            return true;
        }
        leave_place(run);
    }
    return false;
}

/* Tries the computed place first; where nothing is there, the others that the layout names for it. A missing
   bucket is an empty place then. */
static int open_places(struct run *run, const struct places *places, const struct wait *wait,
                       struct error *err)
{
    const struct runfs_root *first = &places->roots[0];
    if (open_listed_place(run, places))
        return 0;
    if (run->config.offline)
        return error_set(err, ENOENT, "s3://%s/%s: offline, and its listing is not in the cache %s",
                         first->bucket, first->prefix,
                         run->disk ? disk_directory(run->disk) : "(there is none)");
    for (size_t i = 0; i < places->count; i++) {
        bool found;
        int result = open_place(run, &places->roots[i], wait, &found, err);
        if (found) {
            if (i)
                run_note_chosen(&run->config, run->title, run->root.reason);
            return 0;
        }
        if (result < 0 && (result != -ENOENT || places->count == 1))
            return result;
        leave_place(run);
    }
    return error_set(err, ENOENT, "%s: no such run: nothing is stored at s3://%s/%s%s", run->config.source,
                     first->bucket, first->prefix, places->count > 1 ? " nor where older runs are" : "");
}

/* A cache that cannot be used is no reason not to go on; only offline there is nothing without it. */
static int open_disk(struct run *run, struct error *err)
{
    char why[ERROR_MESSAGE_MAX + 64];
    struct disk_config config = run->config.disk;
    config.make = true;
    config.note = run->config.note;
    int result = run->guest || run->config.no_cache ? 0 : cache_dir_open(&config, &run->disk, err);
    if (result == 0 || run->config.offline)
        return result;
    (void)snprintf(why, sizeof why, "%s; going on without keeping anything on disk", err->message);
    if (run->config.note)
        run->config.note("mount", why);
    return 0;
}

/* Whether one of the runs bound is not on this machine. */
static bool binds_are_remote(const struct run_config *config)
{
    const char *staging = getenv("THEROCK_LOCAL_STAGING_DIR");
    bool remote = false;
    for (size_t i = 0; !remote && i < config->view.bind_count; i++) {
        _cleanup_source_ struct source source = {0};
        if (source_parse(bind_source(config->view.binds[i]), &source, NULL) < 0)
            continue; /* another name; or opening it fails and says why */
        remote = source.kind == SOURCE_S3 || (source.kind != SOURCE_LOCAL && !(staging && staging[0]));
    }
    return remote;
}

/* Takes from the environment what servers are asked with, for the run itself (REMOTE) and its guests, and wipes it there: the
   environment can be seen in /proc. */
static int open_server(struct run *run, bool remote, struct error *err)
{
    int result = 0;
    bool wipe = !run->config.site.keep_environment;
    if (run->guest)
        return 0;
    if (remote || binds_are_remote(&run->config))
        result = server_resolve(&run->config, &run->server, err);
    else if (wipe)
        aws_environment_wipe();
    if (wipe)
        github_environment_wipe(); /* not before a credential_process, which may need them */
    return result;
}

/* Of a local run only decoded archives are worth keeping. */
static int open_local(struct run *run, const char *directory, const struct wait *wait, struct error *err)
{
    run->local = true;
    int result = open_server(run, false, err);
    if (result == 0)
        result = local_open(directory, run->config.note, &run->store, err);
    if (result == 0)
        result = set_title(run, directory, err);
    /* however it was named, what is kept of it is the same */
    if (result == 0 && !(run->prefix = realpath(directory, NULL)))
        result = error_errno(err, errno, "%s", directory);
    if (result == 0 && (run->config.archives || run->composition.view))
        result = open_disk(run, err);
    if (result == 0)
        result = run_open_archives(run, err);
    return result < 0 ? result : run_list(run, clock_ms(), wait, &run->stored, err);
}

/* All runs: what each of them will need, and a tree without any. */
static int open_many(struct run *run, struct error *err)
{
    if (!run->config.many)
        return error_set(err, EINVAL, "runs: all of them can only be mounted; name one, as 12345678901");
    int result = runs_new(run, &run->config, &run->runs, err);
    if (result == 0)
        result = open_server(run, true, err);
    if (result == 0)
        result = open_disk(run, err);
    if (result == 0)
        result = set_title(run, run->config.source, err);
    if (result == 0)
        result = tree_new(NULL, &run->stored, err);
    if (result == 0)
        tree_finish(run->stored);
    return result;
}

int run_open_source(struct run *run, const struct wait *wait, struct error *err)
{
    struct places places;
    int result = run->guest ? 0 : site_open_lookup(&run->config, &run->lookup, err);
    if (result < 0 || run->source.kind == SOURCE_RUNS)
        return result < 0 ? result : open_many(run, err);
    const struct placing placing = {.config = &run->config,
                                    .environment = run->environment,
                                    .lookup = run->lookup,
                                    .wait = wait,
                                    .local = !run->unstaged};
    result = places_resolve(&run->source, &placing, &places, err);
    if (result < 0)
        return result;
    run->root = places.roots[0];
    if (places.directory)
        result = open_local(run, places.directory, wait, err);
    else if ((result = open_server(run, true, err)) == 0 && (result = open_disk(run, err)) == 0)
        result = open_places(run, &places, wait, err);
    places_done(&places);
    return result;
}
