/* The names of all runs, and the tree that shows them; see forest.h. */
#include "fs/forest_internal.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NEVER UINT64_MAX /* names come and go by themselves: the tree of names is never listed anew */

int forest_open(struct fs *fs, struct error *err)
{
    struct forest *forest = calloc(1, sizeof *forest);
    if (!forest)
        return error_errno(err, ENOMEM, "runs");
    forest->fs = fs;
    forest->numbers = 1;
    LIST_INIT(&forest->runs);
    lock_init(&forest->lock, LOCK_RUNS);
    (void)pthread_cond_init(&forest->stopped, NULL);
    atomic_store(&fs->own.valid_until, NEVER);
    fs->forest = forest;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct forest_run *)a)->name, ((const struct forest_run *)b)->name);
}

/* Takes RUN out of the list and the index. */
static void remove_run(struct forest *forest, struct forest_run *run)
{
    LIST_REMOVE(run, link);
    (void)tdelete(run, &forest->by_name, compare_names);
    forest->count--;
}

static void free_run(struct forest_run *run)
{
    (void)pthread_cond_destroy(&run->changed);
    lock_done(&run->lock);
    free(run->name);
    free(run);
}

void forest_close(struct forest *forest)
{
    struct forest_run *run;
    if (!forest)
        return;
    while ((run = LIST_FIRST(&forest->runs))) {
        remove_run(forest, run);
        if (run->shown.run)
            fs_watch_end(run->shown.run, run->shown.tree);
        runs_close(forest->fs->own.run, run->shown.run);
        free_run(run);
    }
    (void)pthread_cond_destroy(&forest->stopped);
    lock_done(&forest->lock);
    free(forest);
}

struct fs_run *forest_numbered(struct forest *forest, unsigned number)
{
    return &forest->by_number[number]->shown;
}

bool forest_is_tree(const struct fs_run *of, const struct node *node)
{
    return of->fs->forest && !of->number && node->type == NODE_DIRECTORY && !node->detached &&
           node->directory->content;
}

struct fs_run *forest_planted(struct fs *fs, const struct node *node)
{
    tree_lock_read(fs->own.tree);
    struct fs_run *of = forest_is_tree(&fs->own, node) ? node->directory->content : NULL;
    tree_unlock(fs->own.tree);
    return of;
}

fuse_ino_t forest_root_id(struct fs_run *of)
{
    struct fs_run *own = &of->fs->own;
    if (!of->number)
        return FUSE_ROOT_ID;
    tree_lock_read(own->tree);
    const struct node *node = tree_find(own->tree, ((struct forest_run *)of)->name);
    fuse_ino_t ino = node ? fs_ino(own, node) : 0;
    tree_unlock(own->tree);
    return ino;
}

/* Forgets names that lead nowhere and are not used, all but those that are still known to be missing; where there are too many of
   those, these as well. The lock is held. */
static void forget_misses(struct forest *forest)
{
    uint64_t now = clock_ms();
    bool all = forest->count - forest->numbers > FOREST_MISSES;
    struct forest_run *next;
    for (struct forest_run *run = LIST_FIRST(&forest->runs); run; run = next) {
        next = LIST_NEXT(run, link);
        if (run->named || run->shown.number || run->pins || (!all && run->missing_until > now))
            continue;
        remove_run(forest, run);
        free_run(run);
    }
}

static struct forest_run *new_run(struct forest *forest, const char *name)
{
    struct forest_run *run = calloc(1, sizeof *run);
    if (!run || !(run->name = strdup(name)) || !tsearch(run, &forest->by_name, compare_names)) {
        if (run)
            free(run->name);
        free(run);
        return NULL;
    }
    run->form = runs_form_of(name);
    run->shown.fs = forest->fs;
    lock_init(&run->lock, LOCK_RUN);
    (void)pthread_cond_init(&run->changed, NULL);
    LIST_INSERT_HEAD(&forest->runs, run, link);
    forest->count++;
    return run;
}

static struct forest_run *find_run(struct forest *forest, const char *name)
{
    const struct forest_run key = {.name = (char *)(uintptr_t)name};
    struct forest_run **found = tfind(&key, &forest->by_name, compare_names);
    return found ? *found : NULL;
}

uint64_t forest_missing_until(struct forest *forest, const char *name)
{
    lock_take(&forest->lock);
    const struct forest_run *run = find_run(forest, name);
    uint64_t until = run ? run->missing_until : 0;
    lock_drop(&forest->lock);
    return until;
}

struct forest_run *forest_pin(struct forest *forest, const char *name)
{
    lock_take(&forest->lock);
    struct forest_run *run = find_run(forest, name);
    if (!run) {
        forget_misses(forest);
        run = new_run(forest, name);
    }
    if (run)
        run->pins++;
    lock_drop(&forest->lock);
    return run;
}

void forest_unpin(struct forest *forest, struct forest_run *run)
{
    lock_take(&forest->lock);
    run->pins--;
    lock_drop(&forest->lock);
}

