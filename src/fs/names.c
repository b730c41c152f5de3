/* All runs as one file system: the mount's own tree has nothing but their directories, and levels OWNER-REPO. Looking a name up
   opens its run, whose own tree takes over below its directory. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "fs/fs_internal.h"

#define PATH_MAX_BYTES 1024
#define NAMES_MAX      (64U * 1024 * 1024)
#define NEVER          UINT64_MAX /* names come and go by themselves: the tree of names is not listed again */

/* The names in the run's root that the kernel knows, each with its NUL. */
static void list_known(const struct run_slot *of, struct strbuf *names)
{
    tree_lock_read(of->tree);
    const struct directory *root = tree_root(of->tree)->directory;
    for (size_t i = 0; i < root->count; i++)
        if (atomic_load(&root->children[i]->lookups))
            strbuf_add(names, node_name(root->children[i]), (size_t)root->children[i]->name_len + 1);
    tree_unlock(of->tree);
}

/* Has the kernel forget all of a run that it does not need: what is open, or a working directory, it keeps. */
static void forget_unused(struct run_slot *of)
{
    _cleanup_strbuf_ struct strbuf names = STRBUF_INIT(NAMES_MAX);
    fuse_ino_t root = fs_root_id(of);
    if (!root)
        return;
    list_known(of, &names);
    const char *end = strbuf_text(&names) + names.len;
    for (const char *name = strbuf_text(&names); name < end; name += strlen(name) + 1)
        fs_invalidate_entry(fs_of(of), root, name);
}

static void show_opened(struct run_slot *of, struct run *run)
{
    atomic_store(&of->valid_until, run_listed_at(run) + fs_of(of)->config.refresh_ms);
    fs_watch_provisional(of, run);
}

void fs_open_names(struct fs *fs)
{
    const struct runs_hooks hooks = {
        .owner = fs, .opened = show_opened, .closing = fs_watch_end, .unused = forget_unused};
    fs->runs = run_runs(fs->own.run);
    if (!fs->runs)
        return;
    runs_attach(fs->runs, &hooks);
    atomic_store(&fs->own.valid_until, NEVER);
}

bool fs_is_run(const struct run_slot *of, const struct node *node)
{
    return fs_of(of)->runs && !of->number && runs_shown_at(node);
}

fuse_ino_t fs_root_id(struct run_slot *of)
{
    const struct run_slot *own = &fs_of(of)->own;
    if (!of->number)
        return FUSE_ROOT_ID;
    tree_lock_read(own->tree);
    const struct node *node = tree_find(own->tree, of->name);
    fuse_ino_t ino = node ? fs_ino(own, node) : 0;
    tree_unlock(own->tree);
    return ino;
}

int op_enter_run(struct op *op, struct error *err)
{
    struct run_slot *of = fs_run_of(op->fs, op->ino);
    while (!fs_enter(of)) {
        if (!op_may_wait(op, OP_OPENING, (uintptr_t)of))
            return -EAGAIN;
        struct wait wait = op_wait(op, OP_OPENING);
        int result = runs_open(op->fs->runs, of, &wait, err);
        if (result < 0)
            return result == -ENOENT ? op_reply_err(op, ENOENT) : result;
    }
    op->of = of;
    return 0;
}

bool op_has_names(const struct op *op)
{
    return op->fs->runs && fs_run_of(op->fs, op->ino) == &op->fs->own;
}

int op_find_names(struct op *op)
{
    op->of = &op->fs->own;
    if (!op_may_wait(op, OP_OPENING, (uintptr_t)op->fs))
        return -EAGAIN;
    runs_show_cached(op->fs->runs);
    return 0;
}

/* Answers a lookup in the mount's own tree from what is there; 0 where that is nothing. */
static int reply_known(struct op *op)
{
    struct run_slot *own = op->of;
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
static bool path_of(struct run_slot *own, fuse_ino_t parent, const char *name, struct strbuf *path)
{
    tree_lock_read(own->tree);
    int result = tree_path(fs_node(own, parent), path);
    tree_unlock(own->tree);
    strbuf_addf(path, "%s%s", path->len ? "/" : "", name);
    return result == 0 && !path->failed && runs_form_of(strbuf_text(path)) != RUNS_NOTHING;
}

/* A key for the executor: two paths may have the same, and share threads then. */
static uintptr_t hash_path(const char *path)
{
    uintptr_t hash = 5381;
    for (; *path; path++)
        hash = hash * 33 ^ (unsigned char)*path;
    return hash;
}

int op_lookup_name(struct op *op, struct error *err)
{
    struct fs *fs = op->fs;
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_MAX_BYTES);
    op->of = &fs->own;
    int result = reply_known(op);
    if (result)
        return result;
    if (!path_of(op->of, op->ino, op->name, &path))
        return reply_missing(op, clock_ms() + fs->config.refresh_ms);
    uint64_t until = runs_missing_until(fs->runs, strbuf_text(&path));
    if (until > clock_ms())
        return reply_missing(op, until);
    if (!op_may_wait(op, OP_OPENING, hash_path(strbuf_text(&path))))
        return -EAGAIN;
    struct wait wait = op_wait(op, OP_OPENING);
    result = runs_find(fs->runs, strbuf_text(&path), &wait, err);
    if (result < 0 && result != -ENOENT)
        return result;
    result = result == 0 ? reply_known(op) : 0;
    return result ? result : reply_missing(op, runs_missing_until(fs->runs, strbuf_text(&path)));
}
