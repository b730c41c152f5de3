/* The scratch directory; see testing.h. */
#include "testing.h"

#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/wait.h>

static struct {
    char path[PATH_MAX / 2];
    int guard_pipe;
    pid_t guard;
} scratch;

/* Waits until the test's end of the pipe is closed, by the test or by its death. */
static void run_guard(int in)
{
    static const char script[] = "trap '' HUP INT TERM; read -r _\n"
                                 "if [ -e \"$1/at-end\" ]; then sh \"$1/at-end\"; fi\n"
                                 "rm -rf \"$1\"";
    (void)dup2(in, STDIN_FILENO);
    (void)execl("/bin/sh", "sh", "-c", script, "guard", scratch.path, (char *)NULL);
    _exit(127);
}

void scratch_open(void)
{
    int ends[2];
    const char *parent = getenv("TMPDIR");
    (void)snprintf(scratch.path, sizeof scratch.path, "%s/runfs-test-XXXXXX", parent ? parent : "/tmp");
    cr_assert(mkdtemp(scratch.path));
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    scratch.guard = fork();
    cr_assert_geq(scratch.guard, 0);
    if (scratch.guard == 0)
        run_guard(ends[0]);
    (void)close(ends[0]);
    scratch.guard_pipe = ends[1];
}

void scratch_close(void)
{
    (void)close(scratch.guard_pipe);
    (void)waitpid(scratch.guard, NULL, 0);
}

const char *scratch_path(const char *format, ...)
{
    static char paths[8][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];
    va_list args;
    int len = snprintf(path, PATH_MAX, "%s/", scratch.path);
    va_start(args, format);
    (void)vsnprintf(path + len, PATH_MAX - (size_t)len, format, args);
    va_end(args);
    return path;
}

void scratch_mkdir(const char *name)
{
    cr_assert_eq(mkdir(scratch_path("%s", name), 0755), 0, "%s", name);
}

void scratch_write_bytes(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(scratch_path("%s", name), "we");
    cr_assert(file, "%s", name);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

void scratch_write(const char *name, const char *text)
{
    scratch_write_bytes(name, text, strlen(text));
}

char *scratch_read(const char *name)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(scratch_path("%s", name), "re");
    cr_assert(file, "%s", name);
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    (void)fclose(file);
    return text;
}

void scratch_write_pattern(const char *name, size_t size)
{
    char *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern_at(i);
    scratch_write_bytes(name, bytes, size);
    free(bytes);
}

static void write_line(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && write(fd, line, strlen(line)) > 0, "%s", path);
    (void)close(fd);
}

void own_mounts(void)
{
    char map[64];
    unsigned uid = getuid();
    unsigned gid = getgid();
    if (unshare(CLONE_NEWNS) < 0) {
        cr_assert_eq(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
        write_line("/proc/self/setgroups", "deny");
        (void)snprintf(map, sizeof map, "0 %u 1", uid);
        write_line("/proc/self/uid_map", map);
        (void)snprintf(map, sizeof map, "0 %u 1", gid);
        write_line("/proc/self/gid_map", map);
    }
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

size_t pattern_check(const char *bytes, size_t len, uint64_t offset)
{
    size_t i = 0;
    while (i < len && bytes[i] == pattern_at(offset + i))
        i++;
    return i;
}
