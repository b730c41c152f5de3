/* Files that a command writes: whole and in one go, or not at all. */
#include "cli/common/output.h"

#include <dirent.h>
#include <errno.h>

#include "testing.h"

TestSuite(output, .init = scratch_open, .fini = scratch_close);

static unsigned entries(void)
{
    unsigned count = 0;
    DIR *dir = opendir(scratch_path("."));
    cr_assert(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

Test(output, a_file_has_the_bytes_and_the_usual_mode)
{
    struct error err = {0};
    struct stat st;
    (void)umask(027);
    assert_ok(output_write(scratch_path("file"), "te\0xt", 5, &err), &err);
    char bytes[8];
    int fd = open(scratch_path("file"), O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, bytes, sizeof bytes), 5);
    cr_assert_eq(memcmp(bytes, "te\0xt", 5), 0);
    (void)close(fd);
    cr_assert_eq(stat(scratch_path("file"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0640);
    cr_assert_eq(entries(), 1);
}

Test(output, a_file_that_is_there_is_replaced_as_a_whole)
{
    struct error err = {0};
    scratch_write("file", "before");
    int before = open(scratch_path("file"), O_RDONLY | O_CLOEXEC);
    assert_ok(output_write(scratch_path("file"), "after", 5, &err), &err);
    char bytes[8];
    cr_assert_eq(read(before, bytes, sizeof bytes), 6, "who reads the old one goes on with it");
    char *text = scratch_read("file");
    cr_assert_str_eq(text, "after");
    free(text);
    cr_assert_eq(entries(), 1);
    (void)close(before);
}

Test(output, what_is_no_file_is_written_to)
{
    struct error err = {0};
    cr_assert_eq(mkfifo(scratch_path("fifo"), 0600), 0);
    int reader = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_ok(output_write(scratch_path("fifo"), "text", 4, &err), &err);
    char bytes[8];
    cr_assert_eq(read(reader, bytes, sizeof bytes), 4);
    (void)close(reader);
    assert_refused(output_write("/dev/full", "text", 4, &err), ENOSPC, &err, "/dev/full");
}

Test(output, a_failure_leaves_nothing)
{
    struct error err = {0};
    assert_refused(output_write(scratch_path("none/file"), "text", 4, &err), ENOENT, &err, "none/file");
    scratch_mkdir("directory");
    assert_refused(output_write(scratch_path("directory"), "text", 4, &err), EISDIR, &err, "directory");
    cr_assert_eq(entries(), 1);
}
