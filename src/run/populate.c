/* Archives in the tree: getting their members there, and opening them; see run.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/run_internal.h"

#define DECODED_POOL_BYTES (24U * 1024 * 1024)

static int open_object(void *context, const struct object *object, struct reader **ret_reader,
                       struct error *err)
{
    return run_open_object(context, object, ret_reader, err);
}

static void bound(void *context, struct reader *reader, uint64_t end)
{
    const struct run *run = context;
    if (run->cache)
        cache_reader_bound(reader, end);
}

static bool here(void *context, const struct object *object)
{
    const struct run *run = context;
    return !run->cache || cache_bytes_here(run->cache, object) >= object->size;
}

int run_open_archives(struct run *run, struct error *err)
{
    struct archives_config config = {
        .open = open_object,
        .bound = bound,
        .ended = run_archive_ended,
        .here = here,
        .context = run,
        .note = run->config.note,
        .disk = run->disk,
        .pool_bytes = DECODED_POOL_BYTES,
        .readahead = run->config.readahead,
        .timeout_ms = run->config.timeout_ms,
        .verify = run->config.verify,
    };
    if (!run->config.archives && !run->guest && !run->composition.view)
        return 0;
    const char *endpoint = run->local ? "local" : server_endpoint(run->server);
    free(run->decoded_endpoint);
    if (asprintf(&run->decoded_endpoint, "decoded %s", endpoint) < 0) {
        run->decoded_endpoint = NULL;
        return error_errno(err, ENOMEM, "archives");
    }
    config.scope =
        (struct cache_scope){run->decoded_endpoint, run->local ? "" : run->root.bucket, run->prefix};
    return archives_open(&config, &run->archives, err);
}

/* The companion of an archive, its key with SUFFIX behind it, as STORED has it; leaves OBJECT without a key where there is
   none. The read lock is held. */
static void find_companion(struct tree *stored, const struct object *archive, const char *suffix,
                           struct strbuf *path, struct object *ret_object)
{
    _cleanup_strbuf_ struct strbuf name = STRBUF_INIT(TREE_PATH_LIMIT);
    struct object object;
    strbuf_add(&name, archive->key, archive->key_len);
    strbuf_adds(&name, suffix);
    path->max = TREE_PATH_LIMIT;
    const struct node *node = name.failed ? NULL : tree_find(stored, strbuf_text(&name));
    if (node && node->type == NODE_FILE && run_object(node, path, &object) == 0)
        *ret_object = object;
}

int run_get_archive(struct run *from, struct tree *stored, const struct object *object,
                    struct archive **ret_archive, struct error *err)
{
    _cleanup_strbuf_ struct strbuf sha256sum = STRBUF_INIT(TREE_PATH_LIMIT);
    _cleanup_strbuf_ struct strbuf sidecar = STRBUF_INIT(TREE_PATH_LIMIT);
    struct archive_objects objects = {.archive = *object};
    tree_lock_read(stored);
    find_companion(stored, object, ".sha256sum", &sha256sum, &objects.sha256sum);
    find_companion(stored, object, ".runfs-toc", &sidecar, &objects.sidecar);
    int result = archives_get(from->archives, &objects, ret_archive, err);
    tree_unlock(stored);
    return result;
}

void run_found_done(struct run_found *found)
{
    strbuf_done(&found->key);
}

/* The read lock is held. */
static int find_archive(struct run *run, const struct node *node, struct run_found *ret_found,
                        struct error *err)
{
    ret_found->key.max = TREE_PATH_LIMIT;
    int result = run_object(node, &ret_found->key, &ret_found->object);
    ret_found->from = result < 0 ? NULL : origins_at(run->origins, node->origin).run;
    if (!ret_found->from || !ret_found->from->archives)
        return error_set(err, ESTALE, "%s: the archive has been replaced", node_name(node));
    (void)snprintf(ret_found->etag, sizeof ret_found->etag, "%s", node_etag(node));
    ret_found->object.etag = ret_found->etag;
    return 0;
}

