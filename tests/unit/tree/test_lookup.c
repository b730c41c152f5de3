/* Finding nodes by name and path, and going on in a directory after a name. */
#include <errno.h>

#include "tree_test.h"

static struct tree *tree;

static void open_tree(void)
{
    tree = TREE_OF("a/b/c", "a/b/d", "a/e", "f", "a b/\xff", "a+b");
}

static void close_tree(void)
{
    tree_free(tree);
}

TestSuite(lookup, .init = open_tree, .fini = close_tree);

static struct node *entry(const char *path, const char *name)
{
    return tree_lookup(tree_find(tree, path), name, strlen(name));
}

Test(lookup, an_entry_is_found_by_its_whole_name)
{
    cr_assert_str_eq(node_name(entry("", "a")), "a");
    cr_assert_str_eq(node_name(entry("", "a b")), "a b");
    cr_assert_null(entry("", "a "));
    cr_assert_null(entry("", ""));
    cr_assert_null(entry("", "g"));
    cr_assert_null(entry("", "A"));
    cr_assert_null(entry("", "a/b"));
    cr_assert_null(tree_lookup(tree_root(tree), "a\0b", 3));
    cr_assert_not_null(entry("a b", "\xff"));
}

Test(lookup, dots_are_no_entries)
{
    cr_assert_null(entry("a", "."));
    cr_assert_null(entry("a", ".."));
}

Test(lookup, a_file_has_no_entries)
{
    cr_assert_null(entry("f", "a"));
    cr_assert_eq(tree_after(tree_find(tree, "f"), "a"), 0);
}

Test(lookup, paths_may_have_superfluous_slashes_and_dots)
{
    const struct node *wanted = entry("a/b", "c");
    static const char *const same[] = {"a/b/c", "/a/b/c", "a//b///c", "./a/./b/c", "a/b/c/"};
    for (size_t i = 0; i < COUNT(same); i++)
        cr_assert_eq(tree_find(tree, same[i]), wanted, "%s", same[i]);
    static const char *const roots[] = {"", "/", ".", "//./"};
    for (size_t i = 0; i < COUNT(roots); i++)
        cr_assert_eq(tree_find(tree, roots[i]), tree_root(tree), "%s", roots[i]);
}

Test(lookup, paths_that_lead_nowhere_give_nothing)
{
    static const char *const none[] = {"x", "a/x", "a/b/c/d", "f/x", "..", "a/..", "A"};
    for (size_t i = 0; i < COUNT(none); i++)
        cr_assert_null(tree_find(tree, none[i]), "%s", none[i]);
}

/* For a reader of a directory that was renewed meanwhile. */
Test(lookup, after_gives_the_first_entry_behind_a_name)
{
    const struct node *root = tree_root(tree);
    cr_assert_str_eq(names_of(root), "a/ a b/ a+b f ");
    cr_assert_eq(tree_after(root, ""), 0);
    cr_assert_eq(tree_after(root, "a"), 1);
    cr_assert_eq(tree_after(root, "a "), 1);
    cr_assert_eq(tree_after(root, "a b"), 2);
    cr_assert_eq(tree_after(root, "b"), 3);
    cr_assert_eq(tree_after(root, "f"), 4);
    cr_assert_eq(tree_after(root, "z"), 4);
}

Test(lookup, a_node_knows_its_path)
{
    static const char *const paths[] = {"", "a", "a/b", "a/b/d", "a b/\xff"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(100);
        cr_assert_eq(tree_path(tree_find(tree, paths[i]), &path), 0);
        cr_assert_str_eq(strbuf_text(&path), paths[i]);
    }
}

Test(lookup, a_path_beyond_the_buffers_limit_is_a_failure)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(4);
    cr_assert_eq(tree_path(tree_find(tree, "a/b/c"), &path), -E2BIG);
}

/* Every entry has a place in each order, and the place leads back to it. */
Test(lookup, entries_have_places_by_name_and_by_inode_number)
{
    static const char *const directories[] = {"", "a", "a/b", "a b"};
    for (size_t i = 0; i < COUNT(directories); i++) {
        const struct node *directory = tree_find(tree, directories[i]);
        size_t count = directory->directory->count;
        for (int order = 0; order < TREE_ORDERS; order++) {
            for (size_t k = 0; k < count; k++)
                cr_assert_eq(
                    tree_position(tree_entry(directory, (enum tree_order)order, k), (enum tree_order)order),
                    k);
            cr_assert_null(tree_entry(directory, (enum tree_order)order, count));
            cr_assert_null(tree_entry(directory, (enum tree_order)order, SIZE_MAX));
        }
        for (size_t k = 1; k < count; k++) {
            cr_assert_lt(tree_entry(directory, TREE_BY_INO, k - 1)->ino,
                         tree_entry(directory, TREE_BY_INO, k)->ino);
            cr_assert_eq(tree_entry(directory, TREE_BY_NAME, k), directory->directory->children[k]);
        }
    }
}

Test(lookup, places_are_right_after_renewing)
{
    tree_renew(tree, TREE_OF("a/b/c", "new", "f", "a+b", "another"));
    const struct node *root = tree_root(tree);
    for (int order = 0; order < TREE_ORDERS; order++)
        for (size_t k = 0; k < root->directory->count; k++)
            cr_assert_eq(tree_position(tree_entry(root, (enum tree_order)order, k), (enum tree_order)order),
                         k);
    cr_assert_eq(root->directory->count, 5);
}
