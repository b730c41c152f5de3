/* Views when the run, or what else they take from, has changed; and what is kept of them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "view_test.h"

static const struct wait patient = {.timeout_ms = 10000};

static void set_up(void)
{
    view_set_up();
    scratch_write("run/f", "first");
    scratch_write("here", "here");
    write_archive("run/a_lib_generic.tar.xz", MEMBERS(MANIFEST("s\n"), {"s/x", "of a", 0644, '0'}));
    write_table("f /f tree\nhere /here local\n*_lib_* /dist flatten\n");
}

TestSuite(view_refresh, .init = set_up, .fini = view_tear_down);

static void refresh(void)
{
    struct error err = {0};
    assert_ok(run_refresh(run, 0, &patient, &err), &err);
}

Test(view_refresh, what_has_not_changed_stays_the_same_node)
{
    must_open();
    const struct node *member = node_at("dist/x");
    const struct node *file = node_at("f");
    refresh();
    cr_assert_eq(tree_find(run_tree(run), "dist/x"), member);
    cr_assert_eq(tree_find(run_tree(run), "f"), file);
}

Test(view_refresh, what_has_changed_shows)
{
    must_open();
    cr_assert_str_eq(content_at("dist/x"), "of a");
    scratch_write("run/f", "the second");
    write_archive("run/b_lib_generic.tar.xz", MEMBERS(MANIFEST("s\n"), {"s/x", "of the other", 0644, '0'}));
    refresh();
    cr_assert_str_eq(content_at("f"), "the second");
    cr_assert_str_eq(content_at("dist/x"), "of the other");
}

Test(view_refresh, a_local_file_that_changed_is_stale_until_then)
{
    struct error err = {0};
    struct reader *reader;
    must_open();
    scratch_write("here", "another length");
    cr_assert_eq(run_open_node(run, node_at("here"), &reader, &err), -ESTALE, "%s", err.message);
    refresh();
    cr_assert_str_eq(content_at("here"), "another length");
}

Test(view_refresh, a_source_that_went_leaves_the_tree_as_it_was)
{
    struct error err = {0};
    must_open();
    cr_assert_eq(unlink(scratch_path("run/f")), 0);
    scratch_write("run/new", "new");
    cr_assert_eq(run_refresh(run, 0, &patient, &err), -ENOENT);
    cr_assert(strstr(err.message, "table:1: missing source: "), "%s", err.message);
    cr_assert(tree_find(run_tree(run), "f"));
    cr_assert_null(tree_find(run->stored, "new"));
}

Test(view_refresh, a_conflict_that_came_is_noted_and_a_problem)
{
    write_table("f /f tree\nhere /f local\n");
    scratch_write("here", "first");
    must_open();
    scratch_write("here", "other");
    refresh();
    cr_assert(node_at("f")->problem);
    cr_assert(strstr(view_notes, "table: f: conflict: "), "%s", view_notes);
}

/* What is kept is found without anybody waiting: then the directory is composed when the run is opened. */
static bool is_composed(void)
{
    return tree_is_populated(tree_find(run_tree(run), "dist"));
}

Test(view_refresh, what_is_kept_is_composed_at_once)
{
    view_on_disk();
    must_open();
    cr_assert_not(is_composed());
    (void)node_at("dist/x");
    must_open();
    cr_assert(is_composed());
    cr_assert_str_eq(content_at("dist/x"), "of a");
}

/* Changes the last byte of each file in the cache that holds TEXT. */
static unsigned damage(const char *text)
{
    unsigned count = 0;
    struct dirent *entry;
    DIR *tables = opendir(scratch_path("cache/tables"));
    cr_assert(tables);
    while ((entry = readdir(tables))) {
        char bytes[4096];
        int fd = openat(dirfd(tables), entry->d_name, O_RDWR);
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n > 0 && memmem(bytes, (size_t)n, text, strlen(text))) {
            cr_assert_eq(pwrite(fd, "?", 1, n - 1), 1);
            count++;
        }
        (void)close(fd);
    }
    (void)closedir(tables);
    return count;
}

Test(view_refresh, a_manifest_that_was_damaged_on_disk_is_read_anew)
{
    view_on_disk();
    must_open();
    (void)node_at("dist/x");
    cr_assert_eq(damage("artifact_manifest.txts\n"), 1);
    must_open();
    cr_assert_not(is_composed());
    cr_assert_str_eq(shown("dist"), "dist/x ");
    must_open();
    cr_assert(is_composed());
}
