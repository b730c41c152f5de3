/* What all runs are opened with, and where each of them may be. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "disk/listing.h"
#include "run/runs_internal.h"
#include "run/site.h"
#include "view/bind.h"

#define NAME_BYTES_MAX 512
#define POOL_BYTES     (16U * 1024 * 1024) /* in memory, of each run that is open */

/* TEXT whose rest from PATH on is a path, as one with the full path; owned. */
static int make_absolute(const char *text, const char *path, char **ret_text, struct error *err)
{
    _cleanup_free_ char *full = realpath(path, NULL);
    if (!full)
        return error_errno(err, errno, "%s", path);
    if (asprintf(ret_text, "%.*s%s", (int)(path - text), text, full) < 0) {
        *ret_text = NULL;
        return error_errno(err, ENOMEM, "%s", path);
    }
    return 0;
}

static int settle_bind(struct runs *runs, const char *bind, struct error *err)
{
    const char *source = bind_source(bind);
    char **kept = &runs->binds[runs->bind_count];
    int result = source[0] == '.' ? make_absolute(bind, source, kept, err) : 0;
    if (result == 0 && !*kept && !(*kept = strdup(bind)))
        result = error_errno(err, ENOMEM, "%s", bind);
    runs->bind_count += result == 0;
    return result;
}

int runs_settle_source(struct runs *runs, struct run_config *config, struct error *err)
{
    struct view_config *view = &config->view;
    int result = site_read_environment(&runs->environment, err);
    if (result < 0)
        return result;
    runs->binds = calloc(view->bind_count + 1, sizeof(char *));
    if (!runs->binds)
        return error_errno(err, ENOMEM, "runs");
    if (view->kind == VIEW_TABLE)
        result = make_absolute(view->table, view->table, &runs->table, err);
    for (size_t i = 0; result == 0 && i < view->bind_count; i++)
        result = settle_bind(runs, view->binds[i], err);
    view->table = runs->table;
    view->binds = (const char *const *)runs->binds;
    return result;
}

void runs_free_source(struct runs *runs)
{
    for (size_t i = 0; i < runs->bind_count; i++)
        free(runs->binds[i]);
    free(runs->binds);
    free(runs->table);
}

static bool is_run(const char *path)
{
    struct runfs_prefix parts;
    return runfs_prefix_parse(path, NULL, &parts, NULL) == 0 && parts.run.platform != RUNFS_PLATFORM_UNSAID &&
           isdigit((unsigned char)parts.run.id[0]);
}

/* Names that were to be a run's are no level: no server is asked for "0123-linux", "123-macos" or "local-linux". */
static bool is_like_run(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    const char *dash = strchr(name, '-');
    return name[digits] == '-' ||
           (dash && runfs_platform_parse(dash + 1, &(enum runfs_platform){0}, NULL) == 0);
}

enum runs_form runs_form_of(const char *path)
{
    char run[NAME_BYTES_MAX];
    if (!isalnum((unsigned char)path[0]) || strlen(path) > NAME_BYTES_MAX / 2)
        return RUNS_NOTHING;
    if (is_run(path))
        return RUNS_RUN;
    (void)snprintf(run, sizeof run, "%s/1-linux", path);
    return !strchr(path, '/') && !is_like_run(path) && is_run(run) ? RUNS_LEVEL : RUNS_NOTHING;
}

/* A configuration for run NAME, with its strings. Below a level OWNER-REPO the repository is any that is written so: where the two
   are parted makes no difference to the rules. */
static char *configure(const struct run *host, const char *name, struct run_config *ret_config)
{
    char *texts = strdup(name);
    char *slash = texts ? strchr(texts, '/') : NULL;
    *ret_config = host->config;
    ret_config->many = false;
    ret_config->chosen = NULL;
    ret_config->view.conflict = NULL;
    ret_config->pool_bytes = POOL_BYTES;
    ret_config->source = texts;
    if (slash) {
        *slash = '\0';
        *strchr(texts, '-') = '/';
        ret_config->site.repository = texts;
        ret_config->site.fork = true; /* in an external bucket */
        ret_config->source = slash + 1;
    }
    return texts;
}

int runs_open_name(struct runs *runs, const char *name, const struct wait *wait, struct run **ret_run,
                   struct error *err)
{
    struct run_config config;
    char *texts = configure(runs->host, name, &config);
    return texts ? run_open_among(runs->host, &config, texts, wait, ret_run, err)
                 : error_errno(err, ENOMEM, "%s", name);
}

