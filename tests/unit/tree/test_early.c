/* Members that are in the tree before all of their archive is known: how they get there, and what the end makes of them. */
#include "base/lock.h"
#include "tree_test.h"

static struct tree *tree;
static struct node *archive;
static unsigned dropped;
static const struct node *last_dropped;
static unsigned released;

static void on_dropped(void *context, const struct node *node)
{
    (void)context;
    lock_assert_none("calls for a node that was dropped");
    dropped++;
    last_dropped = node;
}

static void release(void *content)
{
    lock_assert_none("releases what a node leads to");
    cr_assert_eq(content, &released);
    released++;
}

static void add_archive(struct tree *to, const char *etag)
{
    tree_show_archives(to, NULL, NULL);
    add_file(to, "a.tar.xz", 1, 1, etag);
    tree_finish(to);
}

static void set_up(void)
{
    tree = new_tree();
    add_archive(tree, "e");
    tree_on_dropped(tree, on_dropped, NULL);
    archive = tree_find(tree, "a");
}

static void tear_down(void)
{
    tree_free(tree);
}

TestSuite(tree_early, .init = set_up, .fini = tear_down);

/* FILE tells contents apart, and is the number in the archive as well. */
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

/* Shows a member early, as if the kernel had asked for it. */
static struct node *show_member(struct node *directory, struct tree_member member)
{
    cr_assert_eq(tree_add_provisional(tree, directory, &member), 0);
    struct node *node = tree_lookup(directory, member.name, member.name_len);
    cr_assert_not_null(node);
    cr_assert(node->provisional);
    atomic_fetch_add(&node->lookups, 1);
    return node;
}

static struct node *show(struct node *directory, enum node_type type, const char *name, uint32_t file)
{
    return show_member(directory, member_of(type, name, file));
}

static struct node *grow(struct node *parent, enum node_type type, const char *name, uint32_t file)
{
    struct tree_member member = member_of(type, name, file);
    struct node *node = tree_new_member(parent, parent ? NULL : archive, &member);
    cr_assert(node);
    return node;
}

static bool same_number(const void *context, const struct node *early, const struct node *fresh)
{
    cr_assert_eq(context, &tree);
    return early->in_archive.file == fresh->in_archive.file;
}

static void forget(struct node *node)
{
    tree_forget(tree, node, 1);
}

Test(tree_early, they_are_entries_of_an_archive_that_needs_growing)
{
    const struct node *directory = show(archive, NODE_DIRECTORY, "m", 1);
    (void)show(archive, NODE_FILE, "z", 2);
    (void)show(archive, NODE_FILE, "a", 3);
    (void)show(archive, NODE_LINK, "n", 4);
    cr_assert_str_eq(names_of(archive), "a m/ n@ z ");
    cr_assert(!tree_is_populated(archive));
    cr_assert(!tree_is_populated(directory));
    cr_assert_eq(node_nlink(archive), 3);
    cr_assert_eq(tree_archive_of(directory), archive);
    cr_assert_eq(dropped, 0);
}

Test(tree_early, what_is_the_same_stays_and_what_is_not_is_detached)
{
    struct node *file = show(archive, NODE_FILE, "f", 2);
    uint64_t ino = file->ino;
    struct tree_member member = member_of(NODE_FILE, "f", 2);
    member.links = 2;
    cr_assert_eq(tree_add_provisional(tree, archive, &member), 0);
    cr_assert_eq(tree_find(tree, "a/f"), file);
    cr_assert_eq(node_nlink(file), 2);
    struct node *later = show(archive, NODE_FILE, "f", 9);
    cr_assert_neq(later, file);
    cr_assert_eq(later->ino, ino);
    cr_assert(file->detached);
    cr_assert_eq(last_dropped, file);
    cr_assert_str_eq(names_of(archive), "f ");
    struct node *directory = show(archive, NODE_DIRECTORY, "f", 10);
    struct node *below = show(directory, NODE_FILE, "g", 11);
    cr_assert_eq(node_nlink(archive), 3);
    (void)show(archive, NODE_FILE, "f", 12);
    cr_assert(below->detached);
    cr_assert_eq(node_nlink(archive), 2);
    cr_assert_eq(dropped, 4);
    forget(file);
    forget(later);
    forget(directory);
    forget(below);
}

