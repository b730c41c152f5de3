/* From stages to trees: inode numbers, times, hard links, keys and origins, growing and renewing. */
#include <errno.h>

#include "stage_test.h"

static struct tree *tree;

static void close_tree(void)
{
    tree_free(tree);
    tree = NULL;
}

TestSuite(stage_finish, .fini = close_tree);

static struct tree *finished_tree(struct stage *stage)
{
    struct tree *made;
    struct error err = {0};
    assert_ok(stage_finish_tree(stage, &made, &err), &err);
    stage_free(stage);
    tree_finish(made);
    return made;
}

#define HARD(n, number, names)                                                                               \
    .type = NODE_FILE, .archive = (n), .file = (number), .links = (names), .size = 1, .flatten = true,       \
    SAYS(#n ".tar", "md5:" #n)

Test(stage_finish, names_of_one_file_share_a_number_and_are_counted_as_they_show)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "a/one", HARD(1, 7, 3));
    ADD(stage, 1, "b/two", HARD(1, 7, 3));
    ADD(stage, 1, "c/three", HARD(1, 7, 3));
    ADD(stage, 1, "other", HARD(1, 8, 1));
    ADD(stage, 1, "half", HARD(1, 9, 2));
    ADD(stage, 1, "gone", HARD(1, 9, 2));
    ADD(stage, 1, "a/archive", HARD(2, 7, 2));
    ADD(stage, 1, "b/archive", HARD(2, 7, 2));
    ADD(stage, 1, "c/three", HARD(2, 1, 1));
    ADD(stage, 1, "gone", HARD(2, 1, 1));
    struct node *root = finished(stage);
    uint64_t ino = below(root, "a/one")->ino;
    cr_assert_eq(below(root, "b/two")->ino, ino);
    cr_assert_eq(node_nlink(below(root, "a/one")), 2);
    cr_assert_eq(node_nlink(below(root, "b/two")), 2);
    cr_assert_neq(below(root, "c/three")->ino, ino);
    cr_assert_eq(node_nlink(below(root, "c/three")), 1);
    cr_assert_eq(node_nlink(below(root, "half")), 1);
    cr_assert_eq(below(root, "a/archive")->ino, below(root, "b/archive")->ino);
    cr_assert_neq(below(root, "a/archive")->ino, ino);
    cr_assert_eq(node_nlink(below(root, "b/archive")), 2);
    cr_assert_eq(node_nlink(below(root, "a")), 2);
    cr_assert_eq(node_nlink(root), 5);
    tree_free_members(root);
    stage_free(stage);
}

/* A further name in row ROW, of the file at TARGET. */
static int add_name(struct stage *stage, uint32_t row, const char *path, const char *target)
{
    struct stage_entry entry = {.path = path, .path_len = strlen(path), .row = row, .flatten = true};
    return stage_add_name(stage, &entry, target, strlen(target), NULL);
}

