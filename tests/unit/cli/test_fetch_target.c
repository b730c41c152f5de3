/* The directory that a run is copied to: what is made in it, and that nothing is made outside. */
#include "cli/fetch_target.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "testing.h"

static struct fetch_target target;

static void open_target(bool look)
{
    struct error err = {0};
    assert_ok(fetch_target_open(&target, scratch_path("dir"), look, &err), &err);
}

static void set_up(void)
{
    scratch_open();
    scratch_mkdir("outside");
    open_target(false);
}

static void tear_down(void)
{
    fetch_target_close(&target, false);
    scratch_close();
}

TestSuite(target, .init = set_up, .fini = tear_down);

static bool exists(const char *path)
{
    struct stat st;
    return lstat(scratch_path("%s", path), &st) == 0;
}

static void check_content(const char *path, const char *content)
{
    _cleanup_free_ char *text = scratch_read(path);
    cr_assert_str_eq(text, content);
}

Test(target, directories_are_made_with_those_above)
{
    struct error err = {0};
    assert_ok(fetch_target_make_directory(&target, "a/b/c", &err), &err);
    assert_ok(fetch_target_make_directory(&target, "a/b", &err), &err);
    assert_ok(fetch_target_make_directory(&target, "a/b2", &err), &err);
    assert_ok(fetch_target_make_directory(&target, "", &err), &err);
    cr_assert(exists("dir/a/b/c"));
    cr_assert(exists("dir/a/b2"));
}

Test(target, what_is_in_the_way_is_told_and_stays)
{
    struct error err = {0};
    scratch_write("dir/file", "");
    cr_assert_eq(symlink("../outside", scratch_path("dir/link")), 0);
    cr_assert_eq(symlink("none", scratch_path("dir/dangling")), 0);
    assert_refused(fetch_target_make_directory(&target, "file", &err), ENOTDIR, &err, "file is in the way");
    assert_refused(fetch_target_make_directory(&target, "file/a", &err), ENOTDIR, &err, "file is in the way");
    assert_refused(fetch_target_make_directory(&target, "link", &err), ELOOP, &err, "link is in the way");
    assert_refused(fetch_target_make_directory(&target, "link/a/b", &err), ELOOP, &err, "link is in the way");
    assert_refused(fetch_target_make_directory(&target, "dangling/a", &err), ELOOP, &err,
                   "link is in the way");
    cr_assert_not(exists("outside/a"));
}

Test(target, nothing_is_found_outside)
{
    struct error err = {0};
    const char *name;
    int fd = -1;
    cr_assert_lt(fetch_target_make_directory(&target, "../outside/a", &err), 0);
    cr_assert_lt(fetch_target_make_directory(&target, "/tmp", &err), 0);
    cr_assert_lt(fetch_target_open_parent(&target, "../outside/a", &fd, &name, &err), 0);
    cr_assert_eq(fd, -1);
    cr_assert_not(exists("outside/a"));
}

Test(target, a_part_takes_the_place_of_a_file_or_a_link_not_of_a_directory)
{
    struct error err = {0};
    scratch_write("outside/file", "old");
    scratch_mkdir("dir/directory");
    cr_assert_eq(symlink("../outside/file", scratch_path("dir/link")), 0);
    for (int i = 0; i < 2; i++) {
        scratch_write("dir/" FETCH_PARTS "/part", "new");
        assert_ok(fetch_target_place(&target, "part", "link", &err), &err);
    }
    check_content("dir/link", "new");
    check_content("outside/file", "old");
    scratch_write("dir/" FETCH_PARTS "/part", "new");
    assert_refused(fetch_target_place(&target, "part", "directory", &err), EISDIR, &err,
                   "directory is in the way");
    cr_assert_not(exists("dir/" FETCH_PARTS "/part"));
}

Test(target, parts_stay_only_to_be_continued)
{
    scratch_write("dir/" FETCH_PARTS "/part", "x");
    fetch_target_close(&target, true);
    cr_assert(exists("dir/" FETCH_PARTS "/part"));
    open_target(false);
    fetch_target_close(&target, false);
    cr_assert_not(exists("dir/" FETCH_PARTS));
    cr_assert(exists("dir"));
}

Test(target, two_do_not_work_there)
{
    struct error err = {0};
    struct fetch_target other;
    assert_refused(fetch_target_open(&other, scratch_path("dir"), false, &err), EBUSY, &err, "another");
    fetch_target_close(&target, false);
    assert_ok(fetch_target_open(&other, scratch_path("dir"), false, &err), &err);
    fetch_target_close(&other, false);
}

Test(target, looking_makes_nothing)
{
    struct error err = {0};
    const char *name;
    int fd;
    fetch_target_close(&target, false);
    cr_assert_eq(rmdir(scratch_path("dir")), 0);
    open_target(true);
    cr_assert_not(exists("dir"));
    assert_refused(fetch_target_open_parent(&target, "a", &fd, &name, &err), ENOENT, &err, "a");
    fetch_target_close(&target, true);
    scratch_mkdir("dir");
    open_target(true);
    cr_assert_not(exists("dir/" FETCH_PARTS));
}

Test(target, a_link_for_the_directory_of_parts_is_refused)
{
    struct error err = {0};
    fetch_target_close(&target, false);
    cr_assert_eq(symlink("../outside", scratch_path("dir/" FETCH_PARTS)), 0);
    assert_refused(fetch_target_open(&target, scratch_path("dir"), false, &err), ELOOP, &err,
                   "link is in the way");
    cr_assert(exists("outside"));
}
