/* Looking names up among all runs, and opening what they name: by workers, a share of them for each run, so that one that is slow
   or fails keeps nobody else waiting. See forest.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/wait.h"
#include "fs/forest_internal.h"

#define FAILURE_KEPT_MS 1000
#define PATH_MAX_BYTES  1024

/* A level has nothing to be opened: it is looked for whenever its name is not known. */
static bool is_open(const struct forest_run *run)
{
    return run->shown.run;
}

/* Opens it, without the lock. */
static int open_now(struct forest_run *run, const struct wait *wait, struct run **ret_run, struct error *err)
{
    struct run *host = run->shown.fs->own.run;
    if (run->form == RUNS_LEVEL)
        return runs_find_level(host, run->name, wait, err);
    return runs_open(host, run->name, wait, ret_run, err);
}

static void show_run(struct forest_run *run, struct run *opened)
{
    struct fs_run *of = &run->shown;
    of->run = opened;
    of->tree = run_tree(opened);
    atomic_store(&of->used_at, clock_ms());
    atomic_store(&of->valid_until, run_listed_at(opened) + of->fs->config.refresh_ms);
    fs_watch_early(of);
}

/* The lock is held. */
static int open_locked(struct forest_run *run, const struct wait *wait, struct error *err)
{
    struct run *opened = NULL;
    struct error why = {0};
    run->opening = true;
    lock_drop(&run->lock);
    int result = open_now(run, wait, &opened, &why);
    lock_take(&run->lock);
    run->opening = false;
    run->failure = result == -EINTR ? 0 : result;
    run->failed_at = clock_ms();
    if (opened)
        show_run(run, opened);
    (void)pthread_cond_broadcast(&run->changed);
    return result < 0 ? error_set(err, -result, "%s", why.message) : 0;
}

/* Whether the last failure still stands: for a moment, but that nothing is there only for who waited for that very answer. */
static bool has_failed(const struct forest_run *run, const struct wait *wait)
{
    if (!run->failure)
        return false;
    return run->failed_at >= wait->since_ms ||
           (run->failure != -ENOENT && clock_ms() < run->failed_at + FAILURE_KEPT_MS);
}

int forest_run_open(struct forest_run *run, const struct wait *wait, struct error *err)
{
    int result = 0;
    lock_take(&run->lock);
    while (run->opening && result == 0)
        result = wait_on(wait, &run->lock, &run->changed, UINT64_MAX);
    if (result < 0)
        result = error_errno(err, -result, "%s", run->name);
    else if (!is_open(run) && has_failed(run, wait))
        result = error_errno(err, -run->failure, "%s", run->name);
    else if (!is_open(run))
        result = open_locked(run, wait, err);
    lock_drop(&run->lock);
    return result;
}

/* Has what was just opened show. */
static int name_opened(struct forest *forest, struct forest_run *run, struct error *err)
{
    struct fs_run *of = &run->shown;
    int64_t mtime_ns = (int64_t)clock_real_ms() * 1000000;
    lock_take(&run->lock);
    bool known = of->run;
    if (known) {
        tree_lock_read(of->tree);
        mtime_ns = tree_root(of->tree)->mtime_ns;
        tree_unlock(of->tree);
    }
    lock_drop(&run->lock);
    return forest_name(forest, run, mtime_ns, !known, err);
}

/* Opens what is pinned, and has it show. */
static int open_and_name(struct forest *forest, struct forest_run *run, const struct wait *wait,
                         struct error *err)
{
    int result = forest_run_open(run, wait, err);
    if (result == -ENOENT)
        forest_unname(forest, run);
    return result < 0 ? result : name_opened(forest, run, err);
}

int forest_enter_run(struct op *op, struct error *err)
{
    struct fs_run *of = fs_run_of(op->fs, op->ino);
    while (!fs_enter(of)) {
        if (!op_may_wait(op, OP_OPENING, (uintptr_t)of))
            return -EAGAIN;
        struct wait wait = op_wait(op, OP_OPENING);
        int result = open_and_name(op->fs->forest, (struct forest_run *)of, &wait, err);
        if (result < 0)
            return result == -ENOENT ? op_reply_err(op, ENOENT) : result;
    }
    op->of = of;
    return 0;
}

