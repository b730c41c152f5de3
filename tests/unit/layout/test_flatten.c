/* Flattening: stage paths, the places of members and targets, permissions, and which archives in which order. */
#include <errno.h>
#include <stdlib.h>

#include "layout_test.h"

static struct runfs_flatten *flatten_of(const char *text)
{
    struct runfs_flatten *flatten;
    struct runfs_error err = {0};
    cr_assert_eq(runfs_flatten_new(text, strlen(text), &flatten, &err), 0, "%s", err.message);
    return flatten;
}

/* Checks what comes of MEMBER: where EXPECTED begins with '=', the rest is its place; else "skipped", "above", … */
static void check_place(const struct runfs_flatten *flatten, const char *member, const char *expected)
{
    static const char *const names[] = {"=", "skipped", "above", "stray", "unsafe"};
    struct runfs_span path = {0};
    enum runfs_flatten_place place = runfs_flatten_place(flatten, member, strlen(member), &path);
    if (place == RUNFS_FLATTEN_PLACED)
        cr_expect(*expected == '=' && span_equals(path, expected + 1), "%s: at %.*s", member, (int)path.len,
                  path.text);
    else
        cr_expect(strcmp(expected, names[place]) == 0 && !path.text, "%s: %s", member, names[place]);
}

Test(layout_flatten, strips_the_first_line_that_leads)
{
    struct runfs_flatten *f = flatten_of("b/stage/sub\n\nb/stage\n  \na/x\na/x/y\r\nb/stage\n");
    cr_expect_eq(runfs_flatten_count(f), 4);
    check_place(f, "b/stage/sub/lib/x", "=lib/x");
    check_place(f, "b/stage/subs", "=subs");
    check_place(f, "b/stage/sub", "=sub");
    check_place(f, "b/stage/lib/x", "=lib/x");
    check_place(f, "a/x/y/z", "=y/z");
    check_place(f, "a/x/artifact_manifest.txt", "=artifact_manifest.txt");
    check_place(f, "artifact_manifest.txt", "skipped");
    check_place(f, "a/x", "above");
    check_place(f, "a", "above");
    check_place(f, "b", "above");
    check_place(f, "b/stage", "above");
    check_place(f, "b/stag", "stray");
    check_place(f, "b/stages/x", "stray");
    check_place(f, "c/x", "stray");
    check_place(f, "artifact_manifest.txt/x", "stray");
    runfs_flatten_free(f);
}

Test(layout_flatten, knows_directories_above_among_neighbours)
{
    struct runfs_flatten *f = flatten_of("a\xe6\na!/x\na-b\na.c/d\na/b/c\na0/x\n");
    check_place(f, "a", "above");
    check_place(f, "a/b", "above");
    check_place(f, "a/b/c", "above");
    check_place(f, "a!", "above");
    check_place(f, "a0", "above");
    check_place(f, "a-", "stray");
    check_place(f, "a/c", "stray");
    check_place(f, "a0/", "unsafe");
    runfs_flatten_free(f);
}

Test(layout_flatten, refuses_members_that_are_no_plain_path)
{
    struct runfs_flatten *f = flatten_of("a\n.\n");
    static const char *const unsafe[] = {"",   "/",    "/a/b",  "a/../b", "a/..",
                                         "..", "a//b", "./a/b", "a/./b",  "a/b/"};
    for (size_t i = 0; i < COUNT(unsafe); i++)
        check_place(f, unsafe[i], "unsafe");
    check_place(f, "a/..b", "=..b");
    check_place(f, "b/c", "=b/c");
    runfs_flatten_free(f);
}

Test(layout_flatten, normalises_lines)
{
    struct runfs_flatten *f = flatten_of("./a//b/./c/ \t");
    check_place(f, "a/b/c/d", "=d");
    runfs_flatten_free(f);
    f = flatten_of("");
    check_place(f, "a/b", "stray");
    check_place(f, "a", "stray");
    check_place(f, "artifact_manifest.txt", "skipped");
    runfs_flatten_free(f);
}

