/* Members of archives, wherever they are shown: their bytes, where these come from, what is wrong with them. */
#include <errno.h>
#include <string.h>

#include "run/run_internal.h"

/* The part that NODE is a member of, where that is in a composed directory; else NULL. */
static const struct part *part_of(const struct node *node)
{
    const struct node *directory = tree_archive_of(node);
    const struct composite *composite =
        directory && node_is_stage(directory) ? directory->directory->content : NULL;
    return composite && node->member && node->archive < composite->parts.archives
               ? composite->archives[node->archive]
               : NULL;
}

/* The opened archive that NODE is in, or is; NULL where there is none. */
static struct archive *archive_of(const struct node *node)
{
    const struct node *directory = tree_archive_of(node);
    const struct part *part = part_of(node);
    if (part)
        return part->archive.archive;
    return directory && !node_is_stage(directory) ? directory->directory->content : NULL;
}

int run_find_member(const struct node *node, struct run_member *ret_member, struct error *err)
{
    struct archive *archive = archive_of(node);
    if (!archive)
        return error_set(err, ESTALE, "%s: the archive has been replaced", node_name(node));
    archive_hold(archive);
    *ret_member = (struct run_member){
        .archive = archive,
        .provisional = node->provisional,
        .offset = node->provisional ? run_provisional_offset(node) : node->in_archive.file,
        .size = node->size,
    };
    return 0;
}

int run_open_member(const struct run_member *member, struct reader **ret_reader, struct error *err)
{
    int result = member->provisional
                     ? archive_open_early(member->archive, member->offset, member->size, ret_reader, err)
                     : archive_open_file(member->archive, (uint32_t)member->offset, ret_reader, err);
    archive_put(member->archive);
    return result;
}

/* The first of the names that a member's file has in its archive. */
static void add_member_path(const struct part *part, uint32_t file, struct strbuf *out)
{
    const struct member_table *table = part->archive.toc->members;
    for (uint32_t i = 0; i < table->member_count; i++)
        if (table->members[i].file == file) {
            member_path(table, i, out);
            return;
        }
}

/* Where a file of this machine is that a local row shows. */
static int local_source(const struct run *run, const struct node *node, struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf key = STRBUF_INIT(TREE_PATH_LIMIT);
    for (size_t i = 0; run->composition.view && i < run->composition.view->count; i++) {
        const struct view_row *row = &run->composition.view->rows[i];
        if (!row->local || row->origin != node->origin || tree_key(node, &key) < 0)
            continue;
        strbuf_adds(out, row->local);
        if (!row->name && key.len)
            strbuf_addf(out, "/%s", strbuf_text(&key));
        return -out->failed;
    }
    return -ENODATA;
}

/* In an archive's own directory a member has the path that it has in the archive. */
static int direct_source(const struct node *node, struct strbuf *out)
{
    const struct node *archive = tree_archive_of(node);
    _cleanup_strbuf_ struct strbuf directory = STRBUF_INIT(TREE_PATH_LIMIT);
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
    if (tree_path(archive, &directory) < 0 || tree_path(node, &path) < 0)
        return -ENODATA;
    int result = tree_key(archive, out);
    strbuf_addf(out, " %s", strbuf_text(&path) + directory.len + 1);
    return result < 0 ? result : -out->failed;
}

int run_member_source(struct run *run, const struct node *node, struct strbuf *out)
{
    const struct node *archive = tree_archive_of(node);
    const struct part *part = part_of(node);
    if (!node->member)
        return local_source(run, node, out);
    if (!part)
        return archive && archive->parent ? direct_source(node, out) : -ENODATA;
    if (part->row->row->bind)
        strbuf_addf(out, "%s:", part->row->row->bind);
    strbuf_addf(out, "%s ", part->archive.key);
    add_member_path(part, node->in_archive.file, out);
    return -out->failed;
}

int run_member_sha256(struct run *run, const struct node *node, struct strbuf *out)
{
    struct archive *archive = archive_of(node);
    (void)run;
    return archive && node->member && !node->provisional
               ? archive_file_sha256(archive, node->in_archive.file, out)
               : -ENODATA;
}

int run_problem(struct run *run, const struct node *node, struct strbuf *out)
{
    char text[ERROR_MESSAGE_MAX] = "";
    const char *problem = node_problem(node);
    struct archive *archive = problem ? NULL : archive_of(node);
    (void)run;
    if (!problem && node_is_stage(node))
        return composite_problem(node->directory->content, out);
    if (archive)
        archive_problem(archive, text, sizeof text);
    strbuf_adds(out, problem ? problem : text);
    return out->len ? 0 : -ENODATA;
}
