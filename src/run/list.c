/* Listing a run: by its store, keeping the listing on disk, or from there; see run_internal.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/listing.h"
#include "run/run_internal.h"
#include "view/merge.h"

#define SUBTREES_MAX 32

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
    for (int verdict = TREE_SHADOWED; verdict < TREE_VERDICTS; verdict++)
        hidden += totals.verdicts[verdict];
    uint64_t markers = totals.verdicts[TREE_MARKER_CONTENT];
    bool news = hidden != run->hidden || markers != run->markers;
    run->hidden = hidden;
    run->markers = markers;
    if (!news || !run->config.note)
        return;
    (void)snprintf(text, sizeof text,
                   "%" PRIu64 " keys are not shown, %" PRIu64 " directory markers without their content",
                   hidden, markers);
    run->config.note(run->title, text);
}

bool run_is_empty(struct tree *tree)
{
    struct tree_totals totals = tree_totals(tree);
    uint64_t keys = 0;
    for (int verdict = 0; verdict < TREE_VERDICTS; verdict++)
        keys += totals.verdicts[verdict];
    return keys == 0;
}

struct cache_scope run_scope(const struct run *run)
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
    struct cache_scope scope = run->local ? (struct cache_scope){0} : run_scope(run);
    struct keeping keeping = {.tree = tree};
    uint64_t began_ms = clock_real_ms();
    load_subtrees(&subtrees);
    if (run->disk && !run->local)
        keeping.writer = listing_writer_open(run->disk, &scope, server_access(run->server));
    int result = run->store->ops->list(run->store, subtrees.sorted, add_and_keep, &keeping, wait, err);
    /* a run that is not there yet may be there at the next look */
    listing_writer_close(keeping.writer, result == 0 && !run_is_empty(tree) ? began_ms : 0);
    return result;
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

static bool is_wanted(const void *filter, const char *file)
{
    return runfs_filter_match(filter, file);
}

void run_show_archives(struct run *run, struct tree *tree)
{
    if (run->config.archives)
        tree_show_archives(tree, is_wanted, run->filter);
}

/* The end of a listing that began at BEGAN, or failed: then TREE is freed. */
static int finish_tree(struct run *run, struct tree *tree, int result, uint64_t began, struct tree **ret_tree)
{
    if (result < 0) {
        tree_free(tree);
        return result;
    }
    if (!run->composition.view)
        run_show_archives(run, tree);
    tree_finish(tree);
    note_hidden(run, tree);
    atomic_store(&run->listed_at, run->config.offline ? clock_ms() : began);
    *ret_tree = tree;
    return 0;
}

int run_list_kept(struct run *run, uint64_t since, struct tree **ret_tree)
{
    struct tree *tree;
    uint64_t began_ms = 0;
    bool offline = run->config.offline;
    int result =
        run->disk && !run->local ? tree_new(run->stored ? NULL : run->config.note, &tree, NULL) : -ENOENT;
    if (result < 0)
        return result;
    const struct cache_scope scope = run_scope(run);
    result = listing_read(run->disk, &scope, offline ? NULL : server_access(run->server),
                          offline ? 0 : real_of(since), add_object, tree, &began_ms, NULL);
    return finish_tree(run, tree, result, monotonic_of(began_ms), ret_tree);
}

int run_list(struct run *run, uint64_t since, const struct wait *wait, struct tree **ret_tree,
             struct error *err)
{
    struct tree *tree;
    if (run_list_kept(run, since, ret_tree) == 0)
        return 0;
    uint64_t began = clock_ms();
    int result = tree_new(run->stored ? NULL : run->config.note, &tree, err);
    return result < 0 ? result : finish_tree(run, tree, list_store(run, tree, wait, err), began, ret_tree);
}

/* Refreshes the runs that this one takes from. */
static int refresh_guests(struct run *run, uint64_t since, const struct wait *wait, struct error *err)
{
    int result = 0;
    for (uint16_t i = 1; result == 0 && i < origins_count(run->origins); i++) {
        struct run *guest = origins_at(run->origins, i).run;
        if (guest)
            result = run_refresh(guest, since, wait, err);
    }
    return result;
}

int run_refresh(struct run *run, uint64_t since, const struct wait *wait, struct error *err)
{
    struct tree *fresh;
    struct tree *shown = NULL;
    assert_may_block("lists a run");
    if (run->config.offline || run->runs) {
        atomic_store(&run->listed_at, clock_ms());
        return 0;
    }
    int result = refresh_guests(run, since, wait, err);
    if (result == 0)
        result = run_list(run, since, wait, &fresh, err);
    if (result < 0)
        return result;
    if (run->composition.view && (result = compose_tree(&run->composition, fresh, wait, &shown, err)) < 0) {
        tree_free(fresh);
        return result;
    }
    tree_renew(run->stored, fresh);
    if (shown)
        tree_renew(run->tree, shown);
    if (run->archives)
        archives_sweep(run->archives);
    return 0;
}
