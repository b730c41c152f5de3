/* A run, opened; see run.h. */
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cache/cache.h"
#include "cache/listing.h"
#include "run/keep.h"
#include "run/place.h"
#include "run/server.h"
#include "run/siblings.h"
#include "store/aws_environment.h"
#include "store/local.h"

#define POOL_BYTES   (40U * 1024 * 1024)
#define SUBTREES_MAX 32
#define PATH_LIMIT   (64U * 1024)

struct run {
    struct server *server; /* NULL for a local run */
    struct store *store;   /* NULL where offline */
    struct disk *disk;     /* NULL for a local run, and where nothing is kept on disk */
    struct cache *cache;   /* NULL for a local run */
    struct tree *tree;
    struct siblings siblings[TREE_ORDERS];
    struct runfs_root root;
    bool local;
    char *title; /* owned */
    void (*note)(const char *what, const char *why);
    uint64_t readahead; /* bytes */
    unsigned connections;
    uint64_t refresh_ms;
    bool offline;
    char *prefix;     /* owned: the store's, as the cache's scope */
    uint64_t hidden;  /* keys not shown, by the last listing */
    uint64_t markers; /* directory markers whose content is not shown */
    _Atomic uint64_t listed_at;
};

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

static int add_object(void *context, const struct object *object, struct error *err)
{
    struct tree_entry entry = {
        .key = object->key,
        .key_len = object->key_len,
        .etag = object->etag,
        .link = object->link,
        .size = object->size,
        .mtime_ns = object->mtime_ns,
    };
    return tree_add(context, &entry, err);
}

/* The layout's known subtrees as the store wants them: strings, sorted. */
struct subtrees {
    char text[SUBTREES_MAX][32];
    const char *sorted[SUBTREES_MAX + 1];
};

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void load_subtrees(struct subtrees *subtrees)
{
    size_t count = 0;
    struct runfs_span span;
    while (count < SUBTREES_MAX && (span = runfs_subtree_at(count)).text) {
        (void)snprintf(subtrees->text[count], sizeof subtrees->text[count], "%.*s", (int)span.len, span.text);
        subtrees->sorted[count] = subtrees->text[count];
        count++;
    }
    qsort(subtrees->sorted, count, sizeof(char *), compare_text);
    subtrees->sorted[count] = NULL;
}

/* Says how many keys are not shown as they are, when that is news: with the first listing, and when it
 * changes. */
static void note_hidden(struct run *run, struct tree *tree)
{
    struct tree_totals totals = tree_totals(tree);
    uint64_t hidden = 0;
    char text[160];
    for (int fate = TREE_SHADOWED; fate < TREE_FATES; fate++)
        hidden += totals.fates[fate];
    uint64_t markers = totals.fates[TREE_MARKER_CONTENT];
    bool news = hidden != run->hidden || markers != run->markers;
    run->hidden = hidden;
    run->markers = markers;
    if (!news || !run->note)
        return;
    (void)snprintf(text, sizeof text,
                   "%" PRIu64 " keys are not shown, %" PRIu64 " directory markers without their content",
                   hidden, markers);
    run->note(run->title, text);
}

static bool is_empty(struct tree *tree)
{
    struct tree_totals totals = tree_totals(tree);
    uint64_t keys = 0;
    for (int fate = 0; fate < TREE_FATES; fate++)
        keys += totals.fates[fate];
    return keys == 0;
}

/* Where the run's objects and its listing are in the cache. */
static struct cache_scope scope_of(const struct run *run)
{
    return (struct cache_scope){server_endpoint(run->server), run->root.bucket, run->prefix};
}

/* Keeps on disk what is listed. */
struct keeping {
    struct tree *tree;
    struct listing_writer *writer; /* NULL: not kept */
};

static int add_and_keep(void *context, const struct object *object, struct error *err)
{
    struct keeping *keeping = context;
    if (keeping->writer)
        listing_writer_add(keeping->writer, object);
    return add_object(keeping->tree, object, err);
}

static int list_store(struct run *run, struct tree *tree, const struct wait *wait, struct error *err)
{
    struct subtrees subtrees;
    struct cache_scope scope = run->local ? (struct cache_scope){0} : scope_of(run);
    struct keeping keeping = {.tree = tree};
    uint64_t began_ms = clock_real_ms();
    load_subtrees(&subtrees);
    if (run->disk)
        keeping.writer = listing_writer_open(run->disk, &scope, server_access(run->server));
    int result = run->store->ops->list(run->store, subtrees.sorted, add_and_keep, &keeping, wait, err);
    /* a run that is not there yet may be there at the next look */
    listing_writer_close(keeping.writer, result == 0 && !is_empty(tree) ? began_ms : 0);
    return result;
}

