/* Archives in the tree: where they show, how their members get there, what renewing leaves of them. */
#include <errno.h>

#include "tree_test.h"

static struct tree *tree;

static void close_tree(void)
{
    tree_free(tree);
}

TestSuite(archives, .fini = close_tree);

/* A finished tree of KEYS that shows archives. */
static struct tree *shown(const char *const *keys)
{
    struct tree *made = new_tree();
    tree_show_archives(made, NULL, NULL);
    for (; *keys; keys++)
        add_key(made, *keys);
    tree_finish(made);
    return made;
}

#define SHOWN(...) shown((const char *const[]){__VA_ARGS__, NULL})

/* A member to grow; TARGET is a link's. */
static struct tree_member member_of(enum node_type type, const char *name, uint32_t file)
{
    return (struct tree_member){.type = type,
                                .name = name,
                                .name_len = strlen(name),
                                .link = "",
                                .size = 7,
                                .mtime_ns = SECOND,
                                .file = file,
                                .mode = 0640,
                                .links = 1};
}

static struct node *grow(struct node *parent, const struct node *archive, struct tree_member member)
{
    struct node *node = tree_new_member(parent, archive, &member);
    cr_assert(node);
    return node;
}

/* Grows d/f, d/g (the same file) and l below the archive at PATH. */
static void graft(const char *path)
{
    struct node *archive = tree_find(tree, path);
    struct node *root = grow(NULL, archive, member_of(NODE_DIRECTORY, "", 0));
    struct node *directory = grow(root, NULL, member_of(NODE_DIRECTORY, "d", 1));
    struct tree_member member = member_of(NODE_LINK, "l", 2);
    member.link = "d/f";
    (void)grow(root, NULL, member);
    member = member_of(NODE_FILE, "f", 3);
    member.links = 2;
    const struct node *file = grow(directory, NULL, member);
    member.name = "g";
    member.ino = file->ino;
    (void)grow(directory, NULL, member);
    tree_attach_members(tree, archive, root, NULL, NULL);
}

Test(archives, they_show_beside_themselves_by_the_name_without_its_ending)
{
    tree =
        SHOWN("a.tar.xz", "b.tar.zst", "c.tar.gz", "d.tar", "logs/e.tar.xz", "f.tgz", "g.tar.bz2", "h.zip");
    cr_assert_str_eq(names_of(tree_root(tree)),
                     "a/ a.tar.xz b/ b.tar.zst c/ c.tar.gz d/ d.tar f.tgz g.tar.bz2 h.zip logs/ ");
    cr_assert_str_eq(names_of(tree_find(tree, "logs")), "e/ e.tar.xz ");
    cr_assert(!tree_is_populated(tree_find(tree, "a")));
    cr_assert(tree_is_populated(tree_find(tree, "logs")));
    cr_assert(tree_is_populated(tree_find(tree, "a.tar.xz")));
}

Test(archives, they_do_not_show_unless_asked_for)
{
    tree = TREE_OF("a.tar.xz");
    cr_assert_str_eq(names_of(tree_root(tree)), "a.tar.xz ");
}

Test(archives, a_name_that_is_taken_by_a_key_leaves_the_other_one)
{
    tree = SHOWN("a", "a.tar.xz", "b/inside", "b.tar.zst");
    cr_assert_str_eq(names_of(tree_root(tree)), "a a.tar.xz a.tar.xz.d/ b/ b.tar.zst b.tar.zst.d/ ");
    cr_assert(tree_is_populated(tree_find(tree, "b")));
}

Test(archives, of_several_of_one_name_the_preferred_has_it)
{
    tree = SHOWN("a.tar", "a.tar.gz", "a.tar.xz", "a.tar.zst", "b.tar.gz", "b.tar.xz");
    cr_assert_str_eq(names_of(tree_root(tree)), "a/ a.tar a.tar.d/ a.tar.gz a.tar.gz.d/ a.tar.xz a.tar.xz.d/ "
                                                "a.tar.zst b/ b.tar.gz b.tar.gz.d/ b.tar.xz ");
    cr_assert_str_eq(node_link(tree_find(tree, "a")), "a.tar.zst");
    cr_assert_str_eq(node_link(tree_find(tree, "b")), "b.tar.xz");
}

Test(archives, with_both_names_taken_there_is_the_file_only)
{
    tree = SHOWN("a", "a.tar.xz", "a.tar.xz.d");
    cr_assert_str_eq(names_of(tree_root(tree)), "a a.tar.xz a.tar.xz.d ");
}

/* The second one's name for want of a better is the first one's of right. */
Test(archives, no_two_directories_have_one_name)
{
    tree = SHOWN("a.tar.xz", "a.tar.zst", "a.tar.xz.d.tar");
    cr_assert_str_eq(names_of(tree_root(tree)), "a/ a.tar.xz a.tar.xz.d/ a.tar.xz.d.tar a.tar.zst ");
}

