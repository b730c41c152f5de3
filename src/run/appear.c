/* Members that show as soon as the pass over their archive comes to them, and what becomes of them at its end; see run.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_internal.h"

#define TAR_BLOCK 512 /* contents begin at multiples of it, which so tell files of one name apart */

static const struct wait at_once = {0};

uint64_t run_early_offset(const struct node *node)
{
    return (uint64_t)node->in_archive.file * TAR_BLOCK;
}

bool run_same_member(const void *context, const struct node *early, const struct node *fresh)
{
    const struct member_table *table = context;
    const struct member_file *file = &table->files[fresh->in_archive.file];
    return early->size == fresh->size && early->mtime_ns == fresh->mtime_ns &&
           strcmp(node_link(early), node_link(fresh)) == 0 &&
           (file->type != MEMBER_FILE || (!file->sparse && run_early_offset(early) == file->offset));
}

void run_keep_inos(const struct node *directory, const struct member_table *table, uint32_t number,
                   uint64_t inos[])
{
    for (size_t i = 0; !directory->detached && i < directory->directory->count; i++) {
        const struct node *node = directory->directory->children[i];
        uint32_t entry;
        if (!node->early || member_entry(table, number, node_name(node), node->name_len, &entry) < 0)
            continue;
        if (node->type == NODE_DIRECTORY)
            run_keep_inos(node, table, entry, inos);
        else if (member_file(table, entry)->links > 1)
            inos[table->members[entry].file] = node->ino;
    }
}

static int show(struct run *run, struct node *directory, const char *name, const struct archive_member *found,
                struct error *err)
{
    struct tree_member member;
    run_describe_member(&found->file, name, found->link, &member);
    member.file = (uint32_t)(found->file.offset / TAR_BLOCK);
    if (found->file.made)
        member.mtime_ns = 0; /* its newest entry is still to come */
    return tree_sprout_early(run->tree, directory, &member) < 0 ? error_errno(err, ENOMEM, "%s", name) : 0;
}

/* Where the pass has ended: all members are in the tree then, or, where nothing may be trusted, none. */
static void settle(struct run *run, struct node *node, struct archive *archive)
{
    const struct toc *toc;
    int result = archive_table(archive, &at_once, &toc, NULL);
    if (result == -EBADMSG)
        tree_drop_early(run->tree, node);
    tree_lock_read(run->tree);
    bool needed = result == 0 && tree_needs_growing(node);
    tree_unlock(run->tree);
    if (needed)
        (void)run_graft(run, node, toc, NULL);
}

static bool is_noted(struct run *run, const struct node *node)
{
    const struct shown_early *shown;
    LIST_FOREACH(shown, &run->shown, link)
    {
        if (shown->node == node)
            return true;
    }
    return false;
}

/* Has the archive settled when its pass ends, where anybody wants to know. */
static void note_shown(struct run *run, struct node *node, struct archive *archive)
{
    (void)pthread_mutex_lock(&run->watch_lock);
    struct shown_early *shown = run->watch && !is_noted(run, node) ? malloc(sizeof *shown) : NULL;
    if (shown) {
        *shown = (struct shown_early){.archive = archive, .node = node};
        archive_hold(archive);
        (void)atomic_fetch_add(&node->lookups, 1);
        LIST_INSERT_HEAD(&run->shown, shown, link);
    }
    (void)pthread_mutex_unlock(&run->watch_lock);
}

/* One of those of ARCHIVE (NULL: of any), taken out of the list, to be given to settled(); NULL where there is none. */
static struct shown_early *take_shown(struct run *run, const struct archive *archive)
{
    struct shown_early *shown;
    (void)pthread_mutex_lock(&run->watch_lock);
    LIST_FOREACH(shown, &run->shown, link)
    {
        if (!archive || shown->archive == archive)
            break;
    }
    if (shown) {
        LIST_REMOVE(shown, link);
        run->settling++;
    }
    (void)pthread_mutex_unlock(&run->watch_lock);
    return shown;
}

