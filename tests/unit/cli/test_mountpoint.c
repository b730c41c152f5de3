/* Mountpoints, in a mount namespace of the test's own: nothing of it is seen outside, nothing is left. */
#include "cli/mountpoint.h"

#include <errno.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "testing.h"

static void set_up(void)
{
    scratch_open();
    own_mounts();
    scratch_mkdir("m");
}

TestSuite(mountpoint, .init = set_up, .fini = scratch_close);

static void mount_tmpfs(const char *path)
{
    cr_assert_eq(mount("none", path, "tmpfs", 0, NULL), 0);
}

/* A runfs mount whose driver has been killed. */
static void mount_dead(const char *path)
{
    char options[64];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0, "/dev/fuse is needed");
    (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    cr_assert_eq(mount("s3://b/run", path, "fuse.runfs", MS_NOSUID | MS_NODEV | MS_RDONLY, options), 0);
    (void)close(fd);
}

static enum mount_state state_of(const char *path)
{
    enum mount_state state;
    pid_t pid = 5;
    struct error err = {0};
    assert_ok(mountpoint_state(path, &state, &pid, &err), &err);
    cr_assert_eq(pid, 0);
    return state;
}

Test(mountpoint, a_directory_without_a_mount_is_ready)
{
    struct error err = {0};
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_NONE);
    assert_ok(mountpoint_prepare(scratch_path("m"), &err), &err);
}

Test(mountpoint, another_file_system_is_left_alone)
{
    struct error err = {0};
    mount_tmpfs(scratch_path("m"));
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_OTHER);
    assert_refused(mountpoint_prepare(scratch_path("m"), &err), EBUSY, &err,
                   "something is mounted there already");
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_OTHER);
    cr_assert_eq(state_of("/proc"), MOUNT_OTHER);
}

/* The table writes blanks, tabs, newlines and backslashes as octal escapes. */
Test(mountpoint, awkward_names_are_found_in_the_table)
{
    static const char *const names[] = {"a b", "a\tb", "a\nb", "a\\b", "a\\040b", "\xc3\xbc", "a,b", "a#b"};
    for (size_t i = 0; i < COUNT(names); i++) {
        scratch_mkdir(names[i]);
        cr_assert_eq(state_of(scratch_path("%s", names[i])), MOUNT_NONE);
        mount_tmpfs(scratch_path("%s", names[i]));
        cr_assert_eq(state_of(scratch_path("%s", names[i])), MOUNT_OTHER, "%s", names[i]);
    }
}

Test(mountpoint, a_dead_mount_is_seen_and_cleared)
{
    struct error err = {0};
    mount_dead(scratch_path("m"));
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_DEAD);
    assert_ok(mountpoint_prepare(scratch_path("m"), &err), &err);
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_NONE);
}

Test(mountpoint, dead_mounts_on_top_of_each_other_are_all_cleared)
{
    struct error err = {0};
    scratch_write("m/below", "");
    for (int i = 0; i < 3; i++)
        mount_dead(scratch_path("m"));
    assert_ok(mountpoint_prepare(scratch_path("m"), &err), &err);
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_NONE);
    cr_assert_eq(access(scratch_path("m/below"), F_OK), 0);
}

Test(mountpoint, what_lies_below_a_dead_mount_is_left_alone)
{
    struct error err = {0};
    mount_tmpfs(scratch_path("m"));
    mount_dead(scratch_path("m"));
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_DEAD);
    assert_refused(mountpoint_prepare(scratch_path("m"), &err), EBUSY, &err, "something is mounted");
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_OTHER);
}

Test(mountpoint, only_a_directory_can_be_mounted_on)
{
    struct error err = {0};
    scratch_write("file", "");
    assert_refused(mountpoint_prepare(scratch_path("file"), &err), ENOTDIR, &err, "/file: Not a directory");
    assert_refused(mountpoint_prepare(scratch_path("none"), &err), ENOENT, &err, "/none: No such file");
}

/* Of several that mount there at once only one does. */
Test(mountpoint, a_place_is_locked_while_somebody_mounts_there)
{
    struct error err = {0};
    int fd = -1;
    int second = -1;
    mount_dead(scratch_path("m"));
    assert_ok(mountpoint_lock(scratch_path("m"), &fd, &err), &err);
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_NONE);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    (void)close(fd);
    assert_ok(mountpoint_lock(scratch_path("m"), &second, &err), &err);
    (void)close(second);
    mount_tmpfs(scratch_path("m"));
    assert_refused(mountpoint_lock(scratch_path("m"), &fd, &err), EBUSY, &err, "something is mounted");
    assert_refused(mountpoint_lock(scratch_path("none"), &fd, &err), ENOENT, &err, "/none");
}

Test(mountpoint, unmounting_takes_the_top_mount)
{
    struct error err = {0};
    mount_tmpfs(scratch_path("m"));
    mount_dead(scratch_path("m"));
    assert_ok(mountpoint_unmount(scratch_path("m"), false, &err), &err);
    cr_assert_eq(state_of(scratch_path("m")), MOUNT_OTHER);
    assert_ok(mountpoint_unmount(scratch_path("m"), true, &err), &err);
    cr_assert_eq(mountpoint_unmount(scratch_path("m"), false, &err), -EINVAL);
    cr_assert(strstr(err.message, "cannot unmount"), "%s", err.message);
}

static void assert_resolves(const char *path, const char *wanted)
{
    _cleanup_free_ char *absolute = NULL;
    struct error err = {0};
    assert_ok(mountpoint_resolve(path, &absolute, &err), &err);
    cr_assert_str_eq(absolute, wanted);
}

Test(mountpoint, paths_are_made_absolute_and_links_followed)
{
    cr_assert_eq(symlink("m", scratch_path("link")), 0);
    cr_assert_eq(chdir(scratch_path(".")), 0);
    assert_resolves("m", scratch_path("m"));
    assert_resolves("./m/../m/", scratch_path("m"));
    assert_resolves("link", scratch_path("m"));
    assert_resolves("/", "/");
    cr_assert_eq(chdir("/"), 0);
}

Test(mountpoint, a_dead_mount_can_be_named)
{
    mount_dead(scratch_path("m"));
    cr_assert_eq(chdir(scratch_path(".")), 0);
    assert_resolves("m", scratch_path("m"));
    assert_resolves("./m", scratch_path("m"));
    assert_resolves(scratch_path("m"), scratch_path("m"));
    assert_resolves("m/", scratch_path("m"));
    cr_assert_eq(chdir("/"), 0);
}

Test(mountpoint, what_is_not_there_is_refused_by_name)
{
    struct error err = {0};
    char *absolute = NULL;
    assert_refused(mountpoint_resolve(scratch_path("none"), &absolute, &err), ENOENT, &err,
                   "/none: No such file");
    assert_refused(mountpoint_resolve("", &absolute, &err), ENOENT, &err, "mountpoint ");
    cr_assert_null(absolute);
}