Test(archives, nothing_shows_for_an_empty_file_or_a_name_that_is_only_an_ending)
{
    tree = new_tree();
    tree_show_archives(tree, NULL, NULL);
    add_file(tree, "empty.tar.xz", 0, 1, "e");
    add_key(tree, ".tar.xz");
    add_key(tree, "..tar");
    add_key(tree, "...tar.gz");
    tree_finish(tree);
    cr_assert_str_eq(names_of(tree_root(tree)), "...tar.gz ..tar .tar.xz empty.tar.xz ");
}

Test(archives, a_name_of_255_bytes_shows_where_its_directory_s_fits)
{
    char name[256];
    memset(name, 'n', 255);
    memcpy(name + 248, ".tar.xz", 8);
    tree = SHOWN(name);
    cr_assert_eq(tree_root(tree)->directory->count, 2);
    tree_free(tree);
    char stem[256];
    memcpy(stem, name, 256);
    stem[248] = '\0';
    tree = SHOWN(name, stem); /* NAME.d is too long */
    cr_assert_eq(tree_root(tree)->directory->count, 2);
    cr_assert_eq(tree_find(tree, stem)->type, NODE_FILE);
}

Test(archives, what_grew_becomes_the_archive_s_entries)
{
    tree = SHOWN("x/a.tar.xz");
    struct node *archive = tree_find(tree, "x/a");
    atomic_store(&archive->directory->known, true);
    graft("x/a");
    cr_assert_eq(tree_find(tree, "x/a"), archive);
    cr_assert(tree_is_populated(archive));
    cr_assert_not(atomic_load(&archive->directory->known));
    cr_assert_str_eq(names_of(archive), "d/ l@ ");
    cr_assert_str_eq(names_of(tree_find(tree, "x/a/d")), "f g ");
    cr_assert_eq(node_nlink(archive), 3);
    const struct node *file = tree_find(tree, "x/a/d/f");
    cr_assert_eq(file->in_archive.mode, 0640);
    cr_assert_eq(file->size, 7);
    cr_assert_str_eq(node_link(tree_find(tree, "x/a/l")), "d/f");
    cr_assert_eq(tree_archive_of(file), archive);
    cr_assert_eq(tree_archive_of(archive), archive);
    cr_assert_null(tree_archive_of(tree_find(tree, "x/a.tar.xz")));
    struct strbuf path = STRBUF_INIT(100);
    cr_assert_eq(tree_path(file, &path), 0);
    cr_assert_str_eq(strbuf_text(&path), "x/a/d/f");
    strbuf_done(&path);
}

Test(archives, names_of_one_file_have_one_inode_number_and_all_links)
{
    tree = SHOWN("a.tar.xz");
    graft("a");
    const struct node *file = tree_find(tree, "a/d/f");
    const struct node *again = tree_find(tree, "a/d/g");
    cr_assert_eq(file->ino, again->ino);
    cr_assert_eq(node_nlink(file), 2);
    cr_assert_eq(node_nlink(again), 2);
    cr_assert_neq(tree_find(tree, "a/l")->ino, file->ino);
    cr_assert_eq(tree_entry(file->parent, TREE_BY_INO, 1)->ino, file->ino);
}

Test(archives, inode_numbers_are_the_same_in_every_mount)
{
    tree = SHOWN("a.tar.xz", "b");
    graft("a");
    uint64_t file = tree_find(tree, "a/d/f")->ino;
    uint64_t directory = tree_find(tree, "a/d")->ino;
    tree_free(tree);
    tree = SHOWN("a.tar.xz");
    graft("a");
    cr_assert_eq(tree_find(tree, "a/d/f")->ino, file);
    cr_assert_eq(tree_find(tree, "a/d")->ino, directory);
}

Test(archives, grafting_twice_keeps_the_first)
{
    tree = SHOWN("a.tar.xz");
    graft("a");
    const struct node *file = tree_find(tree, "a/d/f");
    graft("a");
    cr_assert_eq(tree_find(tree, "a/d/f"), file);
}

Test(archives, an_unchanged_archive_keeps_its_members)
{
    tree = SHOWN("a.tar.xz", "gone");
    graft("a");
    const struct node *archive = tree_find(tree, "a");
    const struct node *file = tree_find(tree, "a/d/f");
    (void)tree_attach(tree, tree_find(tree, "a"), &tree, NULL);
    tree_renew(tree, SHOWN("a.tar.xz", "new"));
    cr_assert_eq(tree_find(tree, "a"), archive);
    cr_assert_eq(tree_find(tree, "a/d/f"), file);
    cr_assert_eq(archive->directory->content, &tree);
    cr_assert(tree_find(tree, "new"));
}

