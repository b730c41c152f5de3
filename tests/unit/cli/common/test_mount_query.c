/* Questions to drivers that are dead, silent, or none, in a mount namespace of the test's own. */
#include "cli/common/mount_query.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "testing.h"

static void set_up(void)
{
    scratch_open();
    own_mounts();
    scratch_mkdir("m");
}

TestSuite(question, .init = set_up, .fini = scratch_close);

/* Mounts a driver that never answers, for as long as the descriptor it returns is open. */
static int mount_silent(void)
{
    char options[64];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0, "/dev/fuse is needed");
    (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    cr_assert_eq(mount("x", scratch_path("m"), "fuse.runfs", MS_NOSUID | MS_NODEV | MS_RDONLY, options), 0);
    return fd;
}

Test(question, a_dead_driver_is_told_from_a_silent_one)
{
    char *value = NULL;
    int fd = mount_silent();
    cr_assert_eq(mount_query(scratch_path("m"), "user.runfs.pid", &value), -ETIMEDOUT);
    (void)close(fd);
    cr_assert_eq(mount_query(scratch_path("m"), "user.runfs.pid", &value), -ENOTCONN);
    cr_assert_null(value);
}

Test(question, a_value_is_handed_over_as_it_is)
{
    _cleanup_free_ char *value = NULL;
    scratch_write("file", "");
    if (setxattr(scratch_path("file"), "user.runfs.test", "a value", 7, 0) < 0)
        cr_skip_test("no extended attributes here: %s", error_text(errno));
    cr_assert_eq(mount_query(scratch_path("file"), "user.runfs.test", &value), 0);
    cr_assert_str_eq(value, "a value");
}

Test(question, what_has_no_answer_is_an_error)
{
    char *value = NULL;
    cr_assert_eq(mount_query(scratch_path("none"), "user.runfs.pid", &value), -ENOENT);
    int result = mount_query(scratch_path("m"), "user.runfs.pid", &value);
    cr_assert(result == -ENODATA || result == -EOPNOTSUPP, "%d", result);
    cr_assert_null(value);
}

Test(question, the_mount_of_a_path_is_found_in_bounded_time)
{
    uint64_t outside = 0;
    uint64_t inside = 0;
    scratch_write("file", "");
    cr_assert_eq(mount_query_id(scratch_path("file"), &outside), 0);
    int fd = mount_silent();
    cr_assert_eq(mount_query_id(scratch_path("m"), &inside), 0);
    cr_assert(outside && inside && outside != inside);
    cr_assert_eq(mount_query_id(scratch_path("m/x"), &inside), -ETIMEDOUT);
    (void)close(fd);
    cr_assert_eq(mount_query_id(scratch_path("m/x"), &inside), -ENOTCONN);
    cr_assert_eq(mount_query_id(scratch_path("none"), &inside), -ENOENT);
}
