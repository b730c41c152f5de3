/* The registry of all runs: their names, the tree that shows them, and which of them are open. */
#include "run/runs.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/thread.h"
#include "run/runs_internal.h"

#define OPEN_MAX        32   /* with more open runs, those unused are closed soon */
#define MISSES_MAX      1024 /* names that nothing is stored under, as far as they are remembered */
#define FAILURE_KEPT_MS 1000
#define IDLE_REFRESHES  10   /* unused for so many times refresh= a run is closed */
#define IDLE_MIN_MS     1000 /* but for so long at least, and this is enough where many are open */

struct runs *run_runs(struct run *run)
{
    return run->runs;
}

int runs_new(struct run *host, struct run_config *config, struct runs **ret_runs, struct error *err)
{
    struct runs *runs = calloc(1, sizeof *runs);
    if (!runs)
        return error_errno(err, ENOMEM, "runs");
    runs->host = host;
    runs->numbers = 1;
    LIST_INIT(&runs->slots);
    lock_init(&runs->lock, LOCK_RUNS);
    (void)pthread_cond_init(&runs->stopped, NULL);
    *ret_runs = runs;
    return runs_settle_source(runs, config, err);
}

void runs_attach(struct runs *runs, const struct runs_hooks *hooks)
{
    runs->hooks = *hooks;
}

static int slot_compare(const void *a, const void *b)
{
    return strcmp(((const struct run_slot *)a)->name, ((const struct run_slot *)b)->name);
}

/* Frees SLOT and takes it out of the list and the index. The lock is held. */
static void slot_free(struct runs *runs, struct run_slot *slot)
{
    LIST_REMOVE(slot, link);
    (void)tdelete(slot, &runs->by_name, slot_compare);
    runs->count--;
    (void)pthread_cond_destroy(&slot->changed);
    lock_done(&slot->lock);
    free(slot->name);
    free(slot);
}

void runs_free(struct runs *runs)
{
    struct run_slot *slot;
    if (!runs)
        return;
    while ((slot = LIST_FIRST(&runs->slots)))
        slot_free(runs, slot);
    runs_free_source(runs);
    (void)pthread_cond_destroy(&runs->stopped);
    lock_done(&runs->lock);
    free(runs);
}

struct run_slot *runs_numbered(struct runs *runs, unsigned number)
{
    return runs->by_number[number];
}

struct run_slot *runs_shown_at(const struct node *node)
{
    return node->type == NODE_DIRECTORY && !node->detached ? node->directory->content : NULL;
}

/* Forgets names that lead nowhere and are not used, all but those that are still known to be missing; where there are too many of
   those, these as well. The lock is held. */
static void forget_misses(struct runs *runs)
{
    uint64_t now = clock_ms();
    bool all = runs->count - runs->numbers > MISSES_MAX;
    struct run_slot *next;
    for (struct run_slot *slot = LIST_FIRST(&runs->slots); slot; slot = next) {
        next = LIST_NEXT(slot, link);
        if (!slot->named && !slot->number && !slot->pins && (all || slot->missing_until <= now))
            slot_free(runs, slot);
    }
}

/* The lock is held, as for what follows. */
static struct run_slot *find_slot(struct runs *runs, const char *name)
{
    const struct run_slot key = {.name = (char *)(uintptr_t)name};
    struct run_slot **found = tfind(&key, &runs->by_name, slot_compare);
    return found ? *found : NULL;
}

/* The slot called NAME, which is made where it is not known. NULL without memory. */
static struct run_slot *get_slot(struct runs *runs, const char *name)
{
    struct run_slot *slot = find_slot(runs, name);
    if (slot)
        return slot;
    slot = calloc(1, sizeof *slot);
    if (!slot || !(slot->name = strdup(name)) || !tsearch(slot, &runs->by_name, slot_compare)) {
        if (slot)
            free(slot->name);
        free(slot);
        return NULL;
    }
    slot->owner = runs->hooks.owner;
    slot->form = runs_form_of(name);
    lock_init(&slot->lock, LOCK_RUN);
    (void)pthread_cond_init(&slot->changed, NULL);
    LIST_INSERT_HEAD(&runs->slots, slot, link);
    runs->count++;
    return slot;
}

uint64_t runs_missing_until(struct runs *runs, const char *path)
{
    lock_take(&runs->lock);
    const struct run_slot *slot = find_slot(runs, path);
    uint64_t until = slot ? slot->missing_until : 0;
    lock_drop(&runs->lock);
    return until;
}

