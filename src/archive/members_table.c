/* A table of members: its memory, and looking things up in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/members.h"

struct member_table *member_table_new(size_t members, size_t files, size_t extents, size_t text)
{
    struct member_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->members = calloc(members + 1, sizeof *table->members);
    table->files = calloc(files + 1, sizeof *table->files);
    table->extents = calloc(extents + 1, sizeof *table->extents);
    table->text = malloc(text + 1);
    if (table->members && table->files && table->extents && table->text)
        return table;
    member_table_free(table);
    return NULL;
}

uint32_t member_table_add_text(struct member_table *table, const void *text, size_t len)
{
    uint32_t place = (uint32_t)table->text_len;
    memcpy(table->text + place, text, len);
    table->text[place + len] = '\0';
    table->text_len += len + 1;
    return place;
}

const char *member_link(const struct member_table *table, const struct member_file *file)
{
    return file->type == MEMBER_SYMLINK || file->type == MEMBER_BROKEN ? table->text + file->first : "";
}

uint64_t member_stored(const struct member_table *table, const struct member_file *file)
{
    uint64_t stored = 0;
    if (!file->sparse)
        return file->size;
    for (uint32_t i = 0; i < file->count; i++)
        stored += table->extents[file->first + i].size;
    return stored;
}

void member_path(const struct member_table *table, uint32_t number, struct strbuf *path)
{
    uint32_t chain[TAR_DEPTH_MAX];
    uint32_t depth = 0;
    for (; number && depth < TAR_DEPTH_MAX; number = table->members[number].parent)
        chain[depth++] = number;
    while (depth-- > 0) {
        strbuf_add(path, member_name(table, chain[depth]), table->members[chain[depth]].name_len);
        strbuf_add(path, "/", depth > 0);
    }
}

int member_entry(const struct member_table *table, uint32_t number, const char *name, size_t len,
                 uint32_t *ret_number)
{
    const struct member_file *directory = member_file(table, number);
    uint32_t low = directory->first;
    uint32_t high = low + directory->count;
    if (directory->type != MEMBER_DIRECTORY)
        return -ENOENT;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order =
            member_name_compare(name, len, member_name(table, middle), table->members[middle].name_len);
        if (order == 0) {
            *ret_number = middle;
            return 0;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -ENOENT;
}

void member_table_free(struct member_table *table)
{
    if (!table)
        return;
    free(table->members);
    free(table->files);
    free(table->extents);
    free(table->text);
    free(table);
}
