/* Paths that lead through symbolic links, in a run of a local directory, and never out of it. */
#include <errno.h>

#include "run/run.h"
#include "testing.h"

static const struct wait patient = {.timeout_ms = 10000};

static struct run *run;

static void link_to(const char *target, const char *name)
{
    cr_assert_eq(symlink(target, scratch_path("run/%s", name)), 0);
}

static void set_up(void)
{
    struct error err = {0};
    scratch_open();
    (void)unsetenv("THEROCK_LOCAL_STAGING_DIR");
    scratch_mkdir("run");
    scratch_mkdir("run/a");
    scratch_mkdir("run/a/b");
    scratch_write("run/a/b/file", "text");
    link_to("b", "a/to-b");
    link_to("../a/to-b/file", "a/to-file");
    link_to("a//to-file", "chain");
    link_to(".", "here");
    link_to("/etc/passwd", "absolute");
    link_to("../../etc/passwd", "a/out");
    link_to("loop", "loop");
    link_to("none", "dangling");
    struct run_config config = {.source = scratch_path("run"), .timeout_ms = 10000};
    assert_ok(run_open(&config, &run, &err), &err);
}

static void tear_down(void)
{
    run_close(run);
    scratch_close();
}

TestSuite(follow, .init = set_up, .fini = tear_down);

static int follow(const char *path, const struct node **ret_node, struct error *err)
{
    struct node *node = NULL;
    int result = run_follow(run, path, &patient, &node, err);
    *ret_node = node;
    return result;
}

Test(follow, links_lead_where_they_point)
{
    static const char *const paths[] = {
        "a/b/file", "/a//b/./file", "a/to-b/file",          "a/to-file",           "chain",
        "chain/",   "a/../chain",   "here/here/here/chain", "a/to-b/../to-b/file",
    };
    const struct node *file = tree_find(run_tree(run), "a/b/file");
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct error err = {0};
        const struct node *node;
        assert_ok(follow(paths[i], &node, &err), &err);
        cr_assert_eq(node, file, "%s", paths[i]);
    }
}

Test(follow, a_directory_is_found_too)
{
    struct error err = {0};
    const struct node *node;
    assert_ok(follow("a/to-b", &node, &err), &err);
    cr_assert_eq(node, tree_find(run_tree(run), "a/b"));
    assert_ok(follow("here", &node, &err), &err);
    cr_assert_eq(node, tree_root(run_tree(run)));
    assert_ok(follow("", &node, &err), &err);
    cr_assert_eq(node, tree_root(run_tree(run)));
}

Test(follow, nothing_leads_out)
{
    static const struct {
        const char *path;
        int code;
    } cases[] = {
        {"absolute", EXDEV},    {"a/out", ENOENT},       {"..", ENOENT},          {"a/../../a", ENOENT},
        {"loop", ELOOP},        {"loop/x", ELOOP},       {"dangling", ENOENT},    {"none", ENOENT},
        {"a/b/file/x", ENOENT}, {"a/b/file/..", ENOENT}, {"a/to-file/.", ENOENT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        const struct node *node;
        assert_refused(follow(cases[i].path, &node, &err), cases[i].code, &err, cases[i].path);
        cr_assert_null(node);
    }
}
