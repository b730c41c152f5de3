/* Closing runs that nobody has used for long: by a thread of its own, which also has the kernel forget what it still knows of
   them, for as long as that is so their nodes must stay. */
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "fs/forest_internal.h"

#define IDLE_REFRESHES 10   /* unused for so many times refresh= a run is closed */
#define IDLE_MIN_MS    1000 /* but for so long at least, and this is enough where many are open */
#define NAMES_MAX      (64U * 1024 * 1024)

static uint64_t tick_ms(const struct forest *forest)
{
    uint64_t ms = forest->fs->config.refresh_ms;
    return ms < IDLE_MIN_MS ? IDLE_MIN_MS / 4 : ms;
}

static uint64_t idle_ms(const struct forest *forest, unsigned open)
{
    uint64_t ms = forest->fs->config.refresh_ms * IDLE_REFRESHES;
    return ms < IDLE_MIN_MS || open > FOREST_OPEN_MAX ? IDLE_MIN_MS : ms;
}

bool forest_enter(struct fs_run *of)
{
    struct forest_run *run = (struct forest_run *)of;
    uint64_t uses = atomic_load(&of->uses);
    atomic_store(&of->used_at, clock_ms());
    while (uses)
        if (atomic_compare_exchange_weak(&of->uses, &uses, uses + 1))
            return true;
    lock_take(&run->lock); /* the first one: see forest_run_close() */
    bool open = of->run;
    if (open)
        (void)atomic_fetch_add(&of->uses, 1);
    lock_drop(&run->lock);
    return open;
}

void forest_leave(struct fs_run *of)
{
    (void)atomic_fetch_sub(&of->uses, 1);
}

void forest_run_close(struct forest_run *run, uint64_t since)
{
    struct fs_run *of = &run->shown;
    struct run *closing = NULL;
    struct tree *tree = NULL;
    lock_take(&run->lock);
    if (of->run && !atomic_load(&of->uses) && atomic_load(&of->used_at) < since) {
        closing = of->run;
        tree = of->tree;
        of->run = NULL;
        of->tree = NULL;
    }
    lock_drop(&run->lock);
    if (closing)
        fs_watch_end(closing, tree);
    runs_close(of->fs->own.run, closing);
}

/* The names in the run's root that the kernel knows, each with its NUL. */
static void list_known(const struct fs_run *of, struct strbuf *names)
{
    tree_lock_read(of->tree);
    const struct directory *root = tree_root(of->tree)->directory;
    for (size_t i = 0; i < root->count; i++)
        if (atomic_load(&root->children[i]->lookups))
            strbuf_add(names, node_name(root->children[i]), (size_t)root->children[i]->name_len + 1);
    tree_unlock(of->tree);
}

/* Has the kernel forget all of a run that it does not need: what is open, or somebody's working directory, it keeps. Waits while
   somebody looks into the run's directory. */
static void nudge(struct fs_run *of)
{
    _cleanup_strbuf_ struct strbuf names = STRBUF_INIT(NAMES_MAX);
    fuse_ino_t root = forest_root_id(of);
    uint64_t used_at = atomic_load(&of->used_at);
    if (!root || !fs_enter(of))
        return;
    atomic_store(&of->used_at, used_at); /* this was no use */
    list_known(of, &names);
    fs_leave(of);
    const char *end = strbuf_text(&names) + names.len;
    for (const char *name = strbuf_text(&names); name < end; name += strlen(name) + 1)
        fs_invalidate_entry(of->fs, root, name);
}

/* Closes a run that is idle; where the kernel knows it, after it was asked to forget it. */
static void look_after(struct forest_run *run, uint64_t idle)
{
    struct fs_run *of = &run->shown;
    uint64_t now = clock_ms();
    uint64_t since = now > idle ? now - idle : 0;
    forest_run_close(run, since);
    uint64_t used_at = atomic_load(&of->used_at);
    if (used_at >= since || !atomic_load(&of->uses) || (run->nudged_at > used_at && run->nudged_at >= since))
        return;
    run->nudged_at = now;
    nudge(of);
}

/* Numbered runs stay until the end, so that no lock is held while they are looked after. */
static void look_after_all(struct forest *forest)
{
    unsigned numbers = atomic_load(&forest->numbers);
    unsigned open = 0;
    for (unsigned i = 1; i < numbers; i++) {
        lock_take(&forest->by_number[i]->lock);
        open += forest->by_number[i]->shown.run != NULL;
        lock_drop(&forest->by_number[i]->lock);
    }
    for (unsigned i = 1; i < numbers; i++)
        look_after(forest->by_number[i], idle_ms(forest, open));
}

static void *keep(void *context)
{
    struct forest *forest = context;
    lock_take(&forest->lock);
    while (!forest->stopping) {
        (void)lock_wait_until(&forest->lock, &forest->stopped, clock_ms() + tick_ms(forest));
        lock_drop(&forest->lock);
        look_after_all(forest);
        lock_take(&forest->lock);
    }
    lock_drop(&forest->lock);
    return NULL;
}

int forest_start(struct forest *forest, struct error *err)
{
    int code = thread_create(&forest->keeper, 0, keep, forest);
    forest->keeping = code == 0;
    return code ? error_errno(err, code, "runs") : 0;
}

void forest_stop(struct forest *forest)
{
    if (!forest || !forest->keeping)
        return;
    lock_take(&forest->lock);
    forest->stopping = true;
    (void)pthread_cond_signal(&forest->stopped);
    lock_drop(&forest->lock);
    thread_join(forest->keeper);
    forest->keeping = false;
}
