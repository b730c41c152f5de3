/* Building a tree: what becomes of each kind of key, order, times and sums. */
#include <errno.h>

#include "tree_test.h"

static struct tree *tree;

static void close_tree(void)
{
    tree_free(tree);
}

TestSuite(build, .fini = close_tree);

Test(build, an_empty_listing_is_a_root_without_entries)
{
    tree = new_tree();
    tree_finish(tree);
    cr_assert_eq(tree_root(tree)->type, NODE_DIRECTORY);
    cr_assert_str_eq(names_of(tree_root(tree)), "");
    cr_assert_str_eq(node_name(tree_root(tree)), "");
    cr_assert_eq(node_nlink(tree_root(tree)), 2);
    cr_assert_eq(tree_totals(tree).directories, 1);
}

Test(build, keys_become_files_below_the_directories_they_name)
{
    tree = TREE_OF("logs/g/x.log", "a.tar.xz", "logs/g/sub/y", "logs/z");
    cr_assert_str_eq(names_of(tree_root(tree)), "a.tar.xz logs/ ");
    cr_assert_str_eq(names_of(tree_find(tree, "logs")), "g/ z ");
    cr_assert_str_eq(names_of(tree_find(tree, "logs/g")), "sub/ x.log ");
    cr_assert_eq(node_nlink(tree_find(tree, "logs")), 3);
    cr_assert_eq(node_nlink(tree_find(tree, "logs/z")), 1);
    struct tree_totals totals = tree_totals(tree);
    cr_assert_eq(totals.files, 4);
    cr_assert_eq(totals.directories, 4);
    cr_assert_eq(totals.bytes, 4);
    cr_assert_eq(totals.verdicts[TREE_SHOWN], 4);
}

Test(build, an_entry_keeps_what_the_listing_says_of_it)
{
    tree = new_tree();
    add_file(tree, "d/f", 7, 5, "abc-2");
    struct tree_entry link = {"d/l", 3, "", "../target", 9, 6 * SECOND};
    add_entry(tree, &link);
    tree_finish(tree);
    const struct node *file = tree_find(tree, "d/f");
    cr_assert_eq(file->size, 7);
    cr_assert_eq(file->mtime_ns, 5 * SECOND);
    cr_assert_str_eq(node_etag(file), "abc-2");
    cr_assert_str_eq(node_link(file), "");
    const struct node *found = tree_find(tree, "d/l");
    cr_assert_eq(found->type, NODE_LINK);
    cr_assert_str_eq(node_link(found), "../target");
    cr_assert_str_eq(node_etag(found), "");
}

Test(build, entries_are_in_the_order_of_bytes)
{
    tree = TREE_OF("b", "a.b/x", "a/x", "a0", "a-b", "\xc3\xbc", "\xff", "B");
    cr_assert_str_eq(names_of(tree_root(tree)), "B a/ a-b a.b/ a0 b \xc3\xbc \xff ");
}

Test(build, bytes_that_are_no_utf8_and_controls_are_names_like_others)
{
    tree = TREE_OF("\xff\xfe", "a\nb", "\x01", " ", "a b+%20&\"'", "...");
    cr_assert_eq(tree_totals(tree).files, 6);
    cr_assert_str_eq(noted, "");
    cr_assert(tree_find(tree, "a\nb"));
    cr_assert(tree_find(tree, "..."));
}

/* Every key that POSIX cannot show has a verdict, is counted and noted. */
Test(build, keys_that_cannot_be_shown_are_counted_and_noted)
{
    static const struct {
        const char *key;
        size_t len;
        enum tree_verdict verdict;
    } cases[] = {
        {"a//b", 4, TREE_EMPTY_NAME},   {"/a", 2, TREE_EMPTY_NAME},      {"a//", 3, TREE_EMPTY_NAME},
        {"/", 1, TREE_EMPTY_NAME},      {"//", 2, TREE_EMPTY_NAME},      {".", 1, TREE_DOT_NAME},
        {"..", 2, TREE_DOT_NAME},       {"a/../b", 6, TREE_DOT_NAME},    {"a/.", 3, TREE_DOT_NAME},
        {"./a", 3, TREE_DOT_NAME},      {"../../etc", 9, TREE_DOT_NAME}, {"a/./", 4, TREE_DOT_NAME},
        {"a\0b", 3, TREE_NUL_NAME},     {"\0", 1, TREE_NUL_NAME},        {"a/b\0/", 5, TREE_NUL_NAME},
        {"a/\0\0/c", 6, TREE_NUL_NAME},
    };
    tree = new_tree();
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t before = fate_count(tree, cases[i].verdict);
        struct tree_entry entry = {cases[i].key, cases[i].len, "", NULL, 1, 0};
        noted[0] = '\0';
        add_entry(tree, &entry);
        cr_assert_eq(fate_count(tree, cases[i].verdict), before + 1, "%s", cases[i].key);
        cr_assert(strstr(noted, tree_verdict_text(cases[i].verdict)), "%s", noted);
    }
    tree_finish(tree);
    cr_assert_str_eq(names_of(tree_root(tree)), "");
    cr_assert_eq(fate_count(tree, TREE_SHOWN), 0);
}

