#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "view/entry.h"

#define FLATTENED_UMASK 022U

/* One archive under way. */
struct adding {
    struct stage *stage;
    const struct part *part;
    size_t number; /* the part's */
    const struct member_table *table;
    struct strbuf member; /* the path of a member in the archive */
    struct strbuf path;   /* its logical path */
    struct strbuf target; /* that of a hard link */
};

static void adding_done(struct adding *adding)
{
    strbuf_done(&adding->member);
    strbuf_done(&adding->path);
    strbuf_done(&adding->target);
}

enum node_type member_node_type(const struct member_file *file)
{
    return file->type == MEMBER_DIRECTORY ? NODE_DIRECTORY
           : file->type == MEMBER_SYMLINK ? NODE_LINK
                                          : NODE_FILE;
}

uint16_t member_mode(const struct member_file *file)
{
    return (uint16_t)(file->made ? 0755 : file->mode & 0777);
}

static uint16_t flattened_mode(const struct member_file *file)
{
    return (uint16_t)(file->type == MEMBER_DIRECTORY ? 0777 & ~FLATTENED_UMASK
                                                     : runfs_flatten_mode(file->mode, FLATTENED_UMASK));
}

/* Makes PATH the logical path of REST below the row's path. */
static int place(const struct adding *adding, struct runfs_span rest, struct strbuf *path, struct error *err)
{
    const char *root = adding->part->row->row->path;
    strbuf_clear(path);
    strbuf_addf(path, "%s%s", root, root[0] && rest.len ? "/" : "");
    strbuf_add(path, rest.text, rest.len);
    return path->failed ? error_errno(err, path->failed, "%s", adding->part->archive.key) : 0;
}

/* Adds a hard link whose target is not in its archive: a name of what the row has placed where a line of the manifest leads the
   target. -ENOENT where nothing is there. */
static int add_name(struct adding *adding, const struct stage_entry *entry, const char *target,
                    struct error *err)
{
    struct stage_entry name = *entry;
    size_t cursor = 0;
    struct runfs_span rest;
    int result = -ENOENT;
    name.problem = NULL;
    while (result == -ENOENT &&
           runfs_flatten_target(adding->part->archive.places, target, strlen(target), &cursor, &rest)) {
        result = place(adding, rest, &adding->target, err);
        if (result == 0)
            result =
                stage_add_name(adding->stage, &name, strbuf_text(&adding->target), adding->target.len, err);
    }
    return result;
}

/* Adds member NUMBER at REST below the row's path. */
static int add(struct adding *adding, uint32_t number, struct runfs_span rest, const char *problem,
               struct error *err)
{
    const struct part *part = adding->part;
    const struct member_file *file = member_file(adding->table, number);
    bool flatten = part->row->row->type == RUNFS_ROW_FLATTEN;
    int result = place(adding, rest, &adding->path, err);
    if (result < 0)
        return result;
    struct stage_entry entry = {
        .path = strbuf_text(&adding->path),
        .path_len = adding->path.len,
        .type = member_node_type(file),
        .member = true,
        .overlay = part->row->row->overlay,
        .flatten = flatten,
        .inside = !flatten,
        .mode = flatten ? flattened_mode(file) : member_mode(file),
        .links = file->links < UINT16_MAX ? (uint16_t)file->links : UINT16_MAX,
        .origin = part->row->origin,
        .row = part->number,
        .archive = part->archive.index,
        .file = adding->table->members[number].file,
        .size = file->type == MEMBER_FILE ? file->size : 0,
        .mtime_ns = file->mtime_ns,
        .link = file->type == MEMBER_SYMLINK ? member_link(adding->table, file) : NULL,
        .problem = problem,
        .ref = (uint64_t)adding->number << 32 | number,
    };
    if (entry.link)
        entry.size = strlen(entry.link);
    if (flatten && file->type == MEMBER_BROKEN &&
        (result = add_name(adding, &entry, member_link(adding->table, file), err)) != -ENOENT)
        return result;
    return stage_add(adding->stage, &entry, err);
}

/* Why a member of this type cannot be flattened; NULL where it can. */
static const char *unflattened(const struct member_file *file)
{
    static const char *const why[MEMBER_TYPES] = {
        [MEMBER_CHARACTER] = "a character device cannot be flattened",
        [MEMBER_BLOCK] = "a block device cannot be flattened",
        [MEMBER_FIFO] = "a fifo cannot be flattened",
        [MEMBER_BROKEN] = "a hard link to what is not there",
    };
    return why[file->type];
}

static int add_flattened(struct adding *adding, uint32_t number, struct error *err)
{
    const struct member_file *file = member_file(adding->table, number);
    struct runfs_span whole = {strbuf_text(&adding->member), adding->member.len};
    struct runfs_span rest;
    if (file->made) /* for what is below it, which may have its place through another line */
        return 0;
    enum runfs_flatten_place place =
        runfs_flatten_place(adding->part->archive.places, whole.text, whole.len, &rest);
    if (place == RUNFS_FLATTEN_PLACED)
        return add(adding, number, rest, unflattened(file), err);
    if (place == RUNFS_FLATTEN_SKIPPED || (place == RUNFS_FLATTEN_ABOVE && file->type == MEMBER_DIRECTORY))
        return 0;
    return add(adding, number, whole, "no line of the archive's manifest leads to it", err);
}

static int add_member(struct adding *adding, uint32_t number, struct error *err)
{
    strbuf_clear(&adding->member);
    member_path(adding->table, number, &adding->member);
    if (adding->member.failed)
        return error_errno(err, adding->member.failed, "%s", adding->part->archive.key);
    if (adding->part->archive.places)
        return number ? add_flattened(adding, number, err) : 0;
    if (member_file(adding->table, number)->type == MEMBER_BROKEN)
        return 0;
    return add(adding, number, (struct runfs_span){strbuf_text(&adding->member), adding->member.len}, NULL,
               err);
}

static int compare_offsets(const void *a, const void *b, void *context)
{
    const struct member_table *table = context;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    uint64_t x_offset = member_file(table, x)->offset;
    uint64_t y_offset = member_file(table, y)->offset;
    return x_offset == y_offset ? (x > y) - (x < y) : (x_offset > y_offset) - (x_offset < y_offset);
}

/* All members in the order of the archive. Of two with one place the later one counts. */
static int add_in_order(struct adding *adding, struct error *err)
{
    uint32_t count = adding->table->member_count;
    _cleanup_free_ uint32_t *order = calloc(count, sizeof *order);
    if (!order)
        return error_errno(err, ENOMEM, "%s", adding->part->archive.key);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare_offsets, adding->part->archive.toc->members);
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < count; i++)
        result = add_member(adding, order[i], err);
    return result;
}

int parts_add_members(struct stage *stage, const struct part *part, size_t number, struct error *err)
{
    __attribute__((cleanup(adding_done))) struct adding adding = {
        .stage = stage,
        .part = part,
        .number = number,
        .table = part->archive.toc->members,
        .member = STRBUF_INIT(TREE_PATH_LIMIT),
        .path = STRBUF_INIT(TREE_PATH_LIMIT),
        .target = STRBUF_INIT(TREE_PATH_LIMIT),
    };
    int result = 0;
    if (part->archive.places && runfs_flatten_count(part->archive.places) > 1)
        return add_in_order(&adding, err);
    for (uint32_t i = 0; result == 0 && i < adding.table->member_count; i++)
        result = add_member(&adding, i, err);
    return result;
}