Test(stage_finish, a_name_of_another_archive_s_file_is_one_of_its_names)
{
    struct stage *stage = new_stage("opt");
    ADD(stage, 1, "opt/old", HARD(1, 1, 1));
    ADD(stage, 2, "opt/lib/x", HARD(1, 7, 1), .mode = 0750, .mtime_ns = SECOND);
    ADD(stage, 2, "opt/lib/l", .flatten = true, LINK_OF(1, "x"));
    cr_assert_eq(add_name(stage, 2, "opt/y", "opt/lib/x"), 0);
    cr_assert_eq(add_name(stage, 2, "opt/z", "opt/y"), 0);
    cr_assert_eq(add_name(stage, 2, "opt/no", "opt/old"), -ENOENT, "another row's");
    cr_assert_eq(add_name(stage, 2, "opt/no", "opt/lib"), -ENOENT);
    cr_assert_eq(add_name(stage, 2, "opt/no", "opt/lib/l"), -ENOENT);
    cr_assert_eq(add_name(stage, 2, "opt/no", "opt/lib/x/x"), -ENOENT);
    cr_assert_eq(add_name(stage, 2, "opt/no", "opt"), -ENOENT);
    cr_assert_eq(add_name(stage, 2, "opt/no", "optlib/x"), -ENOENT);
    cr_assert_eq(add_name(stage, 2, "opt/no", ""), -ENOENT);
    ADD(stage, 2, "opt/lib/x", HARD(3, 7, 1));
    struct node *root = finished(stage);
    cr_assert_str_eq(shown(root), "lib/ lib/l@ lib/x=3 old=1 y=1 z=1 ");
    const struct node *name = below(root, "z");
    cr_assert_eq(name->ino, below(root, "y")->ino);
    cr_assert_eq(node_nlink(name), 2);
    cr_assert_eq(name->in_archive.file, 7);
    cr_assert_eq(node_mode(name), 0750);
    cr_assert_eq(name->size, 1);
    cr_assert_eq(name->mtime_ns, SECOND);
    cr_assert_eq(node_nlink(below(root, "lib/x")), 1);
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_finish, a_number_comes_from_the_logical_path_whoever_composes_it)
{
    tree = TREE_OF("opt/rocm/lib/x", "opt/rocm/y");
    struct stage *stage = new_stage("opt/rocm");
    ADD(stage, 1, "opt/rocm/lib/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "opt/rocm/y", FILE_OF(1, "md5:a", 1));
    struct node *root = finished(stage);
    cr_assert_eq(root->ino, tree_find(tree, "opt/rocm")->ino);
    cr_assert_eq(below(root, "lib/x")->ino, tree_find(tree, "opt/rocm/lib/x")->ino);
    cr_assert_eq(below(root, "y")->ino, tree_find(tree, "opt/rocm/y")->ino);
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_finish, the_number_of_the_root_stays_where_an_entry_speaks_of_it)
{
    tree = TREE_OF("opt/rocm/lib/x");
    struct stage *stage = new_stage("opt/rocm");
    ADD(stage, 1, "opt/rocm", DIRECTORY_OF(1));
    ADD(stage, 1, "opt/rocm/lib", DIRECTORY_OF(1));
    ADD(stage, 1, "opt/rocm/lib/x", FILE_OF(1, "md5:a", 1));
    struct node *root = finished(stage);
    cr_assert_eq(root->ino, tree_find(tree, "opt/rocm")->ino);
    cr_assert_eq(below(root, "lib")->ino, tree_find(tree, "opt/rocm/lib")->ino);
    cr_assert_eq(below(root, "lib/x")->ino, tree_find(tree, "opt/rocm/lib/x")->ino);
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_finish, directories_are_as_new_as_said_or_as_their_newest_entry)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "made/f", FILE_OF(1, "", 1), .mtime_ns = 5 * SECOND);
    ADD(stage, 1, "said", DIRECTORY_OF(1), .mtime_ns = 3 * SECOND);
    ADD(stage, 1, "said/f", FILE_OF(1, "", 1), .mtime_ns = 9 * SECOND);
    ADD(stage, 2, "said", DIRECTORY_OF(2), .mtime_ns = 4 * SECOND);
    ADD(stage, 3, "said", DIRECTORY_OF(3), .mtime_ns = 2 * SECOND);
    struct node *root = finished(stage);
    cr_assert_eq(below(root, "made")->mtime_ns, 5 * SECOND);
    cr_assert_eq(below(root, "said")->mtime_ns, 4 * SECOND);
    cr_assert_eq(root->mtime_ns, 5 * SECOND);
    tree_free_members(root);
    stage_free(stage);
}

static const char *key_of(const struct node *node)
{
    static struct strbuf key = STRBUF_INIT(1000);
    strbuf_clear(&key);
    return tree_key(node, &key) == 0 ? strbuf_text(&key) : NULL;
}