Test(archives, a_changed_archive_is_another_directory)
{
    tree = SHOWN("a.tar.xz");
    graft("a");
    struct node *archive = tree_find(tree, "a");
    struct node *file = tree_find(tree, "a/d/f");
    uint64_t ino = archive->ino;
    atomic_fetch_add(&archive->lookups, 1);
    atomic_fetch_add(&file->lookups, 1);
    struct tree *fresh = new_tree();
    tree_show_archives(fresh, NULL, NULL);
    add_file(fresh, "a.tar.xz", 1, 1, "another");
    tree_finish(fresh);
    tree_renew(tree, fresh);
    cr_assert_neq(tree_find(tree, "a"), archive);
    cr_assert_eq(tree_find(tree, "a")->ino, ino);
    cr_assert(!tree_is_populated(tree_find(tree, "a")));
    cr_assert(archive->detached);
    cr_assert(file->detached);
    cr_assert_null(tree_archive_of(file));
    cr_assert(tree_is_populated(archive));
    /* somebody was looking into it meanwhile */
    struct node *root = grow(NULL, archive, member_of(NODE_DIRECTORY, "", 0));
    (void)grow(root, NULL, member_of(NODE_FILE, "late", 1));
    cr_assert_not(tree_attach(tree, archive, &tree, NULL));
    tree_attach_members(tree, archive, root, NULL, NULL);
    tree_forget(tree, file, 1);
    tree_forget(tree, archive, 1);
    cr_assert_str_eq(names_of(tree_find(tree, "a")), "");
}

Test(archives, a_directory_in_an_archive_s_place_and_back)
{
    tree = SHOWN("a.tar.xz");
    graft("a");
    tree_renew(tree, SHOWN("a.tar.xz", "a/key"));
    cr_assert_str_eq(names_of(tree_root(tree)), "a/ a.tar.xz a.tar.xz.d/ ");
    cr_assert_str_eq(names_of(tree_find(tree, "a")), "key ");
    tree_renew(tree, SHOWN("a.tar.xz"));
    cr_assert_str_eq(names_of(tree_root(tree)), "a/ a.tar.xz ");
    cr_assert(!tree_is_populated(tree_find(tree, "a")));
    tree_renew(tree, SHOWN("b"));
    cr_assert_str_eq(names_of(tree_root(tree)), "b ");
}

Test(archives, what_did_not_get_into_the_tree_is_freed)
{
    tree = SHOWN("a.tar.xz");
    struct node *root = grow(NULL, tree_find(tree, "a"), member_of(NODE_DIRECTORY, "", 0));
    (void)grow(grow(root, NULL, member_of(NODE_DIRECTORY, "d", 1)), NULL, member_of(NODE_FILE, "f", 2));
    tree_free_members(root);
    tree_free_members(NULL);
}

static bool begins_with(const void *head, const char *file)
{
    return strncmp(file, head, strlen(head)) == 0;
}

static bool is_no_zst(const void *context, const char *file)
{
    (void)context;
    return !strstr(file, ".zst");
}

Test(archives, only_those_wanted_show)
{
    tree = new_tree();
    tree_show_archives(tree, begins_with, "a");
    add_key(tree, "a.tar");
    add_key(tree, "b.tar");
    add_key(tree, "b/a.tar");
    tree_finish(tree);
    cr_assert_str_eq(names_of(tree_root(tree)), "a/ a.tar b/ b.tar ");
    cr_assert_str_eq(names_of(tree_find(tree, "b")), "a/ a.tar ");
}

Test(archives, a_preferred_one_that_is_not_wanted_leaves_its_name)
{
    tree = new_tree();
    tree_show_archives(tree, is_no_zst, NULL);
    add_key(tree, "a.tar.zst");
    add_key(tree, "a.tar.xz");
    tree_finish(tree);
    cr_assert_str_eq(names_of(tree_root(tree)), "a/ a.tar.xz a.tar.zst ");
    cr_assert_str_eq(node_link(tree_find(tree, "a")), "a.tar.xz");
}

Test(archives, the_key_of_an_archive_s_directory_is_the_archive_s)
{
    _cleanup_strbuf_ struct strbuf key = STRBUF_INIT(100);
    tree = SHOWN("x/a.tar.xz", "b.tar");
    graft("x/a");
    cr_assert_eq(tree_key(tree_find(tree, "x/a"), &key), 0);
    strbuf_adds(&key, " ");
    cr_assert_eq(tree_key(tree_find(tree, "b"), &key), 0);
    strbuf_adds(&key, " ");
    cr_assert_eq(tree_key(tree_find(tree, "x/a.tar.xz"), &key), 0);
    cr_assert_str_eq(strbuf_text(&key), "x/a.tar.xz b.tar x/a.tar.xz");
    cr_assert_eq(tree_key(tree_find(tree, "x/a/d/f"), &key), -ENODATA);
    cr_assert_not(node_is_stage(tree_find(tree, "x/a")));
}
