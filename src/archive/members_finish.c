/* From a collection of members to the table: breadth first, entries in order, what lost its names left out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/members_internal.h"
#include "base/cleanup.h"

/* Children by parent: those of node N are CHILDREN[STARTS[N]] and the ones that follow. */
struct families {
    uint32_t *starts;   /* owned */
    uint32_t *children; /* owned */
};

static void families_done(struct families *families)
{
    free(families->starts);
    free(families->children);
}

static int find_families(const struct members *members, struct families *families)
{
    size_t count = members->node_count;
    _cleanup_free_ uint32_t *filled = calloc(count, sizeof *filled);
    families->starts = calloc(count, sizeof *families->starts);
    families->children = calloc(count, sizeof *families->children);
    if (!filled || !families->starts || !families->children)
        return -ENOMEM;
    for (size_t i = 1; i < count; i++)
        families->starts[i] = families->starts[i - 1] + members->nodes[i - 1].children;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t parent = members->nodes[i].parent;
        families->children[families->starts[parent] + filled[parent]++] = i;
    }
    return 0;
}

static int compare_names(const void *a, const void *b, void *context)
{
    const struct members *members = context;
    const struct members_node *left = &members->nodes[*(const uint32_t *)a];
    const struct members_node *right = &members->nodes[*(const uint32_t *)b];
    return member_name_compare(members->text.data + left->name, left->name_len,
                               members->text.data + right->name, right->name_len);
}

/* The table being made, and which of its files each of the collection's became. */
struct making {
    struct members *members;
    struct member_table *table;
    uint32_t *numbers; /* owned; by file of the collection, one more than the number in the table */
};

/* Copies a file with what belongs to it. */
static uint32_t copy_file(struct making *making, uint32_t number)
{
    struct member_table *table = making->table;
    struct member_file *file = &table->files[table->file_count];
    if (making->numbers[number])
        return making->numbers[number] - 1;
    *file = making->members->files[number];
    if (file->type == MEMBER_SYMLINK || file->type == MEMBER_BROKEN)
        file->first = member_table_add_text(table, making->members->text.data + file->first, file->count);
    if (file->sparse) {
        if (file->count)
            memcpy(table->extents + table->extent_count, making->members->extents + file->first,
                   file->count * sizeof *table->extents);
        file->first = table->extent_count;
        table->extent_count += file->count;
    }
    making->numbers[number] = ++table->file_count;
    return table->file_count - 1;
}

static void copy_name(struct making *making, uint32_t node, uint32_t parent)
{
    struct member_table *table = making->table;
    const struct members_node *from = &making->members->nodes[node];
    table->members[table->member_count++] = (struct member){
        .parent = parent,
        .file = copy_file(making, from->file),
        .name = member_table_add_text(table, making->members->text.data + from->name, from->name_len),
        .name_len = from->name_len,
        .depth = from->depth,
    };
}

/* Names in breadth first order. ORDER, as long as there are nodes, is which node each member was. */
static void copy_names(struct making *making, struct families *families, uint32_t *order)
{
    struct members *members = making->members;
    struct member_table *table = making->table;
    copy_name(making, 0, 0);
    order[0] = 0;
    for (uint32_t i = 0; i < table->member_count; i++) {
        const struct members_node *node = &members->nodes[order[i]];
        struct member_file *file = &table->files[table->members[i].file];
        uint32_t *children = families->children + families->starts[order[i]];
        if (file->type != MEMBER_DIRECTORY)
            continue;
        if (node->children)
            qsort_r(children, node->children, sizeof *children, compare_names, members);
        file->first = table->member_count;
        file->count = node->children;
        for (uint32_t j = 0; j < file->count; j++) {
            order[table->member_count] = children[j];
            copy_name(making, children[j], i);
        }
    }
}

int members_finish(struct members *members, struct member_table **ret_table, struct error *err)
{
    __attribute__((cleanup(families_done))) struct families families = {0};
    _cleanup_free_ uint32_t *order = calloc(members->node_count, sizeof *order);
    _cleanup_free_ uint32_t *numbers = calloc(members->file_count, sizeof *numbers);
    struct member_table *table =
        member_table_new(members->node_count, members->file_count, members->extent_count,
                         members->text.len + members->node_count + members->file_count);
    if (!order || !numbers || !table || find_families(members, &families) < 0) {
        member_table_free(table);
        return error_errno(err, ENOMEM, "tar");
    }
    copy_names(&(struct making){members, table, numbers}, &families, order);
    /* a made directory is as new as its newest entry; entries come after their directories */
    for (uint32_t i = table->member_count; i-- > 0;) {
        struct member_file *file = &table->files[table->members[i].file];
        struct member_file *parent = &table->files[table->members[table->members[i].parent].file];
        if (file->made && file->mtime_ns == INT64_MIN)
            file->mtime_ns = 0; /* it has no entries */
        if (parent->made && parent->mtime_ns < file->mtime_ns)
            parent->mtime_ns = file->mtime_ns;
    }
    members_empty(members); /* for what comes of the table takes as much memory again */
    *ret_table = table;
    return 0;
}
