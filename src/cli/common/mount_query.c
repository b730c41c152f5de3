/* A child process sends each query: a process that waits for a stopped driver cannot be ended, not even by SIGKILL, and must
   hold up neither this process nor the pipes that it was started with. */
#include "cli/common/mount_query.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

#define ANSWER_MS 3000
#define VALUE_MAX (64U * 1024) /* the kernel's own limit for an attribute */

/* What goes through the pipe: all of it but the unused end of the value. */
struct answer {
    int result; /* -errno, or the length of the value */
    char value[VALUE_MAX];
};

#define HEADER offsetof(struct answer, value)

/* What a child does: fills VALUE and returns its length, or -1 and sets errno. */
typedef ssize_t (*ask_fn)(const char *path, const char *attribute, char value[VALUE_MAX]);

static ssize_t get_attribute(const char *path, const char *attribute, char value[VALUE_MAX])
{
    return getxattr(path, attribute, value, VALUE_MAX);
}

/* The kernel's description of an open file. With O_PATH the driver only looks up the names on the way. */
static ssize_t get_info(const char *path, const char *attribute, char value[VALUE_MAX])
{
    char name[64];
    int fd = open(path, O_PATH | O_CLOEXEC);
    (void)attribute;
    if (fd < 0)
        return -1;
    (void)snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
    int info = open(name, O_RDONLY | O_CLOEXEC);
    return info < 0 ? -1 : read(info, value, VALUE_MAX);
}

/* The child, which may be a copy of a process with threads: no memory is taken, no lock, no stream. */
static void answer_and_exit(int out, ask_fn ask, const char *path, const char *attribute,
                            struct answer *answer)
{
    if (out > 0)
        (void)close_range(0, (unsigned)out - 1, 0);
    (void)close_range((unsigned)out + 1, ~0U, 0);
    ssize_t len = ask(path, attribute, answer->value);
    answer->result = len < 0 ? -errno : (int)len;
    const char *from = (const char *)answer;
    size_t left = HEADER + (len < 0 ? 0 : (size_t)len);
    for (ssize_t n = 1; left && n > 0; left -= (size_t)n, from += n)
        n = write(out, from, left);
    _exit(0);
}

/* Reads until the child has closed its end. */
static int read_answer(int in, struct answer *answer)
{
    uint64_t until = clock_ms() + ANSWER_MS;
    size_t have = 0;
    for (;;) {
        struct pollfd ready = {.fd = in, .events = POLLIN};
        uint64_t now = clock_ms();
        int count = now < until ? poll(&ready, 1, (int)(until - now)) : 0;
        if (count == 0)
            return -ETIMEDOUT;
        ssize_t n = count < 0 ? -1 : read(in, (char *)answer + have, sizeof *answer - have);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        have += n < 0 ? 0 : (size_t)n;
    }
    if (have < HEADER || (answer->result >= 0 && have < HEADER + (size_t)answer->result))
        return -EIO;
    return answer->result < 0 ? answer->result : 0;
}

static int ask_apart(ask_fn ask, const char *path, const char *attribute, char **ret_value)
{
    _cleanup_free_ struct answer *answer = calloc(1, sizeof *answer);
    int ends[2];
    if (!answer || pipe2(ends, O_CLOEXEC) < 0)
        return answer ? -errno : -ENOMEM;
    _cleanup_close_ int in = ends[0];
    pid_t child = fork();
    if (child == 0)
        answer_and_exit(ends[1], ask, path, attribute, answer);
    int result = child < 0 ? -errno : 0;
    (void)close(ends[1]);
    if (child < 0)
        return result;
    result = read_answer(in, answer);
    if (result == -ETIMEDOUT)
        (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, result == -ETIMEDOUT ? WNOHANG : 0);
    if (result == 0 && !(*ret_value = strndup(answer->value, (size_t)answer->result)))
        result = -ENOMEM;
    return result;
}

int mount_query(const char *path, const char *attribute, char **ret_value)
{
    return ask_apart(get_attribute, path, attribute, ret_value);
}

int mount_query_id(const char *path, uint64_t *ret_id)
{
    static const char label[] = "mnt_id:";
    _cleanup_free_ char *info = NULL;
    int result = ask_apart(get_info, path, NULL, &info);
    if (result < 0)
        return result;
    char *at = strstr(info, label);
    if (!at)
        return -EPROTO;
    at += strlen(label);
    at += strspn(at, "\t ");
    at[strcspn(at, "\n")] = '\0';
    return parse_u64(at, INT32_MAX, ret_id);
}

int mount_query_error(const char *path, int result, struct error *err)
{
    if (result == -ETIMEDOUT)
        return error_set(err, ETIMEDOUT, "%s: its process does not answer", path);
    if (result == -ENOTCONN)
        return error_set(err, ENOTCONN, "%s: a dead mount, its process is gone; runfs umount clears it away",
                         path);
    return error_errno(err, -result, "%s", path);
}