bool forest_has_names(const struct op *op)
{
    return op->fs->forest && fs_run_of(op->fs, op->ino) == &op->fs->own;
}

/* The runs in the cache. */
struct kept_names {
    struct forest_kept *names;
    size_t count;
    size_t capacity;
};

/* Without memory a run is left out until the next time. */
static void add_kept(void *context, const char *name, uint64_t listed_ms)
{
    struct kept_names *kept = context;
    char *copy = array_room(kept->names, kept->count, kept->capacity) == 0 ? strdup(name) : NULL;
    if (copy)
        kept->names[kept->count++] = (struct forest_kept){copy, (int64_t)listed_ms * 1000000};
}

int forest_find_names(struct op *op)
{
    struct fs *fs = op->fs;
    op->of = &fs->own;
    if (!op_may_wait(op, OP_OPENING, (uintptr_t)fs))
        return -EAGAIN;
    struct kept_names kept = {0};
    runs_each_kept(fs->own.run, add_kept, &kept);
    forest_name_kept(fs->forest, kept.names, kept.count);
    for (size_t i = 0; i < kept.count; i++)
        free(kept.names[i].name);
    free(kept.names);
    return 0;
}

/* Answers a lookup in the mount's own tree from what is there; 0 where that is nothing. */
static int reply_known(struct op *op)
{
    struct fs_run *own = op->of;
    struct fuse_entry_param entry;
    tree_lock_read(own->tree);
    struct node *node = tree_lookup(fs_node(own, op->ino), op->name, strlen(op->name));
    if (node)
        fs_entry(own, node, &entry);
    tree_unlock(own->tree);
    return node ? op_reply_entry(op, &entry, node) : 0;
}

/* There is no such entry, and that is so until UNTIL (clock_ms). */
static int reply_missing(struct op *op, uint64_t until)
{
    uint64_t now = clock_ms();
    struct fuse_entry_param entry = {.entry_timeout = until > now ? (double)(until - now) / 1000 : 0};
    return op_reply_entry(op, &entry, NULL);
}

/* The path of NAME in PARENT; false where that is none for a run or a level. */
static bool path_of(struct fs_run *own, fuse_ino_t parent, const char *name, struct strbuf *path)
{
    tree_lock_read(own->tree);
    int result = tree_path(fs_node(own, parent), path);
    tree_unlock(own->tree);
    strbuf_addf(path, "%s%s", path->len ? "/" : "", name);
    return result == 0 && !path->failed && runs_form_of(strbuf_text(path)) != RUNS_NOTHING;
}

/* Opens what is at PATH, and has it show. */
static int open_path(struct op *op, const char *path, struct error *err)
{
    struct forest *forest = op->fs->forest;
    struct wait wait = op_wait(op, OP_OPENING);
    struct forest_run *run = forest_pin(forest, path);
    if (!run)
        return -ENOMEM;
    int result = open_and_name(forest, run, &wait, err);
    forest_unpin(forest, run);
    return result;
}

/* Tells paths apart well enough to share threads between them. */
static uintptr_t hash_path(const char *path)
{
    uintptr_t hash = 5381;
    for (; *path; path++)
        hash = hash * 33 ^ (unsigned char)*path;
    return hash;
}

int forest_lookup(struct op *op, struct error *err)
{
    struct fs *fs = op->fs;
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_MAX_BYTES);
    op->of = &fs->own;
    int result = reply_known(op);
    if (result)
        return result;
    if (!path_of(op->of, op->ino, op->name, &path))
        return reply_missing(op, clock_ms() + fs->config.refresh_ms);
    uint64_t until = forest_missing_until(fs->forest, strbuf_text(&path));
    if (until > clock_ms())
        return reply_missing(op, until);
    if (!op_may_wait(op, OP_OPENING, hash_path(strbuf_text(&path))))
        return -EAGAIN;
    result = open_path(op, strbuf_text(&path), err);
    if (result < 0 && result != -ENOENT)
        return result;
    result = result == 0 ? reply_known(op) : 0;
    return result ? result : reply_missing(op, forest_missing_until(fs->forest, strbuf_text(&path)));
}