void run_describe_member(const struct member_file *file, const char *name, const char *link,
                         struct tree_member *ret_member)
{
    if (file->type != MEMBER_SYMLINK)
        link = "";
    *ret_member = (struct tree_member){
        .type = member_node_type(file),
        .name = name,
        .name_len = strlen(name),
        .link = link,
        .size = file->type == MEMBER_FILE ? file->size : strlen(link),
        .mtime_ns = file->mtime_ns,
        .mode = member_mode(file),
        .links = file->links < UINT16_MAX ? (uint16_t)file->links : UINT16_MAX,
    };
}

static void describe(const struct member_table *table, uint32_t number, struct tree_member *ret_member)
{
    const struct member_file *file = member_file(table, number);
    run_describe_member(file, member_name(table, number), member_link(table, file), ret_member);
    ret_member->file = table->members[number].file;
}

/* Grows one member. Names of one file have the inode number of the first, or of one that showed early. A hard link to nothing is not shown. */
static int sprout(const struct member_table *table, uint32_t number, struct node *nodes[], uint64_t inos[])
{
    struct tree_member member;
    const struct member_file *file = member_file(table, number);
    struct node *parent = nodes[table->members[number].parent];
    if (file->type == MEMBER_BROKEN || !parent)
        return 0;
    describe(table, number, &member);
    member.ino = inos[member.file];
    nodes[number] = tree_sprout(parent, NULL, &member);
    if (!nodes[number])
        return -ENOMEM;
    inos[member.file] = nodes[number]->ino;
    return 0;
}

static struct node *sprout_all(struct run *run, const struct node *archive, const struct member_table *table)
{
    _cleanup_free_ struct node **nodes = calloc(table->member_count, sizeof(struct node *));
    _cleanup_free_ uint64_t *inos = calloc(table->file_count, sizeof *inos);
    struct tree_member member;
    if (!nodes || !inos)
        return NULL;
    tree_lock_read(run->tree);
    run_keep_inos(archive, table, 0, inos);
    tree_unlock(run->tree);
    describe(table, 0, &member);
    nodes[0] = tree_sprout(NULL, archive, &member);
    for (uint32_t number = 1; nodes[0] && number < table->member_count; number++) {
        if (sprout(table, number, nodes, inos) == 0)
            continue;
        tree_sprout_free(nodes[0]);
        return NULL;
    }
    return nodes[0];
}

int run_graft(struct run *run, struct node *node, const struct toc *toc, struct error *err)
{
    struct node *root = sprout_all(run, node, toc->members);
    if (!root)
        return error_errno(err, ENOMEM, "%s", node_name(node));
    tree_graft(run->tree, node, root, run_same_member, toc->members);
    return 0;
}

struct node *run_find_archive(struct run *run, const struct node *node, struct run_found *found,
                              int *ret_result, struct error *err)
{
    struct node *archive = (struct node *)(uintptr_t)tree_archive_of(node);
    *ret_result = find_archive(run, archive, found, err);
    if (*ret_result < 0)
        return NULL;
    (void)atomic_fetch_add(&archive->lookups, 1);
    return archive;
}

static void release(void *content)
{
    archive_put(content);
}

int run_open_found(struct run *run, struct node *node, const struct run_found *found,
                   struct archive **ret_archive, struct error *err)
{
    struct archive *archive;
    int result = run_get_archive(found->from, found->from->stored, &found->object, &archive, err);
    if (result < 0)
        return result;
    tree_lock_read(run->tree);
    bool attached = node->detached || node->directory->content;
    tree_unlock(run->tree);
    if (!attached) {
        archive_hold(archive);
        if (!tree_attach(run->tree, node, archive, release))
            archive_put(archive);
    }
    *ret_archive = archive;
    return 0;
}

static int grow(struct run *run, struct node *node, const struct run_found *found, const struct wait *wait,
                struct error *err)
{
    struct archive *archive;
    const struct toc *toc;
    int result = run_open_found(run, node, found, &archive, err);
    if (result < 0)
        return result;
    result = wait->timeout_ms ? archive_table(archive, wait, &toc, err) : archive_table_kept(archive, &toc);
    if (result == 0)
        result = run_graft(run, node, toc, err);
    archive_put(archive);
    return result;
}