Test(tree_early, names_of_one_file_have_one_inode_number)
{
    struct node *directory = show(archive, NODE_DIRECTORY, "d", 1);
    const struct node *first = show(directory, NODE_FILE, "first", 5);
    struct tree_member member = member_of(NODE_FILE, "again", 5);
    member.links = 2;
    cr_assert_eq(show_member(archive, member)->ino, first->ino);
    cr_assert_neq(show(archive, NODE_FILE, "other", 6)->ino, first->ino);
}

Test(tree_early, the_end_keeps_the_nodes_that_are_the_same)
{
    struct node *directory = show(archive, NODE_DIRECTORY, "d", 1);
    struct node *file = show(directory, NODE_FILE, "f", 2);
    struct node *replaced = show(directory, NODE_FILE, "r", 3);
    struct node *gone = show(archive, NODE_FILE, "gone", 4);
    uint64_t ino = file->ino;
    struct node *root = grow(NULL, NODE_DIRECTORY, "", 0);
    (void)grow(root, NODE_FILE, "b", 8);
    struct node *fresh = grow(root, NODE_DIRECTORY, "d", 7);
    struct node *again = grow(fresh, NODE_FILE, "f", 2);
    again->in_archive.links = 3;
    (void)grow(fresh, NODE_FILE, "new", 9);
    (void)grow(fresh, NODE_FILE, "r", 10);
    tree_attach_members(tree, archive, root, same_number, &tree);
    cr_assert_str_eq(names_of(archive), "b d/ ");
    cr_assert_str_eq(names_of(directory), "f new r ");
    cr_assert_eq(tree_find(tree, "a/d"), directory);
    cr_assert_eq(tree_find(tree, "a/d/f"), file);
    cr_assert_eq(file->ino, ino);
    cr_assert_eq(node_nlink(file), 3);
    cr_assert_not(file->provisional);
    cr_assert_not(directory->provisional);
    cr_assert_eq(directory->in_archive.file, 7);
    cr_assert(tree_is_populated(directory));
    cr_assert_eq(tree_entry(directory, TREE_BY_INO, 2)->parent, directory);
    cr_assert(replaced->detached);
    cr_assert(gone->detached);
    cr_assert_eq(dropped, 2);
    forget(replaced);
    forget(gone);
    struct tree_member late = member_of(NODE_FILE, "late", 11);
    cr_assert_eq(tree_add_provisional(tree, archive, &late), 0);
    cr_assert_eq(tree_add_provisional(tree, directory, &late), 0);
    cr_assert_null(tree_find(tree, "a/late"));
    cr_assert_null(tree_find(tree, "a/d/late"));
}

Test(tree_early, all_of_them_can_be_dropped)
{
    struct node *directory = show(archive, NODE_DIRECTORY, "d", 1);
    struct node *file = show(directory, NODE_FILE, "f", 2);
    struct tree_member unknown = member_of(NODE_FILE, "unknown", 3);
    cr_assert_eq(tree_add_provisional(tree, archive, &unknown), 0);
    tree_drop_provisional(tree, archive);
    cr_assert_str_eq(names_of(archive), "");
    cr_assert_eq(node_nlink(archive), 2);
    cr_assert(directory->detached);
    cr_assert(file->detached);
    cr_assert_eq(dropped, 2, "of what the kernel does not know it is not told");
    cr_assert(!tree_is_populated(archive));
    cr_assert(tree_is_populated(directory));
    cr_assert_eq(tree_add_provisional(tree, directory, &unknown), 0);
    forget(file);
    forget(directory);
    (void)show(archive, NODE_FILE, "f", 2);
}

Test(tree_early, an_archive_that_is_replaced_lets_its_content_go)
{
    struct node *file = show(archive, NODE_FILE, "f", 2);
    cr_assert(tree_attach(tree, archive, &released, release));
    cr_assert_not(tree_attach(tree, archive, &released, release));
    struct tree *same = new_tree();
    add_archive(same, "e");
    struct node *fresh = tree_find(same, "a");
    cr_assert(tree_attach(same, fresh, &released, release));
    tree_renew(tree, same); /* the node stays, and what it leads to */
    cr_assert_eq(released, 1);
    cr_assert_eq(tree_find(tree, "a/f"), file);
    struct tree *other = new_tree();
    add_archive(other, "another");
    tree_renew(tree, other);
    cr_assert_eq(released, 2);
    cr_assert(file->detached);
    cr_assert_eq(dropped, 1);
    forget(file);
}
