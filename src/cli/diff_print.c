/* Printing what differs, in lines or as JSON. */
#include <stdio.h>

#include <jansson.h>

#include "base/json.h"
#include "cli/common/output.h"
#include "cli/diff.h"

#define PATH_LIMIT (64U * 1024)

/* Changes of other kinds are the same after all, or could not be read, which was reported. */
static const struct {
    char letter;
    const char *name;
} kinds[] = {
    [CHANGE_ADDED] = {'A', "added"},
    [CHANGE_REMOVED] = {'D', "removed"},
    [CHANGE_CONTENT] = {'M', "changed"},
    [CHANGE_TYPE] = {'T', "retyped"},
};

/* One side of a change. */
static json_t *side_json(const struct diff *diff, const struct change *change, int side)
{
    _cleanup_strbuf_ struct strbuf sha256 = STRBUF_INIT(PATH_LIMIT);
    const struct node *node = change->nodes[side];
    json_t *object = json_object();
    bool link = node->type == NODE_LINK;
    (void)json_object_set_new(object, "type", json_string(link ? "symlink" : "file"));
    (void)json_object_set_new(object, "size", json_integer((json_int_t)node->size));
    if (node_etag(node)[0])
        (void)json_object_set_new(object, "etag", json_text(node_etag(node)));
    if (link)
        (void)json_object_set_new(object, "target", json_text(node_link(node)));
    else
        diff_sha256(diff, node, side, &sha256);
    if (sha256.len)
        (void)json_object_set_new(object, "sha256", json_string(strbuf_text(&sha256)));
    return object;
}

static void add_change_json(json_t *array, const struct diff *diff, const struct change *change)
{
    static const char *const names[SIDES] = {"old", "new"};
    json_t *object = json_object();
    (void)json_object_set_new(object, "status", json_string(kinds[change->kind].name));
    (void)json_object_set_new(object, "path", json_text(change->path));
    for (int side = 0; side < SIDES; side++)
        if (change->nodes[side])
            (void)json_object_set_new(object, names[side], side_json(diff, change, side));
    (void)json_array_append_new(array, object);
}

void diff_print(const struct diff *diff)
{
    json_t *array = diff->json ? json_array() : NULL;
    for (size_t i = 0; i < diff->count; i++) {
        const struct change *change = &diff->changes[i];
        if (!kinds[change->kind].letter)
            continue;
        if (array) {
            add_change_json(array, diff, change);
            continue;
        }
        (void)printf("%c\t", kinds[change->kind].letter);
        output_name(change->path);
        (void)putchar('\n');
    }
    if (array)
        (void)output_json(array);
}
