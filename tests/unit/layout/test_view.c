/* View tables: what a good one says, and where and why bad ones are refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "layout_test.h"

static const char *const binds[] = {"bad", "good-1"};

static struct runfs_view *parse(const char *text)
{
    struct runfs_view *view;
    struct runfs_error err = {0};
    cr_assert_eq(runfs_view_parse(text, strlen(text), "t", binds, COUNT(binds), &view, &err), 0, "%s",
                 err.message);
    return view;
}

/* Checks that TEXT has the rows of EXPECTED, a line each: "LINE TYPE[!] [BIND:]SOURCE -> PATH", "!" for overlay. */
static void check(const char *text, const char *expected)
{
    struct runfs_view *view = parse(text);
    char all[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < runfs_view_count(view); i++) {
        const struct runfs_view_row *row = runfs_view_row_at(view, i);
        int n = snprintf(all + used, sizeof all - used, "%u %s%s %s%s%s -> %s\n", row->line,
                         runfs_row_type_name(row->type), row->overlay ? "!" : "", row->bind ? row->bind : "",
                         row->bind ? ":" : "", row->source, row->path);
        cr_assert(n > 0 && (size_t)n < sizeof all - used);
        used += (size_t)n;
    }
    cr_expect_null(runfs_view_row_at(view, runfs_view_count(view)));
    cr_expect_str_eq(all, expected);
    runfs_view_free(view);
}

static void check_refused(const char *text, size_t len, const char *expected)
{
    struct runfs_view *view = NULL;
    struct runfs_error err = {0};
    cr_expect_eq(runfs_view_parse(text, len, "t", binds, COUNT(binds), &view, &err), -EINVAL, "%s", expected);
    cr_expect_eq(err.code, EINVAL);
    cr_expect_str_eq(err.message, expected);
    cr_expect_null(view);
}

Test(layout_view, reads_the_documented_example)
{
    check("# source                                    logical path         type     options\n"
          "{amd-llvm,base,sysdeps}_{lib,run}_generic   /opt/rocm            flatten  -\n"
          "blas_lib_gfx94X                             /opt/rocm            flatten  overlay\n"
          "logs/gfx94X-dcgpu                           /logs                tree     -\n"
          "~/build/librocblas.so.4                     /opt/rocm/lib/librocblas.so.4  local  overlay\n"
          "bad:logs                                    /bad/logs            tree     -\n",
          "2 flatten {amd-llvm,base,sysdeps}_{lib,run}_generic -> opt/rocm\n"
          "3 flatten! blas_lib_gfx94X -> opt/rocm\n"
          "4 tree logs/gfx94X-dcgpu -> logs\n"
          "5 local! ~/build/librocblas.so.4 -> opt/rocm/lib/librocblas.so.4\n"
          "6 tree bad:logs -> bad/logs\n");
}

Test(layout_view, reads_what_fstab_allows)
{
    check("", "");
    check("\n \t\n#a /b tree\n \t# x\n", "");
    check("a / tree", "1 tree a -> \n");
    check("\t a\t \t/b   tree \t \n", "1 tree a -> b\n");
    check("a /b tree defaults 0 2\na /b tree overlay,overlay,defaults 1\n",
          "1 tree a -> b\n2 tree! a -> b\n");
    check("a\\040b\\011c /d\\040e\\134f tree\n", "1 tree a b\tc -> d e\\f\n");
    check("\\043a /b tree - 0 0", "1 tree \\043a -> b\n");
}

Test(layout_view, normalises_paths)
{
    check("./logs//g/./x/ //a/.//b/ tree", "1 tree logs/g/x -> a/b\n");
    check(". /. tree\nbad:./ / tree", "1 tree  -> \n2 tree bad: -> \n");
    check("..a/...  /..a/... tree", "1 tree ..a/... -> ..a/...\n");
    check("a /x local\n./b//c/.. /y local\n/abs /z local",
          "1 local a -> x\n2 local ./b//c/.. -> y\n3 local /abs -> z\n");
}

Test(layout_view, takes_a_prefix_for_a_run_only_where_it_is_bound)
{
    check("blas_lib_gfx942:xnack+ /a archive\ngood-1:x:y /b archive\ngood-10:x /c tree\n:x /d tree\n"
          "./bad:x /e tree\n./bad:x /f local\nbad /g tree",
          "1 archive blas_lib_gfx942:xnack+ -> a\n2 archive good-1:x:y -> b\n3 tree good-10:x -> c\n"
          "4 tree :x -> d\n5 tree bad:x -> e\n6 local ./bad:x -> f\n7 tree bad -> g\n");
}

