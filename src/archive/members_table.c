/* Looking things up in a finished table of members; see members.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/members.h"

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

/* NAME against a member's, in the order of bytes. */
static int compare(const struct member_table *table, uint32_t number, const char *name, size_t len)
{
    size_t own_len = table->members[number].name_len;
    int order = memcmp(name, member_name(table, number), len < own_len ? len : own_len);
    return order ? order : (len > own_len) - (len < own_len);
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
        int order = compare(table, middle, name, len);
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

int member_find(const struct member_table *table, const char *path, uint32_t *ret_number)
{
    uint32_t number = 0;
    while (*path) {
        size_t len = strcspn(path, "/");
        if (member_file(table, number)->type != MEMBER_DIRECTORY)
            return -ENOTDIR;
        int result = member_entry(table, number, path, len, &number);
        if (result < 0)
            return result;
        path += len + (path[len] == '/');
    }
    *ret_number = number;
    return 0;
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