/* The places where run NAME may be, by the options alone. */
static int find_places(const struct runs *runs, const char *name, struct places *ret_places,
                       struct error *err)
{
    struct run_config config;
    _cleanup_source_ struct source source = {0};
    _cleanup_free_ char *texts = configure(runs->host, name, &config);
    const struct placing placing = {.config = &config, .environment = &runs->environment};
    if (!texts)
        return error_errno(err, ENOMEM, "%s", name);
    config.site.lookup = false;
    int result = source_parse(config.source, &source, err);
    return result < 0 ? result : places_resolve(&source, &placing, ret_places, err);
}

/* Ends a listing at its first object. */
static int stop_listing(void *context, const struct object *object, struct error *err)
{
    (void)object, (void)err;
    *(bool *)context = true;
    return -ECANCELED;
}

/* Whether anything is stored below PREFIX. A bucket that is missing has nothing. */
static int look_below(struct run *host, const char *bucket, const char *prefix, const struct wait *wait,
                      bool *ret_found, struct error *err)
{
    static const char *const no_subtrees[] = {NULL};
    const struct source source = {.kind = SOURCE_RUNS};
    struct store *store;
    bool found = false;
    int result = server_open_store(host->server, &source, bucket, prefix, &store, err);
    if (result < 0)
        return result;
    result = store->ops->list(store, no_subtrees, stop_listing, &found, wait, err);
    store_close(store);
    *ret_found = found;
    return found || result == -ENOENT ? 0 : result;
}

int runs_find_level(struct runs *runs, const char *name, const struct wait *wait, struct error *err)
{
    char run[NAME_BYTES_MAX];
    char level[NAME_BYTES_MAX];
    struct run *host = runs->host;
    struct places places;
    bool found = false;
    const char *key_prefix = host->config.site.key_prefix ? host->config.site.key_prefix : "";
    size_t len = strlen(key_prefix);
    (void)snprintf(run, sizeof run, "%s/1-linux", name);
    (void)snprintf(level, sizeof level, "%s%s%s/", key_prefix, len && key_prefix[len - 1] != '/' ? "/" : "",
                   name);
    int result = host->config.offline ? error_errno(err, ENOENT, "%s: offline", name)
                                      : find_places(runs, run, &places, err);
    if (result < 0)
        return result;
    for (size_t i = 0; result == 0 && !found && i < places.count; i++)
        if (strncmp(places.roots[i].prefix, level, strlen(level)) == 0)
            result = look_below(host, places.roots[i].bucket, level, wait, &found, err);
    places_done(&places);
    return result < 0 || found ? result : error_errno(err, ENOENT, "%s", name);
}

/* What is found in the cache. */
struct search {
    const struct runs *runs;
    runs_cached_fn fn;
    void *context;
};

/* Whether run NAME is looked for in this very place. */
static bool is_place_of(const struct runs *runs, const char *name, const char *bucket, const char *prefix)
{
    struct places places;
    bool is_one = false;
    if (find_places(runs, name, &places, NULL) < 0)
        return false;
    for (size_t i = 0; i < places.count; i++)
        is_one = is_one ||
                 (strcmp(places.roots[i].bucket, bucket) == 0 && strcmp(places.roots[i].prefix, prefix) == 0);
    places_done(&places);
    return is_one;
}

static void look_at_listing(void *context, const struct cache_scope *scope, uint64_t began_ms)
{
    const struct search *search = context;
    const struct run *host = search->runs->host;
    struct runfs_prefix parts;
    char name[NAME_BYTES_MAX];
    char prefix[RUNFS_KEY_MAX + 1];
    size_t len = strlen(scope->prefix);
    if (strcmp(scope->endpoint, server_endpoint(host->server)) != 0 || len < 2 || len > RUNFS_KEY_MAX)
        return;
    (void)snprintf(prefix, sizeof prefix, "%.*s", (int)len - 1, scope->prefix); /* the last byte is '/' */
    if (runfs_prefix_parse(prefix, host->config.site.key_prefix, &parts, NULL) < 0 ||
        parts.external_repo.len > NAME_BYTES_MAX / 2)
        return;
    bool old = parts.run.platform == RUNFS_PLATFORM_UNSAID;
    (void)snprintf(name, sizeof name, "%.*s%s%s-%s", (int)parts.external_repo.len,
                   parts.external_repo.text ? parts.external_repo.text : "",
                   parts.external_repo.text ? "/" : "", parts.run.id,
                   runfs_platform_name(old ? RUNFS_PLATFORM_LINUX : parts.run.platform));
    if (runs_form_of(name) == RUNS_RUN && is_place_of(search->runs, name, scope->bucket, prefix))
        search->fn(search->context, name, began_ms);
}

void runs_each_cached(struct runs *runs, runs_cached_fn fn, void *context)
{
    struct search search = {runs, fn, context};
    const struct run *host = runs->host;
    if (host->disk)
        listing_each(host->disk, host->config.offline ? NULL : server_access(host->server), look_at_listing,
                     &search);
}
