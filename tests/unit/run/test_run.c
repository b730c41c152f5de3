/* A run of a local directory behind the four calls. S3 is for the store's and the mount's tests. */
#include "run/run.h"

#include <errno.h>

#include "testing.h"

static const struct wait patient = {.timeout_ms = 10000};

static struct run *run;
static unsigned notes;

static void note(const char *what, const char *why)
{
    (void)what, (void)why;
    notes++;
}

static int open_run(const char *source, struct error *err)
{
    struct run_config config = {.source = source, .timeout_ms = 10000, .connections = 2, .note = note};
    return run_open(&config, &run, err);
}

static void set_up(void)
{
    struct error err = {0};
    scratch_open();
    (void)unsetenv("THEROCK_LOCAL_STAGING_DIR");
    scratch_mkdir("run");
    scratch_mkdir("run/logs");
    scratch_write("run/logs/a.log", "first");
    scratch_write("run/x", "second");
    assert_ok(open_run(scratch_path("run"), &err), &err);
}

static void tear_down(void)
{
    run_close(run);
    scratch_close();
}

TestSuite(run, .init = set_up, .fini = tear_down);

/* The content of the file at PATH, as the run shows it. */
static const char *content(const char *path)
{
    static char text[100];
    struct error err = {0};
    struct reader *reader;
    size_t n = 0;
    const struct node *node = tree_find(run_tree(run), path);
    cr_assert(node, "%s", path);
    assert_ok(run_open_node(run, node, &reader, &err), &err);
    int result = reader_pread(reader, text, sizeof text - 1, 0, &patient, &n, &err);
    reader_close(reader);
    assert_ok(result, &err);
    text[n] = '\0';
    return text;
}

Test(run, shows_a_directory)
{
    cr_assert_str_eq(run_title(run), scratch_path("run"));
    cr_assert_str_eq(content("logs/a.log"), "first");
    cr_assert_str_eq(content("x"), "second");
    cr_assert_eq(tree_totals(run_tree(run)).files, 2);
    cr_assert_eq(notes, 0);
}

Test(run, a_refresh_finds_what_changed)
{
    struct error err = {0};
    const struct node *same = tree_find(run_tree(run), "x");
    uint64_t listed_at = run_listed_at(run);
    scratch_write("run/logs/a.log", "changed");
    scratch_write("run/new", "third");
    assert_ok(run_refresh(run, 0, &patient, &err), &err);
    cr_assert_str_eq(content("logs/a.log"), "changed");
    cr_assert_str_eq(content("new"), "third");
    cr_assert_eq(tree_find(run_tree(run), "x"), same);
    cr_assert_geq(run_listed_at(run), listed_at);
}

Test(run, a_file_that_changed_since_the_listing_is_stale)
{
    struct error err = {0};
    struct reader *reader = NULL;
    scratch_write("run/x", "another length");
    assert_refused(run_open_node(run, tree_find(run_tree(run), "x"), &reader, &err), ESTALE, &err, "run/x");
    cr_assert_null(reader);
}

Test(run, a_node_that_was_replaced_is_stale)
{
    struct error err = {0};
    struct reader *reader = NULL;
    struct node *old = tree_find(run_tree(run), "x");
    atomic_fetch_add(&old->lookups, 1);
    cr_assert_eq(unlink(scratch_path("run/x")), 0);
    assert_ok(run_refresh(run, 0, &patient, &err), &err);
    assert_refused(run_open_node(run, old, &reader, &err), ESTALE, &err, "x");
    struct strbuf uri = STRBUF_INIT(100);
    cr_assert_lt(run_locate(run, old, RUN_S3_URI, &uri), 0);
    tree_forget(run_tree(run), old, 1);
}

Test(run, a_refresh_that_fails_leaves_the_tree)
{
    struct error err = {0};
    struct cancel cancelled = CANCEL_INIT;
    struct wait wait = {.timeout_ms = 10000, .cancelled = &cancelled};
    cancel_request(&cancelled);
    scratch_write("run/new", "third");
    uint64_t listed_at = run_listed_at(run);
    cr_assert_eq(run_refresh(run, 0, &wait, &err), -EINTR, "%s", err.message);
    cr_assert_null(tree_find(run_tree(run), "new"));
    cr_assert_str_eq(content("x"), "second");
    cr_assert_eq(run_listed_at(run), listed_at);
}

Test(run, a_local_run_has_no_location_in_s3)
{
    struct strbuf uri = STRBUF_INIT(100);
    cr_assert_eq(run_locate(run, tree_find(run_tree(run), "x"), RUN_S3_URI, &uri), -ENODATA);
    cr_assert_eq(run_locate(run, tree_root(run_tree(run)), RUN_HTTPS_URL, &uri), -ENODATA);
    cr_assert_eq(uri.len, 0);
}

Test(run, a_run_id_with_a_staging_directory_is_local)
{
    struct error err = {0};
    run_close(run);
    run = NULL;
    cr_assert_eq(rename(scratch_path("run"), scratch_path("77-linux")), 0);
    cr_assert_eq(setenv("THEROCK_LOCAL_STAGING_DIR", scratch_path("."), 1), 0);
    assert_ok(open_run("77-linux", &err), &err);
    cr_assert_str_eq(content("x"), "second");
}

Test(run, what_cannot_be_opened_is_refused_and_nothing_kept)
{
    struct error err = {0};
    run_close(run);
    run = NULL;
    assert_refused(open_run(scratch_path("none"), &err), ENOENT, &err, "/none");
    assert_refused(open_run(scratch_path("run/x"), &err), ENOTDIR, &err, "run/x");
    assert_refused(open_run("s3://", &err), EINVAL, &err, "no bucket");
    assert_refused(open_run("no such form", &err), EINVAL, &err, "not one of");
    cr_assert_null(run);
}

Test(run, resolving_asks_nobody)
{
    struct error err = {0};
    struct runfs_root root;
    struct run_config config = {.source = "5-linux", .site.endpoint = "http://127.0.0.1:1"};
    assert_ok(run_resolve(&config, &root, &err), &err);
    cr_assert_str_eq(root.bucket, "therock-ci-artifacts");
    cr_assert_str_eq(root.prefix, "5-linux");
    config.source = "/no/such/directory";
    assert_ok(run_resolve(&config, &root, &err), &err);
    config.source = "x";
    assert_refused(run_resolve(&config, &root, &err), EINVAL, &err, "source 'x'");
}