static int give_number(struct runs *runs, struct run_slot *slot, struct error *err)
{
    if (slot->form == RUNS_LEVEL || slot->number)
        return 0;
    if (runs->numbers == RUNS_MAX)
        return error_set(err, ENFILE, "%s: more than %d runs in one mount", slot->name, RUNS_MAX - 1);
    slot->number = (uint16_t)runs->numbers;
    runs->by_number[slot->number] = slot;
    (void)atomic_fetch_add(&runs->numbers, 1);
    return 0;
}

static int add_name(struct tree *tree, const struct run_slot *slot, struct error *err)
{
    char key[1024];
    int len = snprintf(key, sizeof key, "%s/", slot->name);
    struct tree_entry entry = {.key = key, .key_len = (size_t)len, .etag = "", .mtime_ns = slot->mtime_ns};
    return tree_add(tree, &entry, err);
}

/* Has the directory of SLOT in TREE lead to it. What is added to its inode numbers makes the run's root have that directory's: the
   same whenever the name shows. */
static void attach_slot(struct tree *tree, struct run_slot *slot)
{
    struct node *node = slot->named && slot->form == RUNS_RUN ? tree_find(tree, slot->name) : NULL;
    if (!node)
        return;
    if (!slot->ino_base) /* others read it */
        slot->ino_base = node->ino - tree_root(tree)->ino;
    (void)tree_attach(tree, node, slot, NULL);
}

/* Makes the host's tree show all names that are to show. The lock is held. */
static int show_names(struct runs *runs, struct error *err)
{
    struct tree *fresh;
    struct run_slot *slot;
    int result = tree_new(NULL, &fresh, err);
    if (result < 0)
        return result;
    LIST_FOREACH(slot, &runs->slots, link)
    {
        if (result == 0 && slot->named)
            result = add_name(fresh, slot, err);
    }
    if (result < 0) {
        tree_free(fresh);
        return result;
    }
    tree_finish(fresh);
    /* before it shows: no directory leads nowhere */
    LIST_FOREACH(slot, &runs->slots, link)
    attach_slot(fresh, slot);
    tree_renew(runs->host->tree, fresh);
    runs->unshown = false;
    return 0;
}

/* Has SLOT show. MTIME_NS is when it changed last; UNSURE: as far as is known where nothing else is. */
static int name_slot(struct runs *runs, struct run_slot *slot, int64_t mtime_ns, bool unsure,
                     struct error *err)
{
    int result = 0;
    lock_take(&runs->lock);
    if (!slot->named || (!unsure && slot->mtime_ns != mtime_ns)) {
        result = give_number(runs, slot, err);
        slot->named = slot->named || result == 0;
        slot->mtime_ns = mtime_ns;
        runs->unshown = true;
    }
    if (result == 0 && runs->unshown)
        result = show_names(runs, err);
    lock_drop(&runs->lock);
    return result;
}

/* Has SLOT, where nothing is stored, show no more. */
static void unname_slot(struct runs *runs, struct run_slot *slot)
{
    lock_take(&runs->lock);
    lock_take(&slot->lock);
    bool open = slot->run; /* by a thread that came later and found it */
    lock_drop(&slot->lock);
    if (!open) {
        slot->missing_until = clock_ms() + runs->host->config.refresh_ms;
        if (slot->named) {
            slot->named = false;
            runs->unshown = true;
            (void)show_names(runs, NULL);
        }
    }
    lock_drop(&runs->lock);
}

/* The runs in the cache, by name; strings are owned. */
struct cached_names {
    struct cached_name {
        char *name;
        int64_t mtime_ns;
    } * names;
    size_t count;
    size_t capacity;
};

/* Without memory a run is left out until the next time. */
static void add_cached(void *context, const char *name, uint64_t listed_ms)
{
    struct cached_names *cached = context;
    char *copy = array_room(cached->names, cached->count, cached->capacity) == 0 ? strdup(name) : NULL;
    if (copy)
        cached->names[cached->count++] = (struct cached_name){copy, (int64_t)listed_ms * 1000000};
}

void runs_show_cached(struct runs *runs)
{
    struct cached_names cached = {0};
    runs_each_cached(runs, add_cached, &cached);
    lock_take(&runs->lock);
    for (size_t i = 0; i < cached.count; i++) {
        struct run_slot *slot = get_slot(runs, cached.names[i].name);
        free(cached.names[i].name);
        if (!slot || slot->named || give_number(runs, slot, NULL) < 0)
            continue;
        slot->named = runs->unshown = true;
        slot->mtime_ns = cached.names[i].mtime_ns;
    }
    if (runs->unshown)
        (void)show_names(runs, NULL);
    lock_drop(&runs->lock);
    free(cached.names);
}