Test(stage_finish, nodes_say_what_they_are_called_where_they_come_from)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "artifacts/a.tar.xz", .key = "a.tar.xz", .etag = "e", .size = 3, SAYS("a.tar.xz", ""));
    ADD(stage, 1, "logs", .type = NODE_DIRECTORY, .key = "logs", SAYS("logs", ""));
    ADD(stage, 1, "logs/x.log", .key = "logs/x.log", .size = 3, SAYS("logs/x.log", ""));
    ADD(stage, 1, "bin/tool", .key = "/home/me/tool", .origin = 2, .executable = true, SAYS("local", ""));
    ADD(stage, 2, "logs", .type = NODE_DIRECTORY, .key = "logs", .origin = 3, SAYS("bad:logs", ""));
    ADD(stage, 2, "bad", .type = NODE_DIRECTORY, .key = "logs", .origin = 3, SAYS("bad:logs", ""));
    ADD(stage, 2, "m", FILE_OF(1, "", 1), .origin = 3);
    struct stage *again = stage;
    struct error err = {0};
    assert_ok(stage_finish_tree(again, &tree, &err), &err);
    stage_free(stage);
    tree_show_archives(tree, NULL, NULL);
    tree_finish(tree);
    cr_assert_str_eq(shown(tree_root(tree)),
                     "artifacts/ artifacts/a/ artifacts/a.tar.xz=0 bad/ bin/ bin/tool=0 "
                     "logs/ logs/x.log=0 m=1 ");
    const struct node *archive = tree_find(tree, "artifacts/a.tar.xz");
    cr_assert_str_eq(key_of(archive), "a.tar.xz");
    cr_assert_str_eq(node_key(archive), "a.tar.xz");
    cr_assert_str_eq(key_of(tree_find(tree, "artifacts/a")), "a.tar.xz");
    cr_assert_null(key_of(tree_find(tree, "artifacts")));
    cr_assert_str_eq(key_of(tree_find(tree, "logs/x.log")), "logs/x.log");
    cr_assert_not(tree_find(tree, "logs/x.log")->keyed);
    cr_assert_str_eq(runfs_output_name(archive->output), "artifact");
    const struct node *tool = tree_find(tree, "bin/tool");
    cr_assert_str_eq(key_of(tool), "/home/me/tool");
    cr_assert_eq(tool->origin, 2);
    cr_assert_eq(node_mode(tool), 0755);
    cr_assert_eq(node_mode(archive), 0644);
    cr_assert_null(key_of(tree_find(tree, "logs")), "two sources are none");
    cr_assert_str_eq(key_of(tree_find(tree, "bad")), "logs");
    cr_assert_eq(tree_find(tree, "bad")->origin, 3);
    cr_assert_null(key_of(tree_find(tree, "m")));
    cr_assert_null(key_of(tree_root(tree)));
    cr_assert_eq(tree_totals(tree).files, 4);
    cr_assert_eq(tree_totals(tree).directories, 6);
    cr_assert_eq(tree_totals(tree).bytes, 7);
}

/* A tree whose directory PATH ("" for the root) grows, with an ETag. */
static struct tree *growing(const char *path, const char *etag)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, path, .type = NODE_DIRECTORY, .grows = true, .etag = etag, SAYS("", ""));
    return finished_tree(stage);
}

/* Grows it: one file at the path WHOLE. */
static void grow(const char *path, const char *whole)
{
    struct stage *stage = new_stage(path);
    ADD(stage, 1, whole, FILE_OF(4, "", 1));
    ADD(stage, 1, whole, FILE_OF(4, "", 1), .flatten = true);
    tree_attach_members(tree, tree_find(tree, path), finished(stage), NULL, NULL);
    stage_free(stage);
}

Test(stage_finish, a_directory_that_grows_is_there_from_the_start)
{
    tree = growing("opt/rocm", "\"one\"");
    struct node *node = tree_find(tree, "opt/rocm");
    cr_assert(!tree_is_populated(node));
    cr_assert(node_is_stage(node));
    cr_assert_null(key_of(node));
    grow("opt/rocm", "opt/rocm/lib/x");
    cr_assert(tree_is_populated(node));
    cr_assert_eq(tree_archive_of(tree_find(tree, "opt/rocm/lib/x")), node);
    tree_renew(tree, growing("opt/rocm", "\"one\""));
    cr_assert_eq(tree_find(tree, "opt/rocm"), node);
    cr_assert_eq(tree_find(tree, "opt/rocm/lib/x")->archive, 4);
    tree_renew(tree, growing("opt/rocm", "\"two\""));
    cr_assert(!tree_is_populated(tree_find(tree, "opt/rocm")));
    cr_assert_null(tree_find(tree, "opt/rocm/lib"));
}

