/* A run, opened; see run.h. */
#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "github/lookup.h"
#include "layout/error.h"
#include "run/runs_internal.h"
#include "run/site.h"
#include "view/merge.h"

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
    assert_may_block("closes a run");
    run_forget_shown(run);
    if (run->tree != run->stored)
        tree_free(run->tree);
    tree_free(run->stored);
    composition_done(&run->composition);
    origins_close(run->origins); /* they use what follows */
    run_close_place(run);
    if (!run->guest) {
        disk_close(run->disk);
        server_free(run->server);
        lookup_close(run->lookup);
    }
    for (int order = 0; order < TREE_ORDERS; order++)
        siblings_done(&run->siblings[order]);
    source_done(&run->source);
    runs_free(run->runs);
    free(run->texts);
    free(run->title);
    free(run->decoded_endpoint);
    runfs_filter_free(run->filter);
    (void)pthread_cond_destroy(&run->settled);
    lock_done(&run->watch_lock);
    free(run);
}

/* A run that is nowhere yet. On failure nothing is left. */
static int new_run(const struct run_config *config, struct run **ret_run, struct error *err)
{
    struct runfs_error failure;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return error_errno(err, ENOMEM, "run");
    run->config = *config;
    run->host = run;
    lock_init(&run->watch_lock, LOCK_LEAF);
    (void)pthread_cond_init(&run->settled, NULL);
    for (int order = 0; order < TREE_ORDERS; order++)
        siblings_init(&run->siblings[order]);
    composition_init(&run->composition);
    atomic_store(&run->listed_at, clock_ms());
    int result = origins_new(run, &run->origins, err);
    if (result == 0)
        result = source_parse(config->source, &run->source, err);
    if (result == 0 && runfs_filter_new(&run->config.artifacts, &run->filter, &failure) < 0)
        result = layout_error(err, &failure);
    run_init_composition(run);
    if (result < 0)
        run_close(run);
    else
        *ret_run = run;
    return result;
}

/* Has the run shown as its view says. */
static int run_show(struct run *run, const struct wait *wait, struct error *err)
{
    struct composition *composition = &run->composition;
    if (!composition->view) {
        run->tree = run->stored;
        return 0;
    }
    int result = view_open_origins(composition->view, &composition->config, &composition->deps, err);
    if (result == 0)
        result = compose_tree(composition, run->stored, wait, &run->tree, err);
    return result < 0 || run->config.view.check ? result : compose_check(composition, err);
}

/* Opens RUN, which is closed on failure. All runs have no view of their own; but what is wrong with the one that each of them will
   have is an error at once. */
static int open_new(struct run *run, const struct wait *wait, struct run **ret_run, struct error *err)
{
    int result = view_load(&run->composition.config, &run->composition.view, err);
    if (result == 0 && run->source.kind == SOURCE_RUNS) {
        view_free(run->composition.view);
        run->composition.view = NULL;
    }
    if (result == 0)
        result = run_open_source(run, wait, err);
    if (result == 0) {
        result = run_show(run, wait, err);
        /* among all runs -ENOENT says that a run is not there; this one is, but not what its view takes */
        if (result == -ENOENT && run->texts)
            result = err ? error_set(err, EIO, "%s: %s", run->title, err->message) : -EIO;
    }
    if (result < 0)
        run_close(run);
    else
        *ret_run = run;
    return result;
}

int run_open(const struct run_config *config, struct run **ret_run, struct error *err)
{
    struct run *run;
    const struct wait wait = {.timeout_ms = config->timeout_ms};
    int result = new_run(config, &run, err);
    return result < 0 ? result : open_new(run, &wait, ret_run, err);
}

/* A run that shares what its host has. */
static int new_guest(const struct run *host, const struct run_config *config, struct run **ret_run,
                     struct error *err)
{
    struct run *run;
    int result = new_run(config, &run, err);
    if (result < 0)
        return result;
    run->guest = true;
    run->unstaged = host->unstaged || host->runs;
    run->environment = host->runs ? &host->runs->environment : host->environment;
    run->lookup = host->lookup;
    run->server = host->server;
    run->disk = host->disk;
    *ret_run = run;
    return 0;
}

int run_open_among(struct run *host, const struct run_config *config, char *texts, const struct wait *wait,
                   struct run **ret_run, struct error *err)
{
    struct run *run;
    int result = new_guest(host, config, &run, err);
    if (result < 0) {
        free(texts);
        return result;
    }
    run->texts = texts;
    return open_new(run, wait, ret_run, err);
}

int run_open_guest(struct run *host, const char *source, struct run **ret_run, struct error *err)
{
    struct run *run;
    struct run_config config = host->config;
    const struct wait wait = {.timeout_ms = config.timeout_ms};
    config.source = source;
    config.archives = false;
    config.view = (struct view_config){.artifacts_dir = config.view.artifacts_dir};
    config.site.updated_at = 0; /* of the host's run only */
    int result = new_guest(host, &config, &run, err);
    if (result < 0)
        return result;
    run->host = host;
    return open_new(run, &wait, ret_run, err);
}

int run_resolve(const struct run_config *config, struct runfs_root *ret_root, struct error *err)
{
    _cleanup_source_ struct source source = {0};
    struct lookup *lookup;
    struct places places;
    int result = source_parse(config->source, &source, err);
    if (result == 0)
        result = site_open_lookup(config, &lookup, err);
    if (result < 0)
        return result;
    const struct wait wait = {.timeout_ms = config->timeout_ms};
    const struct placing placing = {.config = config, .lookup = lookup, .wait = &wait};
    result = places_resolve(&source, &placing, &places, err);
    lookup_close(lookup);
    if (result < 0)
        return result;
    *ret_root = places.roots[0];
    places_done(&places);
    return 0;
}