static const char *repeat(char c, size_t count)
{
    static char text[1024];
    memset(text, c, count);
    text[count] = '\0';
    return text;
}

Test(build, names_of_255_bytes_are_shown_and_longer_ones_are_not)
{
    char key[600];
    tree = new_tree();
    add_key(tree, repeat('n', 255));
    (void)snprintf(key, sizeof key, "%s/x", repeat('d', 255));
    add_key(tree, key);
    add_key(tree, repeat('n', 256));
    (void)snprintf(key, sizeof key, "%s/x", repeat('d', 256));
    add_key(tree, key);
    tree_finish(tree);
    cr_assert_eq(fate_count(tree, TREE_LONG_NAME), 2);
    cr_assert_eq(tree_totals(tree).files, 2);
}

/* A key of DEPTH components, "a/a/…/a". */
static const char *deep_key(size_t depth)
{
    static char key[2 * (TREE_DEPTH_MAX + 8)];
    for (size_t i = 0; i < depth; i++)
        memcpy(key + 2 * i, "a/", 2);
    key[2 * depth - 1] = '\0';
    return key;
}

Test(build, as_many_components_as_the_limit_are_shown_and_one_more_is_not)
{
    tree = new_tree();
    add_key(tree, deep_key(TREE_DEPTH_MAX));
    add_key(tree, deep_key(TREE_DEPTH_MAX + 1));
    tree_finish(tree);
    cr_assert_eq(fate_count(tree, TREE_SHOWN), 1);
    cr_assert_eq(fate_count(tree, TREE_TOO_DEEP), 1);
    cr_assert_eq(tree_totals(tree).directories, TREE_DEPTH_MAX);
    const struct node *file = tree_find(tree, deep_key(TREE_DEPTH_MAX));
    cr_assert(file);
    cr_assert_eq(file->type, NODE_FILE);
}

Test(build, new_directories_one_in_the_other_are_found_again)
{
    tree = new_tree();
    for (size_t depth = 1; depth < 200; depth += 61) {
        add_key(tree, deep_key(depth + 1));
        add_key(tree, deep_key(depth + 1));
    }
    tree_finish(tree);
    cr_assert_eq(tree_totals(tree).directories, 1 + 184);
}

Test(build, an_empty_marker_is_its_directory)
{
    tree = new_tree();
    struct tree_entry marker = {"d/", 2, "m", NULL, 0, 9 * SECOND};
    add_entry(tree, &marker);
    tree_finish(tree);
    const struct node *directory = tree_find(tree, "d");
    cr_assert_eq(directory->type, NODE_DIRECTORY);
    cr_assert_eq(directory->mtime_ns, 9 * SECOND);
    cr_assert_eq(fate_count(tree, TREE_MARKER), 1);
    cr_assert_str_eq(noted, "");
}

Test(build, the_content_of_a_marker_is_not_shown_and_that_is_noted)
{
    tree = new_tree();
    add_file(tree, "d/", 3, 1, "");
    tree_finish(tree);
    cr_assert_eq(tree_find(tree, "d")->type, NODE_DIRECTORY);
    cr_assert_eq(fate_count(tree, TREE_MARKER_CONTENT), 1);
    cr_assert(strstr(noted, "d/: shown as a directory, without its content"), "%s", noted);
}