/* As runs_enter(), but it is no use. */
static bool slot_enter(struct run_slot *slot)
{
    uint64_t uses = atomic_load(&slot->uses);
    while (uses)
        if (atomic_compare_exchange_weak(&slot->uses, &uses, uses + 1))
            return true;
    lock_take(&slot->lock); /* the first one: see slot_close() */
    bool open = slot->run;
    if (open)
        (void)atomic_fetch_add(&slot->uses, 1);
    lock_drop(&slot->lock);
    return open;
}

bool runs_enter(struct run_slot *slot)
{
    atomic_store(&slot->used_at, clock_ms());
    return slot_enter(slot);
}

void runs_leave(struct run_slot *slot)
{
    (void)atomic_fetch_sub(&slot->uses, 1);
}

/* Opens what is closed; a level has nothing to be opened: it is looked for whenever its name is not known. The slot's lock is
   held, but for the opening itself. */
static int open_locked(struct runs *runs, struct run_slot *slot, const struct wait *wait, struct error *err)
{
    struct run *opened = NULL;
    struct error why = {0};
    slot->opening = true;
    lock_drop(&slot->lock);
    int result = slot->form == RUNS_LEVEL ? runs_find_level(runs, slot->name, wait, &why)
                                          : runs_open_name(runs, slot->name, wait, &opened, &why);
    if (opened && runs->hooks.opened)
        runs->hooks.opened(slot, opened);
    lock_take(&slot->lock);
    slot->opening = false;
    slot->failure = result == -EINTR ? 0 : result;
    slot->failed_at = clock_ms();
    if (opened) {
        slot->run = opened;
        slot->tree = run_tree(opened);
        atomic_store(&slot->used_at, clock_ms());
    }
    (void)pthread_cond_broadcast(&slot->changed);
    return result < 0 ? error_set(err, -result, "%s", why.message) : 0;
}

/* Whether the last failure still stands: for a moment, but that nothing is there only for those that waited for that very
   answer. */
static bool has_failed(const struct run_slot *slot, const struct wait *wait)
{
    if (!slot->failure)
        return false;
    return slot->failed_at >= wait->since_ms ||
           (slot->failure != -ENOENT && clock_ms() < slot->failed_at + FAILURE_KEPT_MS);
}

/* One thread opens a run, others wait for its result. */
static int slot_open(struct runs *runs, struct run_slot *slot, const struct wait *wait, struct error *err)
{
    int result = 0;
    lock_take(&slot->lock);
    while (slot->opening && result == 0)
        result = wait_on(wait, &slot->lock, &slot->changed, UINT64_MAX);
    if (result < 0)
        result = error_errno(err, -result, "%s", slot->name);
    else if (!slot->run && has_failed(slot, wait))
        result = error_errno(err, -slot->failure, "%s", slot->name);
    else if (!slot->run)
        result = open_locked(runs, slot, wait, err);
    lock_drop(&slot->lock);
    return result;
}

int runs_open(struct runs *runs, struct run_slot *slot, const struct wait *wait, struct error *err)
{
    int64_t mtime_ns = (int64_t)clock_real_ms() * 1000000;
    int result = slot_open(runs, slot, wait, err);
    if (result == -ENOENT)
        unname_slot(runs, slot);
    if (result < 0)
        return result;
    bool known = slot_enter(slot);
    if (known) {
        tree_lock_read(slot->tree);
        mtime_ns = tree_root(slot->tree)->mtime_ns;
        tree_unlock(slot->tree);
        runs_leave(slot);
    }
    return name_slot(runs, slot, mtime_ns, !known, err);
}

int runs_find(struct runs *runs, const char *path, const struct wait *wait, struct error *err)
{
    lock_take(&runs->lock);
    if (!find_slot(runs, path))
        forget_misses(runs);
    struct run_slot *slot = get_slot(runs, path);
    if (slot)
        slot->pins++;
    lock_drop(&runs->lock);
    if (!slot)
        return error_errno(err, ENOMEM, "%s", path);
    int result = runs_open(runs, slot, wait, err);
    lock_take(&runs->lock);
    slot->pins--;
    lock_drop(&runs->lock);
    return result;
}

/* Closes a run that has no uses and was not used since SINCE (clock_ms). */
static void slot_close(struct runs *runs, struct run_slot *slot, uint64_t since)
{
    struct run *closing = NULL;
    lock_take(&runs->lock);
    lock_take(&slot->lock);
    if (slot->run && !atomic_load(&slot->uses) && atomic_load(&slot->used_at) < since) {
        struct run_stats stats = {0};
        closing = slot->run;
        slot->run = NULL;
        slot->tree = NULL;
        run_stats_add(closing, &stats);
        run_stats_add_past(&stats, &runs->past);
    }
    lock_drop(&slot->lock);
    lock_drop(&runs->lock);
    if (closing && runs->hooks.closing)
        runs->hooks.closing(slot, closing);
    run_close(closing);
}

