/* The kernel's list of mounts: its lines, and what is found in it. */
#include "base/mounts.h"

#include <errno.h>
#include <sys/mount.h>

#include "testing.h"

static bool parse(const char *text, struct mount_line *ret_mount)
{
    static char line[256];
    (void)snprintf(line, sizeof line, "%s", text);
    return mount_line_parse(line, ret_mount);
}

Test(mounts, a_line_is_split)
{
    struct mount_line mount;
    cr_assert(parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw\n", &mount));
    cr_assert_eq(mount.id, 36);
    cr_assert_str_eq(mount.device, "98:0");
    cr_assert_str_eq(mount.mountpoint, "/mnt2");
    cr_assert_str_eq(mount.type, "ext3");
    cr_assert(parse("7 1 0:50 / /m ro - fuse.runfs s3://b/run ro", &mount)); /* without optional fields */
    cr_assert_eq(mount.id, 7);
    cr_assert_str_eq(mount.type, MOUNT_TYPE_RUNFS);
}

Test(mounts, escapes_are_those_of_the_kernel)
{
    struct mount_line mount;
    cr_assert(parse("1 2 0:3 / /a\\040b\\011c\\012d\\134040e rw - tmpfs none rw\n", &mount));
    cr_assert_str_eq(mount.mountpoint, "/a b\tc\nd\\040e");
    cr_assert(parse("1 2 0:3 / /a\\04 rw - tmpfs none rw\n", &mount)); /* none of the kernel's */
    cr_assert_str_eq(mount.mountpoint, "/a\\04");
}

Test(mounts, other_lines_are_none)
{
    struct mount_line mount;
    cr_assert_not(parse("", &mount));
    cr_assert_not(parse("36 35 98:0 /mnt1 /mnt2 rw\n", &mount));
    cr_assert_not(parse("36 35 98:0 - ext3 /dev/root rw\n", &mount));
    cr_assert_not(parse("x 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw\n", &mount));
    cr_assert_not(parse(" 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw\n", &mount));
}

Test(mounts, what_is_on_top_is_found, .init = scratch_open, .fini = scratch_close)
{
    struct mount top;
    own_mounts();
    scratch_mkdir("a b\\c");
    const char *path = scratch_path("a b\\c");
    cr_assert_eq(mount_at(path, &top), -ENOENT);
    cr_assert_eq(mount("none", path, "tmpfs", 0, NULL), 0);
    cr_assert_eq(mount_at(path, &top), 0);
    cr_assert_str_eq(top.type, "tmpfs");
    cr_assert_eq(mount("none", path, "ramfs", 0, NULL), 0);
    cr_assert_eq(mount_at(path, &top), 0);
    cr_assert_str_eq(top.type, "ramfs");
    cr_assert_eq(mount_by_id(UINT64_MAX, &top), -ENOENT);
}
