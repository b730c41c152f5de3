/* Renewing a tree: what stays the same node, what becomes another, what the kernel still holds. */
#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "tree_test.h"

static struct tree *tree;

static void close_tree(void)
{
    tree_free(tree);
}

TestSuite(renew, .fini = close_tree);

static bool known(const char *path)
{
    return atomic_load(&tree_find(tree, path)->directory->known);
}

static void set_known(const char *path)
{
    atomic_store(&tree_find(tree, path)->directory->known, true);
}

/* The kernel takes COUNT references. */
static struct node *refer(const char *path, uint64_t count)
{
    struct node *node = tree_find(tree, path);
    atomic_fetch_add(&node->lookups, count);
    return node;
}

Test(renew, what_is_the_same_stays_the_same_node)
{
    static const char *const paths[] = {"", "a", "a/b", "a/b/c", "d"};
    const struct node *before[COUNT(paths)];
    tree = TREE_OF("a/b/c", "d");
    for (size_t i = 0; i < COUNT(paths); i++)
        before[i] = tree_find(tree, paths[i]);
    set_known("");
    set_known("a/b");
    tree_renew(tree, TREE_OF("a/b/c", "d"));
    for (size_t i = 0; i < COUNT(paths); i++)
        cr_assert_eq(tree_find(tree, paths[i]), before[i], "%s", paths[i]);
    cr_assert(known(""));
    cr_assert(known("a/b"));
}

/* A changed size, time or ETag each make another file of it. */
Test(renew, a_changed_file_is_a_new_node_with_the_same_inode_number)
{
    static const struct {
        uint64_t size;
        int64_t mtime;
        const char *etag;
    } changes[] = {{2, 1, "e"}, {1, 2, "e"}, {1, 1, "f"}};
    for (size_t i = 0; i < COUNT(changes); i++) {
        tree_free(tree);
        tree = TREE_OF("d/f", "d/g");
        struct node *old = refer("d/f", 1);
        const struct node *neighbour = tree_find(tree, "d/g");
        set_known("");
        set_known("d");
        uint64_t ino = old->ino;
        struct tree *fresh = new_tree();
        add_file(fresh, "d/f", changes[i].size, changes[i].mtime, changes[i].etag);
        add_key(fresh, "d/g");
        tree_finish(fresh);
        tree_renew(tree, fresh);
        const struct node *new = tree_find(tree, "d/f");
        cr_assert_neq(new, old);
        cr_assert_eq(new->ino, ino);
        cr_assert_str_eq(node_etag(new), changes[i].etag);
        cr_assert(old->detached);
        cr_assert_eq(tree_find(tree, "d/g"), neighbour);
        cr_assert_not(known("d"));
        cr_assert(known(""), "the root's entries are the same nodes");
        tree_forget(tree, old, 1);
    }
}

Test(renew, a_changed_link_is_a_new_node)
{
    tree = new_tree();
    struct tree_entry link = {"l", 1, "", "one", 3, 0};
    add_entry(tree, &link);
    tree_finish(tree);
    const struct node *old = refer("l", 1);
    struct tree *fresh = new_tree();
    link.link = "two";
    add_entry(fresh, &link);
    tree_finish(fresh);
    tree_renew(tree, fresh);
    cr_assert_neq(tree_find(tree, "l"), old);
    cr_assert_str_eq(node_link(tree_find(tree, "l")), "two");
}

Test(renew, new_and_vanished_entries_change_their_directory_only)
{
    tree = TREE_OF("a/old", "a/stays", "b/c");
    const struct node *stays = tree_find(tree, "a/stays");
    set_known("");
    set_known("a");
    set_known("b");
    tree_renew(tree, TREE_OF("a/new", "a/stays", "a/z/y", "b/c"));
    cr_assert_str_eq(names_of(tree_find(tree, "a")), "new stays z/ ");
    cr_assert_eq(tree_find(tree, "a/stays"), stays);
    cr_assert_not(known("a"));
    cr_assert(known(""));
    cr_assert(known("b"));
    cr_assert_eq(node_nlink(tree_find(tree, "a")), 3);
}

Test(renew, sums_and_times_are_those_of_the_new_listing)
{
    tree = TREE_OF("a/b", "c");
    struct tree *fresh = new_tree();
    add_file(fresh, "a/b", 100, 77, "");
    add_file(fresh, "a//x", 1, 1, "");
    tree_finish(fresh);
    tree_renew(tree, fresh);
    struct tree_totals totals = tree_totals(tree);
    cr_assert_eq(totals.files, 1);
    cr_assert_eq(totals.bytes, 100);
    cr_assert_eq(totals.verdicts[TREE_EMPTY_NAME], 1);
    cr_assert_eq(tree_root(tree)->mtime_ns, 77 * SECOND);
    cr_assert_eq(tree_find(tree, "a")->mtime_ns, 77 * SECOND);
}

