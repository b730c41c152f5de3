/* Fuzzes the tree with keys of any bytes: every key has one verdict, directories are in order, nodes know their
   paths, and renewing a tree gives what building it anew would. Lines of the input are keys; the first byte of
   each says size, time and ETag. An empty line begins the second listing. */
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_line(struct tree *tree, const char *line, size_t len)
{
    static const char *const etags[] = {"", "a", "b", "\"c\""};
    struct error err;
    unsigned char flags = (unsigned char)line[0];
    char *key = malloc(len);
    CHECK(key);
    memcpy(key, line + 1, len - 1);
    key[len - 1] = '\0';
    struct tree_entry entry = {
        .key = key,
        .key_len = len - 1,
        .etag = etags[flags & 3],
        .link = (flags & 4) ? "target" : NULL,
        .size = flags >> 3 & 3,
        .mtime_ns = flags >> 5,
    };
    CHECK(tree_add(tree, &entry, &err) == 0);
    free(key);
}

/* Builds a tree of the lines up to an empty one and steps behind that. */
static struct tree *build(const char **text, size_t *size)
{
    struct tree *tree;
    struct error err;
    uint64_t added = 0;
    uint64_t counted = 0;
    CHECK(tree_new(NULL, &tree, &err) == 0);
    while (*size) {
        const char *newline = memchr(*text, '\n', *size);
        size_t len = newline ? (size_t)(newline - *text) : *size;
        size_t step = newline ? len + 1 : len;
        if (len) {
            add_line(tree, *text, len);
            added++;
        }
        *text += step;
        *size -= step;
        if (!len)
            break;
    }
    tree_finish(tree);
    struct tree_totals totals = tree_totals(tree);
    for (int verdict = 0; verdict < TREE_VERDICTS; verdict++)
        counted += totals.verdicts[verdict];
    CHECK(counted == added);
    return tree;
}

static void check_node(struct tree *tree, const struct node *node, struct tree_totals *sums)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(1U << 20);
    CHECK(tree_path(node, &path) == 0);
    CHECK(tree_find(tree, strbuf_text(&path)) == node);
    if (node->type != NODE_DIRECTORY) {
        sums->files++;
        sums->bytes += node->size;
        return;
    }
    sums->directories++;
    uint32_t subdirectories = 0;
    const struct directory *d = node->directory;
    for (size_t i = 0; i < d->count; i++) {
        const struct node *child = d->children[i];
        CHECK(child->parent == node && child->name_len > 0 && child->name_len <= 255);
        CHECK(strlen(node_name(child)) == child->name_len && !strchr(node_name(child), '/'));
        CHECK(!i || strcmp(node_name(d->children[i - 1]), node_name(child)) < 0);
        CHECK(tree_after(node, node_name(child)) == i + 1);
        for (int order = 0; order < TREE_ORDERS; order++)
            CHECK(
                tree_entry(node, (enum tree_order)order, tree_position(child, (enum tree_order)order))->ino ==
                child->ino);
        subdirectories += child->type == NODE_DIRECTORY;
        check_node(tree, child, sums);
    }
    CHECK(d->subdirectories == subdirectories);
}

static void check_tree(struct tree *tree)
{
    struct tree_totals sums = {0};
    struct tree_totals totals = tree_totals(tree);
    check_node(tree, tree_root(tree), &sums);
    CHECK(sums.files == totals.files && sums.directories == totals.directories && sums.bytes == totals.bytes);
}

/* Which of several keys of one time is shown is open, so sizes and ETags may differ there. */
static void check_same(const struct node *a, const struct node *b)
{
    CHECK(strcmp(node_name(a), node_name(b)) == 0 && a->ino == b->ino && a->mtime_ns == b->mtime_ns);
    CHECK((a->type == NODE_DIRECTORY) == (b->type == NODE_DIRECTORY));
    if (a->type != NODE_DIRECTORY)
        return;
    CHECK(a->directory->count == b->directory->count);
    for (size_t i = 0; i < a->directory->count; i++)
        check_same(a->directory->children[i], b->directory->children[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct tree *tree = build(&text, &size);
    check_tree(tree);
    const char *again_text = text;
    size_t again_size = size;
    struct tree *fresh = build(&text, &size);
    struct tree *wanted = build(&again_text, &again_size);
    tree_renew(tree, fresh);
    check_tree(tree);
    check_same(tree_root(tree), tree_root(wanted));
    tree_free(wanted);
    tree_free(tree);
    return 0;
}