Test(layout_flatten, refuses_bad_manifests_with_the_line)
{
    static const struct {
        const char *text;
        size_t len;
        const char *message;
    } rows[] = {
        {"a\n/b\n", 5, "artifact_manifest.txt:2: '/b': is absolute"},
        {"a\n\na/../b", 9, "artifact_manifest.txt:3: 'a/../b': has a '..'"},
        {"..", 2, "artifact_manifest.txt:1: '..': has a '..'"},
        {"a\0", 2, "artifact_manifest.txt:1: 'a': holds a NUL byte"},
        {"a\x1b/..", 5, "artifact_manifest.txt:1: 'a\\x1b/..': has a '..'"},
    };
    struct runfs_flatten *flatten = NULL;
    struct runfs_error err;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_eq(runfs_flatten_new(rows[i].text, rows[i].len, &flatten, &err), -EINVAL);
        cr_expect_str_eq(err.message, rows[i].message);
    }
    char *large = calloc(RUNFS_FLATTEN_SIZE_MAX + 1, 1);
    cr_assert(large);
    memset(large, '\n', RUNFS_FLATTEN_SIZE_MAX + 1);
    cr_expect_eq(runfs_flatten_new(large, RUNFS_FLATTEN_SIZE_MAX + 1, &flatten, &err), -EINVAL);
    cr_expect_str_eq(err.message, "artifact_manifest.txt: larger than 1048576 bytes");
    cr_expect_null(flatten);
    cr_expect_eq(runfs_flatten_new(large, RUNFS_FLATTEN_SIZE_MAX, &flatten, &err), 0);
    runfs_flatten_free(flatten);
    free(large);
}

/* Checks the places that TARGET may stand for, in order; NULL ends them. */
static void check_targets(const struct runfs_flatten *flatten, const char *target,
                          const char *const *expected)
{
    struct runfs_span path;
    size_t cursor = 0;
    size_t i = 0;
    for (; runfs_flatten_target(flatten, target, strlen(target), &cursor, &path) && expected[i]; i++)
        cr_expect(span_equals(path, expected[i]), "%s: at %.*s", target, (int)path.len, path.text);
    cr_expect_null(expected[i], "%s: not at %s", target, expected[i]);
    cr_expect_not(runfs_flatten_target(flatten, target, strlen(target), &cursor, &path));
}

Test(layout_flatten, leads_targets_through_every_line)
{
    struct runfs_flatten *f = flatten_of("a/b\nx\na\na/b/c\na/b\n");
    check_targets(f, "a/b/c/d", (const char *const[]){"c/d", "b/c/d", "d", NULL});
    check_targets(f, "x/y", (const char *const[]){"y", NULL});
    check_targets(f, "a", (const char *const[]){NULL});
    check_targets(f, "a/b/../x", (const char *const[]){NULL});
    check_targets(f, "", (const char *const[]){NULL});
    runfs_flatten_free(f);
}

Test(layout_flatten, gives_files_the_bits_of_umask_and_of_execution)
{
    cr_expect_eq(runfs_flatten_mode(0755, 022), 0755);
    cr_expect_eq(runfs_flatten_mode(0600, 022), 0644);
    cr_expect_eq(runfs_flatten_mode(0100, 077), 0700);
    cr_expect_eq(runfs_flatten_mode(07711, 027), 0751);
    cr_expect_eq(runfs_flatten_mode(0, 0), 0666);
}

static void check_select(const char *const *files, size_t count, const char *include, const char *expected)
{
    const char *const includes[] = {include};
    struct runfs_filter_spec spec = {.include = includes, .include_count = 1};
    struct runfs_filter *filter = NULL;
    struct runfs_error err;
    size_t *chosen;
    size_t taken;
    char digits[16] = "";
    if (include)
        cr_assert_eq(runfs_filter_new(&spec, &filter, &err), 0, "%s", err.message);
    cr_assert_eq(runfs_flatten_select(files, count, filter, &chosen, &taken, &err), 0);
    cr_assert(taken < sizeof digits);
    for (size_t i = 0; i < taken; i++)
        digits[i] = (char)('0' + chosen[i]);
    cr_expect_str_eq(digits, expected, "%s: %s", include, digits);
    free(chosen);
    runfs_filter_free(filter);
}

Test(layout_flatten, chooses_archives_in_byte_order_of_their_names)
{
    static const char *const files[] = {
        "b_lib_generic.tar.xz",
        "a_lib_generic.tar.xz",
        "a_lib_generic.tar.zst",
        "B_lib_generic.tar.zst",
        "a_lib_generic.tar.gz",
        "a_lib_generic.tar.xz.sha256sum",
        "index.html",
        "a-b_lib_generic.tar.xz",
        "a_lib_generic:x.tar.xz",
        "a_dbg_generic.tar.xz",
    };
    check_select(files, COUNT(files), NULL, "379280");
    check_select(files, COUNT(files), "[.]xz$", "79180");
    check_select(files, COUNT(files), "^b", "0");
    check_select(files, 0, NULL, "");
}