static void settled(struct run *run, struct shown_early *shown)
{
    tree_forget(run->tree, shown->node, 1);
    archive_put(shown->archive);
    free(shown);
    (void)pthread_mutex_lock(&run->watch_lock);
    run->settling--;
    (void)pthread_cond_broadcast(&run->settled);
    (void)pthread_mutex_unlock(&run->watch_lock);
}

void run_forget_shown(struct run *run)
{
    struct shown_early *shown;
    while ((shown = take_shown(run, NULL)))
        settled(run, shown);
    (void)pthread_mutex_lock(&run->watch_lock);
    while (run->settling)
        (void)pthread_cond_wait(&run->settled, &run->watch_lock);
    (void)pthread_mutex_unlock(&run->watch_lock);
}

static void tell(struct run *run)
{
    (void)pthread_mutex_lock(&run->watch_lock);
    if (run->watch)
        run->watch(run->watch_context);
    (void)pthread_mutex_unlock(&run->watch_lock);
}

void run_archive_ended(void *context, struct archive *archive)
{
    struct run *run = ((struct run *)context)->host;
    struct shown_early *shown;
    const struct toc *toc;
    int result = archive_table(archive, &at_once, &toc, NULL);
    if (result < 0 && result != -EBADMSG)
        return; /* there will be another pass, or none that anybody waits for */
    while ((shown = take_shown(run, archive))) {
        settle(run, shown->node, archive);
        settled(run, shown);
    }
    tell(run);
}

void run_on_settled(struct run *run, run_settled_fn fn, void *context)
{
    (void)pthread_mutex_lock(&run->watch_lock);
    run->watch = fn;
    run->watch_context = context;
    (void)pthread_mutex_unlock(&run->watch_lock);
}

/* Appends the path of NAME in DIRECTORY, which is ARCHIVE or lies in it. */
static int add_member_path(const struct node *archive, const struct node *directory, const char *name,
                           struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf above = STRBUF_INIT(RUN_PATH_LIMIT);
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUN_PATH_LIMIT);
    int result = tree_path(archive, &above);
    if (result == 0)
        result = tree_path(directory, &path);
    if (result < 0)
        return result;
    if (directory != archive)
        strbuf_addf(out, "%s/", strbuf_text(&path) + above.len + 1);
    strbuf_adds(out, name);
    return -out->failed;
}

/* A name to grow. */
struct wanted {
    struct node *directory;
    const char *name;
    const char *path; /* below the archive */
};

static int grow_name(struct run *run, struct node *node, struct archive *archive, const struct wanted *wanted,
                     const struct wait *wait, struct error *err)
{
    struct archive_member member;
    const struct toc *toc;
    int result = archive_find(archive, wanted->path, wait, &toc, &member, err);
    if (result < 0)
        return result;
    if (toc)
        return run_graft(run, node, toc, err);
    note_shown(run, node, archive);
    result = show(run, wanted->directory, wanted->name, &member, err);
    settle(run, node, archive); /* the pass may have ended meanwhile */
    return result;
}

int run_grow_name(struct run *run, struct node *directory, const char *name, const struct wait *wait,
                  struct error *err)
{
    __attribute__((cleanup(run_found_done))) struct run_found found = {0};
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUN_PATH_LIMIT);
    struct node *node = NULL;
    struct archive *archive;
    int result = 0;
    tree_lock_read(run->tree);
    bool needed = tree_needs_growing(directory);
    bool whole = needed && node_is_stage(tree_archive_of(directory));
    if (needed && !whole)
        node = run_find_archive(run, directory, &found, &result, err);
    if (node && add_member_path(node, directory, name, &path) < 0)
        result = error_errno(err, ENOMEM, "%s", name);
    tree_unlock(run->tree);
    if (whole)
        return run_grow(run, directory, wait, err);
    if (!node)
        return result;
    if (result == 0)
        result = run_open_found(run, node, &found, &archive, err);
    if (result == 0) {
        struct wanted wanted = {directory, name, strbuf_text(&path)};
        result = grow_name(run, node, archive, &wanted, wait, err);
        archive_put(archive);
    }
    tree_forget(run->tree, node, 1);
    return result;
}
