/* Composing where memory runs out, at each allocation in turn: an error, nothing lost, nothing wrong. */
#include <errno.h>

#include "scarce.h"
#include "stage_test.h"

static void give(struct stage *stage, struct stage_entry entry, int *result, struct error *err)
{
    if (*result < 0)
        return;
    entry.path_len = strlen(entry.path);
    entry.member = !entry.key;
    *result = stage_add(stage, &entry, err);
}

#define GIVE(at_row, at_path, ...)                                                                           \
    give(stage, (struct stage_entry){.row = (at_row), .path = (at_path), __VA_ARGS__}, &result, err)

/* Rows that meet in every way. */
static int give_all(struct stage *stage, struct error *err)
{
    char path[16];
    int result = 0;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(path, sizeof path, "many/%d/f", i);
        GIVE(1, path, .archive = 1, .file = 1, .links = 40, SAYS("1.tar", ""));
    }
    GIVE(1, "d/e", FILE_OF(1, "md5:a", 1));
    GIVE(1, "d", DIRECTORY_OF(1));
    GIVE(1, "f", FILE_OF(1, "md5:a", 1));
    GIVE(1, "g", FILE_OF(1, "md5:a", 1));
    GIVE(2, "g", FILE_OF(2, "md5:a", 1), .flatten = true);
    GIVE(2, "g", FILE_OF(3, "md5:b", 1), .flatten = true);
    GIVE(2, "h", FILE_OF(2, "md5:a", 1), .flatten = true);
    GIVE(2, "h", FILE_OF(3, "md5:b", 1), .flatten = true);
    GIVE(2, "d", DIRECTORY_OF(2));
    GIVE(2, "f/beneath", FILE_OF(2, "md5:a", 1));
    GIVE(2, "link", LINK_OF(2, "/"), .inside = true);
    GIVE(2, "../out", FILE_OF(2, "md5:a", 1));
    GIVE(3, "d", FILE_OF(3, "md5:a", 1));
    GIVE(3, "h", DIRECTORY_OF(3));
    GIVE(4, "many", FILE_OF(4, "md5:a", 1), .overlay = true);
    GIVE(4, "k", .key = "x", .etag = "e", SAYS("x", ""));
    return result;
}

/* Composes where allocation FAILING fails, by one way of finishing or the other, and looks at what comes of it. False where
   there are not as many allocations. That a few only cost speed is no error. */
static bool compose(size_t failing, bool whole)
{
    struct stage *stage = NULL;
    struct node *root = NULL;
    struct tree *tree = NULL;
    struct error err = {0};
    memory_fails_after(failing);
    int result = stage_new("", describe_entry, NULL, &stage, &err);
    if (result == 0)
        result = give_all(stage, &err);
    if (result == 0)
        result = whole ? stage_finish_tree(stage, &tree, &err) : stage_finish(stage, &root, &err);
    bool failed = memory_is_back();
    cr_assert(result == 0 || (failed && result == -ENOMEM), "allocation %zu: %d", failing, result);
    cr_assert_eq(err.code, -result);
    if (tree)
        tree_finish(tree);
    if (result == 0) {
        cr_assert_str_eq(shown(whole ? tree_root(tree) : root), "d! f! g! h! k=0 link! many=4 ");
        cr_assert_str_eq(lines(stage_conflicts(stage)),
                         "../out: 2.tar f [md5:a:1:f]: its name has a component '.' or '..'\n"
                         "d: conflict: 1.tar d [-:0:t] and 3.tar f [md5:a:1:f]\n"
                         "f: conflict: 1.tar f [md5:a:1:f] and, beneath it, 2.tar f [md5:a:1:f]\n"
                         "g: conflict: 1.tar f [md5:a:1:f] and 3.tar f [md5:b:1:f]\n"
                         "h: conflict: 3.tar f [md5:b:1:f] and 3.tar d [-:0:t]\n"
                         "link: 2.tar l [->/:1:l]: its target leaves the tree\n");
    }
    tree_free_members(root);
    tree_free(tree);
    stage_free(stage);
    return failed;
}

Test(stage_memory, any_allocation_may_fail)
{
    for (int whole = 0; whole < 2; whole++) {
        size_t failing = 0;
        while (compose(failing, whole))
            failing++;
        cr_assert_gt(failing, 200);
    }
}
