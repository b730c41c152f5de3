/* Names in archives: their one form, and which are refused. */
#include "archive/tar_name.h"

#include "archive_test.h"

static const char *normal(const char *name, size_t len)
{
    static struct strbuf out = STRBUF_INIT(TAR_NAME_MAX);
    const char *fault = tar_name_normalise(name, len, &out);
    cr_assert_eq(out.failed, 0);
    return fault ? fault : strbuf_text(&out);
}

#define NORMAL(name) normal((name), sizeof(name) - 1)

Test(tar_name, dots_and_slashes_that_mean_nothing_go)
{
    cr_assert_str_eq(NORMAL("a/b"), "a/b");
    cr_assert_str_eq(NORMAL("./a//b/./c/"), "a/b/c");
    cr_assert_str_eq(NORMAL("a/."), "a");
    cr_assert_str_eq(NORMAL("././a///"), "a");
    cr_assert_str_eq(NORMAL("."), "");
    cr_assert_str_eq(NORMAL("./"), "");
    cr_assert_str_eq(NORMAL(""), "");
    cr_assert_str_eq(NORMAL("..."), "...");
    cr_assert_str_eq(NORMAL(".a/..b"), ".a/..b");
    cr_assert_str_eq(NORMAL("\xff\n\x01"), "\xff\n\x01");
}

Test(tar_name, names_that_leave_the_tree_are_refused)
{
    cr_assert_str_eq(NORMAL("/etc/passwd"), "its name is absolute");
    cr_assert_str_eq(NORMAL("//a"), "its name is absolute");
    cr_assert_str_eq(NORMAL(".."), "its name has a component '.' or '..'");
    cr_assert_str_eq(NORMAL("../a"), "its name has a component '.' or '..'");
    cr_assert_str_eq(NORMAL("a/../../b"), "its name has a component '.' or '..'");
    cr_assert_str_eq(NORMAL("a/.."), "its name has a component '.' or '..'");
    cr_assert_str_eq(NORMAL("a\0b"), "its name holds a NUL byte");
}

Test(tar_name, components_and_depth_have_limits)
{
    char name[2 * TAR_DEPTH_MAX + 8];
    memset(name, 'n', sizeof name);
    cr_assert_str_eq(normal(name, 256), "its name has a component of more than 255 bytes");
    cr_assert_eq(strlen(normal(name, 255)), 255);
    for (size_t i = 1; i < sizeof name; i += 2)
        name[i] = '/';
    cr_assert_eq(strlen(normal(name, 2 * TAR_DEPTH_MAX)), 2 * TAR_DEPTH_MAX - 1);
    cr_assert_str_eq(normal(name, 2 * TAR_DEPTH_MAX + 1), "its name has too many components");
}

Test(tar_name, the_whole_has_a_limit)
{
    size_t len = TAR_NAME_MAX + 1;
    char *name = malloc(len);
    memset(name, '/', len);
    name[0] = 'a';
    cr_assert_str_eq(normal(name, len - 1), "a");
    cr_assert_str_eq(normal(name, len), "its name is too long");
    free(name);
}

Test(tar_name, a_members_bad_name_refuses_it_alone)
{
    add_file("/etc/passwd", "root");
    add_file("a/../b", "x");
    add_file("", "nameless");
    add_file("./", ""); /* the root is a directory, and may be there */
    add_link('1', "h", "../outside");
    add_link('1', "h", "");
    add_link('2', "s", "");
    add_link('2', "s", "/../anywhere");
    assert_reading("refused /etc/passwd: its name is absolute\n"
                   "refused a/../b: its name has a component '.' or '..'\n"
                   "refused : its name is empty\n"
                   "directory  644 1500000000.000000000 0\n"
                   "refused h: its link target cannot be a member\n"
                   "refused h: its link target cannot be a member\n"
                   "refused s: its link target is empty\n"
                   "symlink s 644 1500000000.000000000 0 -> /../anywhere\nend\n");
}