/* Gives a run the number that node ids of its nodes have. The lock is held. */
static int give_number(struct forest *forest, struct forest_run *run, struct error *err)
{
    if (run->form == RUNS_LEVEL || run->shown.number)
        return 0;
    if (forest->numbers == FOREST_NUMBERS)
        return error_set(err, ENFILE, "%s: more than %d runs in one mount", run->name, FOREST_NUMBERS - 1);
    run->shown.number = (uint16_t)forest->numbers;
    forest->by_number[forest->numbers] = run;
    (void)atomic_fetch_add(&forest->numbers, 1);
    return 0;
}

static int add_name(struct tree *tree, const struct forest_run *run, struct error *err)
{
    char key[1024];
    int len = snprintf(key, sizeof key, "%s/", run->name);
    struct tree_entry entry = {.key = key, .key_len = (size_t)len, .etag = "", .mtime_ns = run->mtime_ns};
    return tree_add(tree, &entry, err);
}

/* What makes the root of a run have the inode number of NODE, its directory. The same for the same name. */
static uint64_t base_of(struct tree *tree, const struct node *node)
{
    return node->ino - tree_root(tree)->ino;
}

/* Has the directories of TREE lead to their runs. */
static void plant(const struct forest *forest, struct tree *tree)
{
    struct forest_run *run;
    LIST_FOREACH(run, &forest->runs, link)
    {
        struct node *node = run->named && run->form == RUNS_RUN ? tree_find(tree, run->name) : NULL;
        if (!node)
            continue;
        if (!run->shown.ino_base) /* it is the same whenever the name shows; others read it */
            run->shown.ino_base = base_of(tree, node);
        (void)tree_attach(tree, node, &run->shown, NULL);
    }
}

/* Makes the mount's own tree show all names that are to show. The lock is held. */
static int show_names(struct forest *forest, struct error *err)
{
    struct tree *fresh;
    struct forest_run *run;
    int result = tree_new(NULL, &fresh, err);
    if (result < 0)
        return result;
    LIST_FOREACH(run, &forest->runs, link)
    {
        if (result == 0 && run->named)
            result = add_name(fresh, run, err);
    }
    if (result < 0) {
        tree_free(fresh);
        return result;
    }
    tree_finish(fresh);
    plant(forest, fresh); /* before it shows, for nobody may meet a directory that leads nowhere yet */
    tree_renew(forest->fs->own.tree, fresh);
    forest->unshown = false;
    return 0;
}

int forest_name(struct forest *forest, struct forest_run *run, int64_t mtime_ns, bool unsure,
                struct error *err)
{
    int result = 0;
    lock_take(&forest->lock);
    if (!run->named || (!unsure && run->mtime_ns != mtime_ns)) {
        result = give_number(forest, run, err);
        run->named = run->named || result == 0;
        run->mtime_ns = mtime_ns;
        forest->unshown = true;
    }
    if (result == 0 && forest->unshown)
        result = show_names(forest, err);
    lock_drop(&forest->lock);
    return result;
}

void forest_name_kept(struct forest *forest, const struct forest_kept *kept, size_t count)
{
    lock_take(&forest->lock);
    for (size_t i = 0; i < count; i++) {
        struct forest_run *run = find_run(forest, kept[i].name);
        if (!run)
            run = new_run(forest, kept[i].name);
        if (!run || run->named || give_number(forest, run, NULL) < 0)
            continue;
        run->named = forest->unshown = true;
        run->mtime_ns = kept[i].mtime_ns;
    }
    if (forest->unshown)
        (void)show_names(forest, NULL);
    lock_drop(&forest->lock);
}

void forest_unname(struct forest *forest, struct forest_run *run)
{
    lock_take(&forest->lock);
    lock_take(&run->lock);
    bool open = run->shown.run; /* by somebody who came later and found it */
    lock_drop(&run->lock);
    if (!open) {
        run->missing_until = clock_ms() + forest->fs->config.refresh_ms;
        if (run->named) {
            run->named = false;
            forest->unshown = true;
            (void)show_names(forest, NULL);
        }
    }
    lock_drop(&forest->lock);
}

static void count_run(struct fs_run *of, struct forest_totals *totals)
{
    uint64_t used_at = atomic_load(&of->used_at);
    if (!fs_enter(of))
        return;
    atomic_store(&of->used_at, used_at); /* to be counted is no use */
    tree_lock_read(of->tree);
    struct tree_totals one = tree_totals(of->tree);
    tree_unlock(of->tree);
    totals->open++;
    totals->listing.files += one.files;
    totals->listing.directories += one.directories;
    totals->listing.bytes += one.bytes;
    if (run_listed_at(of->run) < totals->listed_at)
        totals->listed_at = run_listed_at(of->run);
    fs_leave(of);
}

void forest_count(struct forest *forest, struct forest_totals *totals)
{
    unsigned numbers = atomic_load(&forest->numbers);
    totals->listed_at = clock_ms();
    totals->named = numbers - 1;
    for (unsigned i = 1; i < numbers; i++)
        count_run(&forest->by_number[i]->shown, totals);
}