/* Fills TREE from the listing on disk, where that began at SINCE_MS (1970) or later. -ENOENT where there is none. */
static int list_disk(struct run *run, struct tree *tree, uint64_t since_ms, uint64_t *ret_began_ms)
{
    struct cache_scope scope = scope_of(run);
    const char *access = run->offline ? NULL : server_access(run->server);
    return listing_read(run->disk, &scope, access, since_ms, add_object, tree, ret_began_ms, NULL);
}

/* From the clock that listings on disk know to the one that waits use. */
static uint64_t monotonic_of(uint64_t real_ms)
{
    uint64_t ago = clock_real_ms() - real_ms;
    uint64_t now = clock_ms();
    return ago < now ? now - ago : 0;
}

static uint64_t real_of(uint64_t monotonic_ms)
{
    uint64_t now = clock_ms();
    uint64_t ago = monotonic_ms < now ? now - monotonic_ms : 0;
    return clock_real_ms() - ago;
}

static void finish_tree(struct run *run, struct tree *tree, uint64_t began)
{
    tree_finish(tree);
    note_hidden(run, tree);
    atomic_store(&run->listed_at, run->offline ? clock_ms() : began);
}

/* A tree from a listing on disk that began after SINCE. Single keys are spoken of for the first listing only. */
static int list_kept(struct run *run, uint64_t since, struct tree **ret_tree)
{
    struct tree *tree;
    uint64_t began_ms = 0;
    int result = run->disk ? tree_new(run->tree ? NULL : run->note, &tree, NULL) : -ENOENT;
    if (result < 0)
        return result;
    result = list_disk(run, tree, run->offline ? 0 : real_of(since), &began_ms);
    if (result < 0) {
        tree_free(tree);
        return result;
    }
    finish_tree(run, tree, monotonic_of(began_ms));
    *ret_tree = tree;
    return 0;
}

/* A tree from a listing that began after SINCE, on disk or by the store. */
static int list_tree(struct run *run, uint64_t since, const struct wait *wait, struct tree **ret_tree,
                     struct error *err)
{
    struct tree *tree;
    if (list_kept(run, since, ret_tree) == 0)
        return 0;
    uint64_t began = clock_ms();
    int result = tree_new(run->tree ? NULL : run->note, &tree, err);
    if (result < 0)
        return result;
    result = list_store(run, tree, wait, err);
    if (result < 0) {
        tree_free(tree);
        return result;
    }
    finish_tree(run, tree, began);
    *ret_tree = tree;
    return 0;
}

int run_refresh(struct run *run, uint64_t since, const struct wait *wait, struct error *err)
{
    struct tree *fresh;
    if (run->offline) {
        atomic_store(&run->listed_at, clock_ms());
        return 0;
    }
    int result = list_tree(run, since, wait, &fresh, err);
    if (result < 0)
        return result;
    tree_renew(run->tree, fresh);
    return 0;
}

static void close_store(struct run *run)
{
    store_close(run->store);
    cache_close(run->cache);
    free(run->prefix);
    run->store = NULL;
    run->cache = NULL;
    run->prefix = NULL;
}

