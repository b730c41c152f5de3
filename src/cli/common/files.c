/* The files of a run that a command works on; see files.h. */
#include "cli/common/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define PATH_LIMIT (64U * 1024)

int files_add(struct files *files, const struct node *node)
{
    if (array_room(files->nodes, files->count, files->capacity) < 0)
        return -ENOMEM;
    files->nodes[files->count++] = node;
    files->bytes += node->size;
    return 0;
}

int files_add_below(struct files *files, const struct node *node)
{
    int result = 0;
    if (node->type != NODE_DIRECTORY)
        return node->type == NODE_FILE ? files_add(files, node) : 0;
    bool beside = node->directory->archive && !node_is_stage(node);
    for (size_t i = 0; result == 0 && !beside && i < node->directory->count; i++)
        result = files_add_below(files, node->directory->children[i]);
    return result;
}

static int compare_sizes(const void *a, const void *b)
{
    const struct node *first = *(const struct node *const *)a;
    const struct node *second = *(const struct node *const *)b;
    return first->size > second->size ? -1 : first->size < second->size;
}

void files_sort(struct files *files)
{
    if (files->count)
        qsort(files->nodes, files->count, sizeof(const struct node *), compare_sizes);
}

void files_done(struct files *files)
{
    free(files->nodes);
    *files = (struct files){0};
}

void files_path(struct run *run, const struct node *node, struct strbuf *out)
{
    tree_lock_read(run_tree(run));
    (void)tree_path(node, out);
    tree_unlock(run_tree(run));
}

void files_name_error(struct run *run, const struct node *node, struct error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    files_path(run, node, &path);
    if (!strstr(err->message, strbuf_text(&path)))
        (void)error_prefix(err, -err->code, "%s", strbuf_text(&path));
}
