/* Reads an INI file of bounded size; see aws_ini.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/aws_ini.h"
#include "base/cleanup.h"

/* Gives -1 as the descriptor of a missing file. */
static int open_file(const char *path, int *ret_fd, struct error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return error_errno(err, errno, "%s", path);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s", path);
    if (fd >= 0 && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return error_set(err, EINVAL, "%s: not a regular file", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Reads at most SIZE bytes: a file may be growing. */
static int read_up_to(int fd, char *buf, size_t size, size_t *ret_len)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, buf + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

/* Parses what FD holds; messages lack the path. */
static int parse_fd(int fd, struct aws_ini **ret_ini, struct error *err)
{
    const size_t size = AWS_INI_SIZE_MAX + 1; /* one more than allowed, to see that there is more */
    _cleanup_free_ char *text = malloc(size);
    if (!text)
        return error_errno(err, ENOMEM, "reading");
    size_t len = 0;
    int r = read_up_to(fd, text, size, &len);
    if (r < 0)
        return error_errno(err, -r, "reading");
    r = aws_ini_parse(text, len, ret_ini, err);
    explicit_bzero(text, len);
    return r;
}

int aws_ini_read(const char *path, struct aws_ini **ret_ini, struct error *err)
{
    _cleanup_close_ int fd = -1;
    int r = open_file(path, &fd, err);
    if (r < 0)
        return r;
    if (fd < 0)
        return aws_ini_parse("", 0, ret_ini, err);
    r = parse_fd(fd, ret_ini, err);
    return error_prefix(err, r, "%s", path);
}