/* The same for a directory of a view. */
static int grow_composed(struct run *run, struct node *node, struct composite *composite,
                         const struct wait *wait, struct error *err)
{
    int result = composite_grow(&run->composition, composite, node, wait, err);
    composite_put(composite);
    return result;
}

int run_grow(struct run *run, struct node *node, const struct wait *wait, struct error *err)
{
    __attribute__((cleanup(run_found_done))) struct run_found found = {0};
    struct node *archive = NULL;
    struct composite *composite = NULL;
    int result = 0;
    tree_lock_read(run->tree);
    bool needed = tree_needs_growing(node);
    if (needed && node_is_stage(tree_archive_of(node))) {
        archive = node; /* a composed directory is there whole or not at all */
        composite = composite_hold(node->directory->content);
        (void)atomic_fetch_add(&node->lookups, 1);
    } else if (needed) {
        archive = run_find_archive(run, node, &found, &result, err);
    }
    tree_unlock(run->tree);
    if (!archive)
        return result;
    assert_may_wait("gets the members of an archive");
    result =
        composite ? grow_composed(run, archive, composite, wait, err) : grow(run, archive, &found, wait, err);
    tree_forget(run->tree, archive, 1);
    return result;
}

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
    struct shown_early *shown = malloc(sizeof *shown);
    if (!shown)
        return;
    *shown = (struct shown_early){.archive = archive, .node = node};
    archive_hold(archive);
    lock_take(&run->watch_lock);
    bool wanted = run->watch && !is_noted(run, node);
    if (wanted) {
        (void)atomic_fetch_add(&node->lookups, 1);
        LIST_INSERT_HEAD(&run->shown, shown, link);
    }
    lock_drop(&run->watch_lock);
    if (wanted)
        return;
    archive_put(archive);
    free(shown);
}

/* One of those of ARCHIVE (NULL: of any), taken out of the list, to be given to settled(); NULL where there is none. */
static struct shown_early *take_shown(struct run *run, const struct archive *archive)
{
    struct shown_early *shown;
    lock_take(&run->watch_lock);
    LIST_FOREACH(shown, &run->shown, link)
    {
        if (!archive || shown->archive == archive)
            break;
    }
    if (shown) {
        LIST_REMOVE(shown, link);
        run->settling++;
    }
    lock_drop(&run->watch_lock);
    return shown;
}

/* The end of what take_shown() or tell() has begun. */
static void end_settling(struct run *run)
{
    lock_take(&run->watch_lock);
    run->settling--;
    (void)pthread_cond_broadcast(&run->settled);
    lock_drop(&run->watch_lock);
}

static void settled(struct run *run, struct shown_early *shown)
{
    tree_forget(run->tree, shown->node, 1);
    archive_put(shown->archive);
    free(shown);
    end_settling(run);
}

void run_forget_shown(struct run *run)
{
    struct shown_early *shown;
    while ((shown = take_shown(run, NULL)))
        settled(run, shown);
    run_on_settled(run, NULL, NULL);
}

/* Calls the watcher, unlocked. */
static void tell(struct run *run)
{
    lock_take(&run->watch_lock);
    run_settled_fn watch = run->watch;
    void *context = run->watch_context;
    run->settling++;
    lock_drop(&run->watch_lock);
    lock_assert_none("calls the watcher of a run");
    if (watch)
        watch(context);
    end_settling(run);
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
    lock_take(&run->watch_lock);
    run->watch = fn;
    run->watch_context = context;
    while (!fn && run->settling)
        lock_wait(&run->watch_lock, &run->settled);
    lock_drop(&run->watch_lock);
}

/* Appends the path of NAME in DIRECTORY, which is ARCHIVE or lies in it. */
static int add_member_path(const struct node *archive, const struct node *directory, const char *name,
                           struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf above = STRBUF_INIT(TREE_PATH_LIMIT);
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
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
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
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
    assert_may_wait("gets a member of an archive");
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