Test(renew, a_file_may_become_a_directory_and_the_other_way_round)
{
    tree = TREE_OF("f", "d/x");
    struct node *file = refer("f", 1);
    struct node *directory = refer("d", 1);
    struct node *below = refer("d/x", 2);
    tree_renew(tree, TREE_OF("f/x", "d"));
    cr_assert_str_eq(names_of(tree_root(tree)), "d f/ ");
    cr_assert(file->detached && directory->detached && below->detached);
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(100);
    cr_assert_eq(tree_path(below, &path), -ESTALE);
    cr_assert_null(tree_lookup(directory, "x", 1));
    cr_assert_eq(tree_after(directory, ""), 0);
    cr_assert_eq(node_nlink(directory), 1);
    tree_renew(tree, TREE_OF("f", "d/x"));
    cr_assert_str_eq(names_of(tree_root(tree)), "d/ f ");
}

Test(renew, an_empty_listing_leaves_an_empty_root)
{
    tree = TREE_OF("a/b/c", "d");
    const struct node *root = tree_root(tree);
    struct tree *fresh = new_tree();
    tree_finish(fresh);
    tree_renew(tree, fresh);
    cr_assert_eq(tree_root(tree), root);
    cr_assert_str_eq(names_of(root), "");
    tree_renew(tree, TREE_OF("a/b/c"));
    cr_assert_not_null(tree_find(tree, "a/b/c"));
}

/* Memory checkers see what is freed too early or not at all. */
Test(renew, detached_nodes_live_until_the_last_reference_is_given_back)
{
    tree = TREE_OF("a", "b", "c", "d");
    struct node *nodes[] = {refer("a", 2), refer("b", 1), refer("c", 1)};
    tree_renew(tree, TREE_OF("e"));
    tree_forget(tree, nodes[0], 1);
    cr_assert_str_eq(node_name(nodes[0]), "a");
    tree_forget(tree, nodes[1], 1);
    tree_forget(tree, nodes[0], 1);
    cr_assert_str_eq(node_name(nodes[2]), "c");
}

Test(renew, a_living_node_stays_when_the_kernel_forgets_it)
{
    tree = TREE_OF("a");
    struct node *node = refer("a", 3);
    tree_forget(tree, node, 3);
    cr_assert_eq(tree_find(tree, "a"), node);
    cr_assert_eq(atomic_load(&node->lookups), 0);
}

Test(renew, orphans_in_any_order_of_forgetting_leave_nothing_behind)
{
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        tree_free(tree);
        tree = TREE_OF("a", "b", "c");
        struct node *nodes[] = {refer("a", 1), refer("b", 1), refer("c", 1)};
        tree_renew(tree, TREE_OF("z"));
        for (size_t k = 0; k < 3; k++)
            tree_forget(tree, nodes[orders[i][k]], 1);
    }
}

/* What FUSE does at the same time: readers look up, refer and forget while the listing is renewed. */
static atomic_bool stop;

static void *look_around(void *context)
{
    size_t *found = context;
    while (!atomic_load(&stop)) {
        _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(100);
        tree_lock_read(tree);
        struct node *node = tree_find(tree, "d/f");
        if (node)
            atomic_fetch_add(&node->lookups, 1);
        tree_unlock(tree);
        if (!node)
            continue;
        tree_lock_read(tree);
        *found += tree_path(node, &path) == 0;
        tree_unlock(tree);
        tree_forget(tree, node, 1);
        (void)usleep(100); /* a lock that readers never leave free has no room for the renewal */
    }
    return NULL;
}

static struct tree *version(unsigned number)
{
    char etag[16];
    struct tree *fresh = new_tree();
    (void)snprintf(etag, sizeof etag, "%u", number / 2);
    if (number % 7)
        add_file(fresh, "d/f", 1, 1, etag);
    add_key(fresh, number % 3 ? "d/g" : "e/f");
    tree_finish(fresh);
    return fresh;
}

Test(renew, readers_may_look_while_the_listing_is_renewed)
{
    pthread_t threads[4];
    size_t found[4] = {0};
    tree = version(1);
    for (size_t i = 0; i < COUNT(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, look_around, &found[i]), 0);
    for (unsigned i = 2; i < 300; i++)
        tree_renew(tree, version(i));
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    tree_renew(tree, TREE_OF("last"));
    cr_assert_str_eq(names_of(tree_root(tree)), "last ");
}
