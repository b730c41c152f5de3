/* Members of archives in the tree: all of them once the table of contents is there, and before that, one by one, those that are
   looked for: as provisional nodes (tree.h), which are settled when the pass over the archive has ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/run_internal.h"

#define TAR_BLOCK 512 /* contents begin at multiples of it, so files of one name differ in it */

static const struct wait at_once = {0};

static void describe_member(const struct member_file *file, const char *name, const char *link,
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

/* Files of several names, one of which shows provisionally below DIRECTORY, member NUMBER, keep the inode number that this has: in INOS, by
   file. The read lock is held. */
static void keep_inos(const struct node *directory, const struct member_table *table, uint32_t number,
                      uint64_t inos[])
{
    for (size_t i = 0; !directory->detached && i < directory->directory->count; i++) {
        const struct node *node = directory->directory->children[i];
        uint32_t entry;
        if (!node->provisional || member_entry(table, number, node_name(node), node->name_len, &entry) < 0)
            continue;
        if (node->type == NODE_DIRECTORY)
            keep_inos(node, table, entry, inos);
        else if (member_file(table, entry)->links > 1)
            inos[table->members[entry].file] = node->ino;
    }
}

/* Makes the node of a member, whose parent has one; the first member is the root, for ARCHIVE. Names of one file have the inode
   number of the first, or of one that showed provisionally. A hard link to nothing is not shown. */
static int make_node(const struct member_table *table, uint32_t number, const struct node *archive,
                     struct node *nodes[], uint64_t inos[])
{
    struct tree_member member;
    const struct member_file *file = member_file(table, number);
    uint32_t file_number = table->members[number].file;
    struct node *parent = number ? nodes[table->members[number].parent] : NULL;
    if (number && (file->type == MEMBER_BROKEN || !parent))
        return 0;
    describe_member(file, member_name(table, number), member_link(table, file), &member);
    member.file = file_number;
    member.ino = number ? inos[file_number] : 0;
    nodes[number] = tree_new_member(parent, archive, &member);
    if (!nodes[number])
        return -ENOMEM;
    if (number)
        inos[file_number] = nodes[number]->ino;
    return 0;
}

uint64_t run_provisional_offset(const struct node *node)
{
    return (uint64_t)node->in_archive.file * TAR_BLOCK;
}

/* For tree_attach_members(), with the member_table as its context. */
static bool is_same_member(const void *context, const struct node *provisional, const struct node *fresh)
{
    const struct member_table *table = context;
    const struct member_file *file = &table->files[fresh->in_archive.file];
    return provisional->size == fresh->size && provisional->mtime_ns == fresh->mtime_ns &&
           strcmp(node_link(provisional), node_link(fresh)) == 0 &&
           (file->type != MEMBER_FILE ||
            (!file->sparse && run_provisional_offset(provisional) == file->offset));
}

/* Puts all members of an archive into the tree. */
static int put_all(struct run *run, struct node *archive, const struct toc *toc, struct error *err)
{
    const struct member_table *table = toc->members;
    _cleanup_free_ struct node **nodes = calloc(table->member_count, sizeof(struct node *));
    _cleanup_free_ uint64_t *inos = calloc(table->file_count, sizeof *inos);
    int result = nodes && inos ? 0 : -ENOMEM;
    if (result == 0) {
        tree_lock_read(run->tree);
        keep_inos(archive, table, 0, inos);
        tree_unlock(run->tree);
    }
    for (uint32_t number = 0; result == 0 && number < table->member_count; number++)
        result = make_node(table, number, archive, nodes, inos);
    if (result == 0)
        tree_attach_members(run->tree, archive, nodes[0], is_same_member, table);
    else if (nodes)
        tree_free_members(nodes[0]);
    return result < 0 ? error_errno(err, -result, "%s", node_name(archive)) : 0;
}

/* Puts one member, which a pass has found, into DIRECTORY. */
static int put_provisional(struct run *run, struct node *directory, const char *name,
                           const struct archive_member *found, struct error *err)
{
    struct tree_member member;
    describe_member(&found->file, name, found->link, &member);
    member.file = (uint32_t)(found->file.offset / TAR_BLOCK);
    if (found->file.made)
        member.mtime_ns = 0; /* its newest entry is still to come */
    return tree_add_provisional(run->tree, directory, &member) < 0 ? error_errno(err, ENOMEM, "%s", name) : 0;
}

/* Where the pass has ended: all members are in the tree then, or, where nothing may be trusted, none. */
static void settle_archive(struct run *run, struct node *node, struct archive *archive)
{
    const struct toc *toc;
    int result = archive_table(archive, &at_once, &toc, NULL);
    if (result == -EBADMSG)
        tree_drop_provisional(run->tree, node);
    tree_lock_read(run->tree);
    bool needed = result == 0 && !tree_is_populated(node);
    tree_unlock(run->tree);
    if (needed)
        (void)put_all(run, node, toc, NULL);
}

/* The watch_lock is held. */
static struct provisional_archive *find_shown(struct run *run, const struct node *node,
                                              const struct archive *archive)
{
    struct provisional_archive *shown;
    LIST_FOREACH(shown, &run->shown, link)
    {
        if ((!node || shown->node == node) && (!archive || shown->archive == archive))
            break;
    }
    return shown;
}

/* Has the archive settled when its pass ends, where there is a watcher. */
static void note_shown(struct run *run, struct node *node, struct archive *archive)
{
    archive_hold(archive);
    lock_take(&run->watch_lock);
    bool wanted = run->watch && !find_shown(run, node, NULL);
    struct provisional_archive *shown = wanted ? malloc(sizeof *shown) : NULL;
    if (shown) {
        *shown = (struct provisional_archive){.archive = archive, .node = node};
        (void)atomic_fetch_add(&node->lookups, 1);
        LIST_INSERT_HEAD(&run->shown, shown, link);
    }
    lock_drop(&run->watch_lock);
    if (!shown)
        archive_put(archive);
}

/* Forgets what was noted of ARCHIVE, whose pass has ended, after it is settled, and calls the watcher; NULL: of any, which is given
   up. */
static void settle_shown(struct run *run, struct archive *archive)
{
    struct provisional_archive *shown;
    lock_take(&run->watch_lock);
    run->settling++;
    while ((shown = find_shown(run, NULL, archive))) {
        LIST_REMOVE(shown, link);
        lock_drop(&run->watch_lock);
        if (archive)
            settle_archive(run, shown->node, archive);
        tree_forget(run->tree, shown->node, 1);
        archive_put(shown->archive);
        free(shown);
        lock_take(&run->watch_lock);
    }
    run_settled_fn watch = archive ? run->watch : NULL;
    void *context = run->watch_context;
    lock_drop(&run->watch_lock);
    lock_assert_none("calls the watcher of a run");
    if (watch)
        watch(context);
    lock_take(&run->watch_lock);
    run->settling--;
    (void)pthread_cond_broadcast(&run->settled);
    lock_drop(&run->watch_lock);
}

void run_forget_shown(struct run *run)
{
    settle_shown(run, NULL);
    run_on_settled(run, NULL, NULL);
}

void run_archive_ended(void *context, struct archive *archive)
{
    const struct toc *toc;
    int result = archive_table(archive, &at_once, &toc, NULL);
    if (result == 0 || result == -EBADMSG) /* else a later pass settles, if an operation waits for it */
        settle_shown(((struct run *)context)->host, archive);
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

/* What is to be put into the tree: NAME in DIRECTORY, or all that is there; copied of the tree while its lock is held. */
struct wanted {
    struct node *directory;
    const char *name;   /* NULL: all */
    struct strbuf path; /* of the name, below the archive */
    struct node *node;  /* the directory of the archive, with a reference as the kernel's; NULL: nothing */
    struct composite *composite; /* that it leads to, where it is composed; a reference */
    struct strbuf key;           /* else the archive: */
    char etag[NODE_ETAG_MAX];
    struct object object;
    struct run *from;
};

/* Appends the path of NAME in DIRECTORY, which is ARCHIVE or in it. */
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

/* The read lock is held. */
static int find_wanted(struct run *run, struct wanted *wanted, struct error *err)
{
    struct node *node = (struct node *)(uintptr_t)tree_archive_of(wanted->directory);
    if (node_is_stage(node)) {
        wanted->composite = composite_hold(node->directory->content);
    } else {
        int result = run_object(node, &wanted->key, &wanted->object);
        wanted->from = result < 0 ? NULL : origins_at(run->origins, node->origin).run;
        if (!wanted->from || !wanted->from->archives)
            return error_set(err, ESTALE, "%s: the archive has been replaced", node_name(node));
        (void)snprintf(wanted->etag, sizeof wanted->etag, "%s", node_etag(node));
        wanted->object.etag = wanted->etag;
        if (wanted->name && add_member_path(node, wanted->directory, wanted->name, &wanted->path) < 0)
            return error_errno(err, ENOMEM, "%s", wanted->name);
    }
    (void)atomic_fetch_add(&node->lookups, 1);
    wanted->node = node;
    return 0;
}

static void release_archive(void *content)
{
    archive_put(content);
}

/* Opens the archive, to which its directory leads from now on. With a reference for the caller. */
static int open_wanted(struct run *run, const struct wanted *wanted, struct archive **ret_archive,
                       struct error *err)
{
    struct archive *archive;
    struct node *node = wanted->node;
    int result = run_get_archive(wanted->from, wanted->from->stored, &wanted->object, &archive, err);
    if (result < 0)
        return result;
    tree_lock_read(run->tree);
    bool attached = node->detached || node->directory->content;
    tree_unlock(run->tree);
    if (!attached) {
        archive_hold(archive);
        if (!tree_attach(run->tree, node, archive, release_archive))
            archive_put(archive);
    }
    *ret_archive = archive;
    return 0;
}

static int populate_from(struct run *run, const struct wanted *wanted, struct archive *archive,
                         const struct wait *wait, struct error *err)
{
    struct archive_member member;
    const struct toc *toc = NULL;
    int result = wait->timeout_ms ? -EAGAIN : archive_table_kept(archive, &toc);
    if (result == -EAGAIN && wanted->name)
        result = archive_find(archive, strbuf_text(&wanted->path), wait, &toc, &member, err);
    else if (result == -EAGAIN && wait->timeout_ms)
        result = archive_table(archive, wait, &toc, err);
    if (result < 0)
        return result;
    if (toc)
        return put_all(run, wanted->node, toc, err);
    note_shown(run, wanted->node, archive);
    result = put_provisional(run, wanted->directory, wanted->name, &member, err);
    settle_archive(run, wanted->node, archive); /* the pass may have ended since */
    return result;
}

static int populate_wanted(struct run *run, const struct wanted *wanted, const struct wait *wait,
                           struct error *err)
{
    struct archive *archive;
    assert_may_wait("gets the members of an archive");
    if (wanted->composite)
        return composite_populate(&run->composition, wanted->composite, wanted->node, wait, err);
    int result = open_wanted(run, wanted, &archive, err);
    if (result < 0)
        return result;
    result = populate_from(run, wanted, archive, wait, err);
    archive_put(archive);
    return result;
}

int run_populate(struct run *run, struct node *directory, const char *name, const struct wait *wait,
                 struct error *err)
{
    struct wanted wanted = {.directory = directory,
                            .name = name,
                            .path = STRBUF_INIT(TREE_PATH_LIMIT),
                            .key = STRBUF_INIT(TREE_PATH_LIMIT)};
    tree_lock_read(run->tree);
    int result = !tree_is_populated(directory) ? find_wanted(run, &wanted, err) : 0;
    tree_unlock(run->tree);
    if (wanted.node) {
        result = populate_wanted(run, &wanted, wait, err);
        tree_forget(run->tree, wanted.node, 1);
    }
    composite_put(wanted.composite);
    strbuf_done(&wanted.path);
    strbuf_done(&wanted.key);
    return result;
}