void runs_close(struct runs *runs)
{
    unsigned numbers = atomic_load(&runs->numbers);
    for (unsigned i = 1; i < numbers; i++) {
        atomic_store(&runs->by_number[i]->uses, 0); /* those of a kernel that has gone */
        slot_close(runs, runs->by_number[i], UINT64_MAX);
    }
}

/* Closes a run that is idle; where it has uses, these may be given up before the next time. */
static void slot_expire(struct runs *runs, struct run_slot *slot, uint64_t idle_ms)
{
    uint64_t now = clock_ms();
    uint64_t since = now > idle_ms ? now - idle_ms : 0;
    slot_close(runs, slot, since);
    uint64_t used_at = atomic_load(&slot->used_at);
    if (used_at >= since || (slot->reminded_at > used_at && slot->reminded_at >= since) || !slot_enter(slot))
        return;
    slot->reminded_at = now;
    if (runs->hooks.unused)
        runs->hooks.unused(slot);
    runs_leave(slot);
}

/* Numbered runs stay until the end, so that no lock is held while they are looked at. */
void runs_expire(struct runs *runs)
{
    unsigned numbers = atomic_load(&runs->numbers);
    unsigned open = 0;
    uint64_t idle_ms = runs->host->config.refresh_ms * IDLE_REFRESHES;
    for (unsigned i = 1; i < numbers; i++) {
        lock_take(&runs->by_number[i]->lock);
        open += runs->by_number[i]->run != NULL;
        lock_drop(&runs->by_number[i]->lock);
    }
    if (idle_ms < IDLE_MIN_MS || open > OPEN_MAX)
        idle_ms = IDLE_MIN_MS;
    for (unsigned i = 1; i < numbers; i++)
        slot_expire(runs, runs->by_number[i], idle_ms);
}

static void *runs_keeper(void *context)
{
    struct runs *runs = context;
    uint64_t tick_ms = runs->host->config.refresh_ms;
    if (tick_ms < IDLE_MIN_MS)
        tick_ms = IDLE_MIN_MS / 4;
    lock_take(&runs->lock);
    while (!runs->stopping) {
        (void)lock_wait_until(&runs->lock, &runs->stopped, clock_ms() + tick_ms);
        lock_drop(&runs->lock);
        runs_expire(runs);
        lock_take(&runs->lock);
    }
    lock_drop(&runs->lock);
    return NULL;
}

int runs_start(struct runs *runs, struct error *err)
{
    int code = thread_create(&runs->keeper, 0, runs_keeper, runs);
    runs->keeping = code == 0;
    return code ? error_errno(err, code, "runs") : 0;
}

void runs_stop(struct runs *runs)
{
    if (!runs->keeping)
        return;
    lock_take(&runs->lock);
    runs->stopping = true;
    (void)pthread_cond_signal(&runs->stopped);
    lock_drop(&runs->lock);
    thread_join(runs->keeper);
    runs->keeping = false;
}

void runs_count(struct runs *runs, struct runs_totals *ret_totals)
{
    unsigned numbers = atomic_load(&runs->numbers);
    *ret_totals = (struct runs_totals){.listed_at = clock_ms(), .named = numbers - 1};
    tree_lock_read(runs->host->tree);
    ret_totals->listing = tree_totals(runs->host->tree);
    tree_unlock(runs->host->tree);
    for (unsigned i = 1; i < numbers; i++) {
        struct run_slot *slot = runs->by_number[i];
        if (!slot_enter(slot))
            continue;
        tree_lock_read(slot->tree);
        struct tree_totals one = tree_totals(slot->tree);
        tree_unlock(slot->tree);
        ret_totals->open++;
        ret_totals->listing.files += one.files;
        ret_totals->listing.directories += one.directories;
        ret_totals->listing.bytes += one.bytes;
        if (run_listed_at(slot->run) < ret_totals->listed_at)
            ret_totals->listed_at = run_listed_at(slot->run);
        runs_leave(slot);
    }
}

void runs_add_stats(struct runs *runs, struct run_stats *stats)
{
    unsigned numbers = atomic_load(&runs->numbers);
    lock_take(&runs->lock); /* no run is closed */
    run_stats_add_past(&runs->past, stats);
    for (unsigned i = 1; i < numbers; i++) {
        lock_take(&runs->by_number[i]->lock);
        if (runs->by_number[i]->run)
            run_stats_add(runs->by_number[i]->run, stats);
        lock_drop(&runs->by_number[i]->lock);
    }
    lock_drop(&runs->lock);
}
