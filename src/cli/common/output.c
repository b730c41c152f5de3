#include "cli/common/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/cli.h"

#define NAME_LIMIT (64U * 1024)

int output_write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Something that is there and no file: it must not be replaced by one. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static int write_special(const char *path, const void *bytes, size_t len)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : output_write_all(fd, bytes, len);
}

mode_t output_umask(void)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    return mask;
}

static int write_and_rename(int fd, const char *name, const char *path, const void *bytes, size_t len)
{
    int result = fchmod(fd, 0666 & ~output_umask()) < 0 ? -errno : 0; /* as open(2) would have made it */
    if (result == 0)
        result = output_write_all(fd, bytes, len);
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    if (result == 0 && rename(name, path) < 0)
        result = -errno;
    return result;
}

static int replace_file(const char *path, const void *bytes, size_t len)
{
    _cleanup_free_ char *name = NULL;
    if (asprintf(&name, "%s.XXXXXX", path) < 0) {
        name = NULL;
        return -ENOMEM;
    }
    _cleanup_close_ int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = write_and_rename(fd, name, path, bytes, len);
    if (result < 0)
        (void)unlink(name);
    return result;
}

int output_write(const char *path, const void *bytes, size_t len, struct error *err)
{
    if (strcmp(path, "-") == 0) {
        if (fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0)
            return 0;
        return error_errno(err, errno, "standard output");
    }
    int result = is_special(path) ? write_special(path, bytes, len) : replace_file(path, bytes, len);
    return result < 0 ? error_errno(err, -result, "%s", path) : 0;
}

void output_name(const char *name)
{
    static int terminal = -1; /* not known */
    char safe[NAME_LIMIT];
    if (terminal < 0)
        terminal = isatty(STDOUT_FILENO);
    if (terminal) {
        escape_control(safe, sizeof safe, name);
        name = safe;
    }
    (void)fputs(name, stdout);
}

int output_json(json_t *json)
{
    if (!json)
        return -ENOMEM;
    (void)json_dumpf(json, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(json);
    return EXIT_DONE;
}