Test(layout_view, refuses_bad_rows_with_file_line_and_reason)
{
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"#\n\na /b\n", "t:3: 2 fields, not 3 to 6"},
        {"a /b tree - 0 0 x", "t:1: 7 fields, not 3 to 6"},
        {"a /b tree - 0 1x", "t:1: field 6 '1x': not a number"},
        {"a /b tree # note", "t:1: field 5 'note': not a number"},
        {"a /b tree\na /b overlay -", "t:2: type 'overlay': not one of tree, archive, flatten, local"},
        {"a /b tree\r\n", "t:1: type 'tree\\x0d': not one of tree, archive, flatten, local"},
        {"a /b tree ro", "t:1: option 'ro': not one of overlay, defaults"},
        {"a /b tree overlay,", "t:1: option '': not one of overlay, defaults"},
        {"a /b tree -,overlay", "t:1: option '-': not one of overlay, defaults"},
        {"a b tree", "t:1: logical path 'b': not absolute"},
        {"a /b/../c tree", "t:1: logical path '/b/../c': has a '..'"},
        {"a /.. tree", "t:1: logical path '/..': has a '..'"},
        {"../a /b tree", "t:1: source '../a': has a '..'"},
        {"a/.. /b flatten", "t:1: source 'a/..': has a '..'"},
        {"/a /b tree", "t:1: source '/a': absolute, but it is a path in a run"},
        {"bad:/a /b tree", "t:1: source 'bad:/a': absolute, but it is a path in a run"},
        {"bad: /b tree", "t:1: source 'bad:': empty"},
        {". /b archive", "t:1: source '.': a whole run is no archive"},
        {"bad:. /b flatten", "t:1: source 'bad:.': a whole run is no archive"},
        {"bad:x /b local", "t:1: source 'bad:x': 'bad' is a run, but the row is local; see ./bad:x"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_refused(rows[i].text, strlen(rows[i].text), rows[i].message);
    check_refused("a /b tree\na\0 /b tree\n", 20, "t:2: holds a NUL byte");
}

/* A table of COUNT times TEXT, which the caller frees. */
static char *repeat(const char *text, size_t count)
{
    char *all = malloc(count * strlen(text) + 1);
    cr_assert(all);
    *all = '\0';
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * strlen(text), text, strlen(text) + 1);
    return all;
}

Test(layout_view, holds_to_its_limits)
{
    char line[RUNFS_VIEW_LINE_MAX + 2];
    (void)snprintf(line, sizeof line, "%-*s", RUNFS_VIEW_LINE_MAX, "a /b tree");
    runfs_view_free(parse(line));
    memset(line + RUNFS_VIEW_LINE_MAX, ' ', 1);
    check_refused(line, RUNFS_VIEW_LINE_MAX + 1, "t:1: longer than 4096 bytes");
    memset(line, 'x', sizeof line);
    (void)memcpy(line, "a /", 3);
    (void)snprintf(line + 3 + RUNFS_VIEW_NAME_MAX, 16, " tree");
    runfs_view_free(parse(line));
    (void)snprintf(line + 3 + RUNFS_VIEW_NAME_MAX, 16, "x tree");
    struct runfs_error err;
    struct runfs_view *view = NULL;
    cr_expect_eq(runfs_view_parse(line, strlen(line), "t", NULL, 0, &view, &err), -EINVAL);
    cr_expect(strstr(err.message, "xx': has a name that is too long"), "%s", err.message);

    char *most = repeat("a /b tree\n", RUNFS_VIEW_ROWS_MAX + 1);
    view = NULL;
    cr_expect_eq(runfs_view_parse(most, 10 * RUNFS_VIEW_ROWS_MAX, "t", NULL, 0, &view, &err), 0);
    cr_expect_eq(runfs_view_count(view), RUNFS_VIEW_ROWS_MAX);
    runfs_view_free(view);
    check_refused(most, strlen(most), "t:4097: more than 4096 rows");
    free(most);
    char *large = repeat("#", RUNFS_VIEW_SIZE_MAX + 1);
    check_refused(large, RUNFS_VIEW_SIZE_MAX + 1, "t: larger than 1048576 bytes");
    free(large);
}

Test(layout_view, checks_names_that_runs_are_bound_to)
{
    static const char *const good[] = {"a", "9", "good-1.x_Y"};
    static const char *const bad[] = {"", "-a", ".", "a:b", "a b", "a/b", "\xc3\xa4"};
    struct runfs_error err;
    char longest[RUNFS_BIND_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < COUNT(good); i++)
        cr_expect_eq(runfs_bind_name_check(good[i], strlen(good[i]), NULL), 0, "%s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_expect_eq(runfs_bind_name_check(bad[i], strlen(bad[i]), &err), -EINVAL, "%s", bad[i]);
    cr_expect_eq(runfs_bind_name_check("a\0b", 3, &err), -EINVAL);
    cr_expect_eq(runfs_bind_name_check(longest, RUNFS_BIND_NAME_MAX, &err), 0);
    cr_expect_eq(runfs_bind_name_check(longest, RUNFS_BIND_NAME_MAX + 1, &err), -EINVAL);
}