Test(stage_finish, the_root_can_grow_and_be_replaced)
{
    tree = growing("", "\"one\"");
    struct node *root = tree_root(tree);
    cr_assert(!tree_is_populated(root));
    grow("", "lib/x");
    struct node *file = tree_find(tree, "lib/x");
    atomic_fetch_add(&file->lookups, 1);
    tree_renew(tree, growing("", "\"one\""));
    cr_assert_eq(tree_root(tree), root);
    cr_assert_eq(tree_find(tree, "lib/x"), file);
    cr_assert_eq(atomic_load(&root->lookups), 0);
    tree_renew(tree, growing("", "\"two\""));
    cr_assert_neq(tree_root(tree), root);
    cr_assert(root->detached, "whoever works on it must find it");
    cr_assert(file->detached);
    cr_assert_eq(tree_root(tree)->ino, 1);
    cr_assert(!tree_is_populated(tree_root(tree)));
    grow("", "lib/y");
    cr_assert(tree_find(tree, "lib/y"));
    tree_forget(tree, file, 1);
    tree_renew(tree, TREE_OF("a"));
    cr_assert_str_eq(shown(tree_root(tree)), "a=0 ");
}

/* A logical tree of one file, f, as ENTRY says. */
#define ONE(...)                                                                                             \
    __extension__({                                                                                          \
        struct stage *stage_ = new_stage("");                                                                \
        ADD(stage_, 1, "d/f", .etag = "e", .size = 1, SAYS("s", ""), __VA_ARGS__);                           \
        finished_tree(stage_);                                                                               \
    })

Test(stage_finish, another_origin_or_key_makes_another_file)
{
    tree = ONE(.key = "k");
    const struct node *node = tree_find(tree, "d/f");
    tree_renew(tree, ONE(.key = "k"));
    cr_assert_eq(tree_find(tree, "d/f"), node);
    tree_renew(tree, ONE(.key = "l"));
    cr_assert_neq(tree_find(tree, "d/f"), node);
    cr_assert_str_eq(key_of(tree_find(tree, "d/f")), "l");
    tree_renew(tree, ONE(.key = "l", .origin = 1));
    cr_assert_eq(tree_find(tree, "d/f")->origin, 1);
    tree_renew(tree, ONE(.key = "l", .origin = 1, .executable = true));
    cr_assert_eq(node_mode(tree_find(tree, "d/f")), 0755);
    tree_renew(tree, ONE(.key = "d/f"));
    cr_assert_str_eq(node_key(tree_find(tree, "d/f")), "");
    cr_assert_str_eq(key_of(tree_find(tree, "d/f")), "d/f");
    tree_renew(tree, ONE(.key = "d/f", .problem = "no"));
    cr_assert(node_problem(tree_find(tree, "d/f")));
}

Test(stage_finish, a_conflict_comes_and_goes_with_listings)
{
    tree = ONE(.key = "k");
    struct stage *stage = new_stage("");
    ADD(stage, 1, "d/f", .key = "k", .size = 1, SAYS("s", ""));
    ADD(stage, 2, "d/f", .key = "l", .size = 2, SAYS("t", ""));
    tree_renew(tree, finished_tree(stage));
    cr_assert_str_eq(node_problem(tree_find(tree, "d/f")), "d/f: conflict: s [-:1:f] and t [-:2:f]");
    cr_assert_null(key_of(tree_find(tree, "d/f")));
    tree_renew(tree, ONE(.key = "k"));
    cr_assert_null(node_problem(tree_find(tree, "d/f")));
}

Test(stage_finish, an_empty_stage_is_an_empty_tree)
{
    tree = finished_tree(new_stage(""));
    cr_assert_str_eq(shown(tree_root(tree)), "");
    struct stage *stage = new_stage("a");
    tree_free_members(finished(stage));
    stage_free(stage);
    stage_free(NULL);
}