void run_close(struct run *run)
{
    if (!run)
        return;
    close_store(run);
    disk_close(run->disk);
    server_free(run->server);
    tree_free(run->tree);
    for (int order = 0; order < TREE_ORDERS; order++)
        siblings_done(&run->siblings[order]);
    free(run->title);
    free(run);
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

static int open_local(struct run *run, const char *directory, const struct wait *wait, struct error *err)
{
    run->local = true;
    aws_environment_wipe(); /* nothing here needs them, and the environment can be seen in /proc */
    int result = local_open(directory, run->note, &run->store, err);
    if (result == 0)
        result = set_title(run, directory, err);
    return result < 0 ? result : list_tree(run, clock_ms(), wait, &run->tree, err);
}

/* The prefix as stores and scopes have it: "" or ending in '/'. */
static int set_prefix(struct run *run, struct error *err)
{
    if (asprintf(&run->prefix, "%s%s", run->root.prefix, run->root.prefix[0] ? "/" : "") >= 0)
        return 0;
    run->prefix = NULL;
    return error_errno(err, ENOMEM, "run");
}

static int set_place(struct run *run, const struct runfs_root *root, struct error *err)
{
    run->root = *root;
    int result = set_title(run, NULL, err);
    return result < 0 ? result : set_prefix(run, err);
}

/* Opens the store of an S3 place, unless offline, and the cache over it. */
static int open_store(struct run *run, struct error *err)
{
    int result = 0;
    struct cache_config cache = {
        .pool_bytes = POOL_BYTES,
        .readahead = run->readahead,
        .connections = run->connections,
        .disk = run->disk,
        .scope = scope_of(run),
        .offline = run->offline,
    };
    if (!run->offline)
        result = server_open_store(run->server, run->root.bucket, run->prefix, &run->store, err);
    return result < 0 ? result : cache_open(&cache, run->store, &run->cache, err);
}

/* Opens one S3 place, as its server lists it now. *RET_FOUND is false where nothing is stored there. */
static int open_place(struct run *run, const struct runfs_root *root, const struct wait *wait,
                      bool *ret_found, struct error *err)
{
    int result = set_place(run, root, err);
    if (result == 0)
        result = open_store(run, err);
    if (result == 0)
        result = list_tree(run, clock_ms(), wait, &run->tree, err);
    *ret_found = result == 0 && (!is_empty(run->tree) || !root->prefix[0]);
    return result;
}

/* Opens one S3 place from its listing on disk; -ENOENT where none is there that is new enough. */
static int open_listed(struct run *run, const struct runfs_root *root)
{
    uint64_t now = clock_ms();
    uint64_t since = now > run->refresh_ms ? now - run->refresh_ms : 0;
    int result = set_place(run, root, NULL);
    if (result == 0)
        result = list_kept(run, since, &run->tree);
    return result < 0 ? result : open_store(run, NULL);
}

static int no_such_run(const struct run_config *config, const struct places *places, struct error *err)
{
    const struct runfs_root *first = &places->roots[0];
    return error_set(err, ENOENT, "%s: no such run: nothing is stored at s3://%s/%s%s", config->source,
                     first->bucket, first->prefix, places->count > 1 ? " nor where older runs are" : "");
}

static void leave_place(struct run *run)
{
    tree_free(run->tree);
    run->tree = NULL;
    close_store(run);
}

static void note_place(const struct run *run)
{
    if (run->note)
        run->note(run->title, run->root.reason);
}

/* Opens the place whose listing is on disk and new enough, if there is one: then no server need be asked. */
static bool open_listed_place(struct run *run, const struct places *places)
{
    for (size_t i = 0; run->disk && i < places->count; i++) {
        if (open_listed(run, &places->roots[i]) == 0) {
            if (i)
                note_place(run);
            return true;
        }
        leave_place(run);
    }
    return false;
}

static int not_here(const struct run *run, const struct places *places, struct error *err)
{
    const struct runfs_root *first = &places->roots[0];
    return error_set(err, ENOENT, "s3://%s/%s: offline, and its listing is not in the cache %s",
                     first->bucket, first->prefix, run->disk ? disk_directory(run->disk) : "(there is none)");
}

/* Tries the computed place first; where nothing is there, the others that the layout names for it. A missing
   bucket is an empty place then. */
static int open_places(struct run *run, const struct run_config *config, const struct places *places,
                       const struct wait *wait, struct error *err)
{
    if (open_listed_place(run, places))
        return 0;
    if (run->offline)
        return not_here(run, places, err);
    for (size_t i = 0; i < places->count; i++) {
        bool found;
        int result = open_place(run, &places->roots[i], wait, &found, err);
        if (found) {
            if (i)
                note_place(run);
            return 0;
        }
        if (result < 0 && (result != -ENOENT || places->count == 1))
            return result;
        leave_place(run);
    }
    return no_such_run(config, places, err);
}

/* A cache that cannot be used is no reason not to go on; only offline there is nothing without it. */
static int open_disk(struct run *run, const struct run_config *config, struct error *err)
{
    char why[ERROR_MESSAGE_MAX + 64];
    int result = keep_open(config, true, &run->disk, err);
    if (result == 0 || run->offline)
        return result;
    (void)snprintf(why, sizeof why, "%s; going on without keeping anything on disk", err->message);
    if (run->note)
        run->note("mount", why);
    return 0;
}

static int open_source(struct run *run, const struct run_config *config, const struct source *source,
                       struct error *err)
{
    struct places places;
    struct wait wait = {.timeout_ms = config->timeout_ms};
    int result = places_resolve(source, config, true, &places, err);
    if (result < 0)
        return result;
    run->root = places.roots[0];
    if (places.directory) {
        result = open_local(run, places.directory, &wait, err);
    } else {
        result = server_resolve(config, source, &run->server, err);
        if (result == 0)
            result = open_disk(run, config, err);
        if (result == 0)
            result = open_places(run, config, &places, &wait, err);
    }
    places_done(&places);
    return result;
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
    for (int order = 0; order < TREE_ORDERS; order++)
        siblings_init(&run->siblings[order]);
    atomic_store(&run->listed_at, clock_ms());
    result = open_source(run, config, &source, err);
    if (result < 0) {
        run_close(run);
        return result;
    }
    *ret_run = run;
    return 0;
}

/* NODE as an object of the store; PATH holds its key. The tree's read lock must be held. */
static int object_of(const struct node *node, struct strbuf *path, struct object *ret_object)
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

/* Fetches the entry at a place of the directory that NODE is in, where it is a small file. False past the end, and
   where there is no room now. The entry's strings are copied before the lock is let go of. */
static bool prefetch_sibling(struct run *run, const struct node *node, enum tree_order order, size_t position)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    char etag[NODE_ETAG_MAX] = "";
    struct object object = {0};
    tree_lock_read(run->tree);
    const struct node *parent = node->detached ? NULL : node->parent;
    const struct node *sibling = parent ? tree_entry(parent, order, position) : NULL;
    bool small = sibling && sibling->type == NODE_FILE && sibling->size &&
                 sibling->size <= CACHE_BLOCK_SIZE && object_of(sibling, &path, &object) == 0;
    if (small)
        (void)snprintf(etag, sizeof etag, "%s", object.etag);
    tree_unlock(run->tree);
    object.etag = etag;
    return sibling && (!small || cache_prefetch(run->cache, &object));
}

