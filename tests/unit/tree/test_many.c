/* A run of 100,000 objects: everything is found, and renewing keeps what is the same. */
#include <inttypes.h>

#include "tree_test.h"

#define FILES 100000U

static struct tree *tree;

static void close_tree(void)
{
    tree_free(tree);
}

/* Files in 1,000 directories, two levels deep; those below FIRST have another ETag than the others. */
static struct tree *many(unsigned first)
{
    char key[64];
    struct tree *made = new_tree();
    for (unsigned i = 0; i < FILES; i++) {
        unsigned mixed = i * 7919 % FILES; /* in no order */
        (void)snprintf(key, sizeof key, "part%02u/group%03u/log%06u.log", mixed % 10, mixed % 1000, mixed);
        add_file(made, key, mixed, mixed, mixed < first ? "other" : "same");
    }
    tree_finish(made);
    return made;
}

static const struct node *file(unsigned i)
{
    char path[64];
    (void)snprintf(path, sizeof path, "part%02u/group%03u/log%06u.log", i % 10, i % 1000, i);
    return tree_find(tree, path);
}

Test(many, each_of_100000_files_is_found, .fini = close_tree)
{
    tree = many(0);
    struct tree_totals totals = tree_totals(tree);
    cr_assert_eq(totals.files, FILES);
    cr_assert_eq(totals.directories, 1 + 10 + 1000);
    cr_assert_eq(totals.bytes, (uint64_t)FILES * (FILES - 1) / 2);
    for (unsigned i = 0; i < FILES; i++) {
        const struct node *node = file(i);
        cr_assert(node && node->size == i, "file %u", i);
    }
}

Test(many, renewing_100000_files_replaces_those_that_changed, .fini = close_tree)
{
    tree = many(0);
    const struct node *first = file(10);
    const struct node *last = file(FILES - 1);
    atomic_fetch_add(&tree_find(tree, "part00/group010/log000010.log")->lookups, 1);
    tree_renew(tree, many(50));
    cr_assert_eq(tree_totals(tree).files, FILES);
    cr_assert_neq(file(10), first);
    cr_assert_eq(file(10)->ino, first->ino);
    cr_assert_eq(file(FILES - 1), last);
    for (unsigned i = 0; i < FILES; i += 9)
        cr_assert_str_eq(node_etag(file(i)), i < 50 ? "other" : "same", "file %u", i);
}