Test(build, an_empty_key_is_a_marker_of_the_root)
{
    tree = new_tree();
    add_file(tree, "", 0, 8, "");
    add_file(tree, "new", 1, 9, "");
    tree_finish(tree);
    cr_assert_eq(tree_root(tree)->mtime_ns, 8 * SECOND);
    cr_assert_eq(fate_count(tree, TREE_MARKER), 1);
}

/* In both orders of arrival. */
Test(build, a_file_beside_a_directory_of_its_name_is_hidden)
{
    for (int turn = 0; turn < 2; turn++) {
        tree_free(tree);
        noted[0] = '\0';
        tree = turn ? TREE_OF("d/a/b", "d/a") : TREE_OF("d/a", "d/a/b");
        cr_assert_str_eq(names_of(tree_find(tree, "d")), "a/ ");
        cr_assert_eq(fate_count(tree, TREE_SHADOWED), 1);
        cr_assert_eq(fate_count(tree, TREE_SHOWN), 1);
        cr_assert_eq(tree_totals(tree).files, 1);
        cr_assert(strstr(noted, "d/a: hidden by the directory"), "%s", noted);
    }
}

Test(build, of_a_key_listed_twice_the_newest_is_shown)
{
    tree = new_tree();
    add_file(tree, "f", 1, 10, "old");
    add_file(tree, "f", 2, 30, "new");
    add_file(tree, "f", 3, 20, "middle");
    tree_finish(tree);
    cr_assert_str_eq(names_of(tree_root(tree)), "f ");
    cr_assert_str_eq(node_etag(tree_find(tree, "f")), "new");
    cr_assert_eq(fate_count(tree, TREE_DUPLICATE), 2);
    cr_assert_eq(fate_count(tree, TREE_SHOWN), 1);
    cr_assert_eq(tree_totals(tree).bytes, 2);
}

Test(build, a_directory_is_as_new_as_its_newest_entry)
{
    tree = new_tree();
    add_file(tree, "a/b/c", 1, 50, "");
    add_file(tree, "a/d", 1, 40, "");
    add_file(tree, "e", 1, 10, "");
    tree_finish(tree);
    cr_assert_eq(tree_find(tree, "a/b")->mtime_ns, 50 * SECOND);
    cr_assert_eq(tree_find(tree, "a")->mtime_ns, 50 * SECOND);
    cr_assert_eq(tree_root(tree)->mtime_ns, 50 * SECOND);
}

Test(build, a_directory_with_a_time_of_its_own_keeps_it)
{
    tree = new_tree();
    add_file(tree, "a/f", 1, 50, "");
    add_file(tree, "a/", 0, 20, "");
    tree_finish(tree);
    cr_assert_eq(tree_find(tree, "a")->mtime_ns, 20 * SECOND);
    cr_assert_eq(tree_root(tree)->mtime_ns, 20 * SECOND);
}

Test(build, files_know_their_output_and_directories_have_none)
{
    tree = TREE_OF("logs/gfx94X-dcgpu/rocBLAS_build.log", "unheard-of");
    cr_assert_str_eq(runfs_output_name(tree_find(tree, "logs/gfx94X-dcgpu/rocBLAS_build.log")->output),
                     "log-file");
    cr_assert_eq(tree_find(tree, "unheard-of")->output, runfs_output_other());
    cr_assert_null(tree_find(tree, "logs")->output);
}

Test(build, inode_numbers_follow_from_the_path_alone)
{
    tree = TREE_OF("a/b", "c", "a/x");
    struct tree *other = TREE_OF("z", "a/x", "c", "a/b", "a/b2");
    static const char *const paths[] = {"", "a", "a/b", "c", "a/x"};
    for (size_t i = 0; i < COUNT(paths); i++)
        cr_assert_eq(tree_find(tree, paths[i])->ino, tree_find(other, paths[i])->ino, "%s", paths[i]);
    cr_assert_eq(tree_root(tree)->ino, 1);
    cr_assert_neq(tree_find(tree, "a/b")->ino, tree_find(tree, "c")->ino);
    cr_assert_neq(tree_find(tree, "a/b")->ino, tree_find(tree, "a/x")->ino);
    tree_free(other);
}

Test(build, every_fate_has_words)
{
    for (int verdict = 0; verdict < TREE_VERDICTS; verdict++)
        cr_assert(tree_verdict_text((enum tree_verdict)verdict)[0]);
}
