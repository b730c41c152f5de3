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
    if (!run->config.archives && !run->guest && !run->view)
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
    _cleanup_strbuf_ struct strbuf name = STRBUF_INIT(RUN_PATH_LIMIT);
    struct object object;
    strbuf_add(&name, archive->key, archive->key_len);
    strbuf_adds(&name, suffix);
    path->max = RUN_PATH_LIMIT;
    const struct node *node = name.failed ? NULL : tree_find(stored, strbuf_text(&name));
    if (node && node->type == NODE_FILE && run_object(node, path, &object) == 0)
        *ret_object = object;
}

int run_get_archive(struct run *from, struct tree *stored, const struct object *object,
                    struct archive **ret_archive, struct error *err)
{
    _cleanup_strbuf_ struct strbuf sha256sum = STRBUF_INIT(RUN_PATH_LIMIT);
    _cleanup_strbuf_ struct strbuf sidecar = STRBUF_INIT(RUN_PATH_LIMIT);
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
    ret_found->key.max = RUN_PATH_LIMIT;
    int result = run_object(node, &ret_found->key, &ret_found->object);
    ret_found->from = result < 0 ? NULL : origins_at(run->origins, node->origin).run;
    if (!ret_found->from || !ret_found->from->archives)
        return error_set(err, ESTALE, "%s: the archive has been replaced", node_name(node));
    (void)snprintf(ret_found->etag, sizeof ret_found->etag, "%s", node_etag(node));
    ret_found->object.etag = ret_found->etag;
    return 0;
}

static enum node_type type_of(const struct member_file *file)
{
    return file->type == MEMBER_DIRECTORY ? NODE_DIRECTORY
           : file->type == MEMBER_SYMLINK ? NODE_LINK
                                          : NODE_FILE;
}

/* Whatever is no file, directory or link shows as an empty file. */
void run_describe_member(const struct member_file *file, const char *name, const char *link,
                         struct tree_member *ret_member)
{
    if (file->type != MEMBER_SYMLINK)
        link = "";
    *ret_member = (struct tree_member){
        .type = type_of(file),
        .name = name,
        .name_len = strlen(name),
        .link = link,
        .size = file->type == MEMBER_FILE ? file->size : strlen(link),
        .mtime_ns = file->mtime_ns,
        .mode = (uint16_t)(file->made ? 0755 : file->mode & 0777),
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
    result = archive_table(archive, wait, &toc, err);
    if (result == 0)
        result = run_graft(run, node, toc, err);
    archive_put(archive);
    return result;
}

/* The same for a directory of a view. */
static int grow_composed(struct run *run, struct node *node, struct composite *composite,
                         const struct wait *wait, struct error *err)
{
    int result = composite_grow(run, composite, node, wait, err);
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
    result =
        composite ? grow_composed(run, archive, composite, wait, err) : grow(run, archive, &found, wait, err);
    tree_forget(run->tree, archive, 1);
    return result;
}