/* Looks whether the files of NODE's directory are being opened in turn, in an order, and fetches the next ones if so. */
static void prefetch_in_order(struct run *run, const struct node *node, enum tree_order order)
{
    size_t from;
    size_t to;
    tree_lock_read(run->tree);
    const struct node *parent = node->detached ? NULL : node->parent;
    size_t position = parent ? tree_position(node, order) : 0;
    tree_unlock(run->tree);
    if (!parent || !siblings_opened(&run->siblings[order], parent, position, &from, &to))
        return;
    while (from < to && prefetch_sibling(run, node, order, from))
        from++;
    siblings_reached(&run->siblings[order], parent, from);
}

void run_read_ahead(struct run *run, const struct node *node)
{
    if (!run->cache || !run->readahead || node->size > CACHE_BLOCK_SIZE)
        return;
    for (int order = 0; order < TREE_ORDERS; order++)
        prefetch_in_order(run, node, (enum tree_order)order);
}

int run_open_node(struct run *run, const struct node *node, struct reader **ret_reader, struct error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    struct object object;
    tree_lock_read(run->tree);
    int result = object_of(node, &path, &object);
    tree_unlock(run->tree);
    if (result < 0)
        return error_set(err, -result, "%s: the file has been replaced", node_name(node));
    if (run->store && run->store->ops->open)
        return run->store->ops->open(run->store, &object, ret_reader, err);
    return cache_reader_open(run->cache, &object, ret_reader, err);
}

int run_bytes_here(struct run *run, const struct node *node, uint64_t *ret_bytes)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    struct object object;
    if (!run->cache || node->type != NODE_FILE)
        return -ENODATA;
    tree_lock_read(run->tree);
    int result = object_of(node, &path, &object);
    tree_unlock(run->tree);
    if (result == 0)
        *ret_bytes = cache_bytes_here(run->cache, &object);
    return result;
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
}

int run_locate(struct run *run, const struct node *node, enum run_form form, struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_KEY_MAX);
    _cleanup_free_ char *text = NULL;
    struct runfs_location location;
    if (run->local)
        return -ENODATA;
    strbuf_adds(&path, run->root.prefix);
    if (path.len && node->parent)
        strbuf_adds(&path, "/");
    int result = tree_path(node, &path);
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
