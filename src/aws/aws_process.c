/* Runs a credential_process; see aws_process.h. */
#include "aws/aws_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ERROR_LINE_MAX 256  /* of stderr, for the message */
#define KILL_WAIT_MS   1000 /* for the end of a killed process; one that hangs in the kernel is left behind */

/* What is read from one of the child's two outputs. */
struct sink {
    int fd; /* owned; -1 once the child has closed it */
    char *buf;
    size_t size;
    size_t len;
    bool overflow; /* there was more than SIZE */
};

struct child {
    pid_t pid;
    int pidfd; /* owned */
    struct sink out;
    struct sink err;
};

static void cleanup_child(struct child *child)
{
    cleanup_close(&child->pidfd);
    cleanup_close(&child->out.fd);
    cleanup_close(&child->err.fd);
}

/* The reading end does not block, the child's does. */
static int make_pipe(int *ret_read, int *ret_write)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *ret_read = ends[0];
    *ret_write = ends[1];
    return 0;
}

/* Outputs first: opening stdin would replace a pipe's end that happens to be 0. */
static int add_descriptors(posix_spawn_file_actions_t *actions, int out, int err)
{
    int code = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (!code)
        code = posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
    if (!code)
        code = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!code)
        code = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return code;
}

/* A new session, and signals as a shell expects them, whatever our threads block or ignore. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    if (!code)
        code = posix_spawnattr_setsigdefault(attributes, &all);
    if (!code)
        code = posix_spawnattr_setflags(attributes,
                                        POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return code;
}

static int spawn_shell(char *command, int out, int err, pid_t *ret_pid)
{
    char name[] = "sh";
    char option[] = "-c";
    char *arguments[] = {name, option, command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        return -code;
    code = posix_spawnattr_init(&attributes);
    if (!code) {
        code = add_descriptors(&actions, out, err);
        if (!code)
            code = set_attributes(&attributes);
        if (!code)
            code = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -code;
}

/* Kills the child's session, as far as it is one process group, and reaps the child. */
static void stop_child(const struct child *child)
{
    (void)kill(-child->pid, SIGKILL);
    struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
    (void)poll(&ended, 1, KILL_WAIT_MS);
    (void)waitpid(child->pid, NULL, WNOHANG);
}

static int start_child(const char *command, struct child *child)
{
    _cleanup_free_ char *copy = strdup(command);
    _cleanup_close_ int out = -1;
    _cleanup_close_ int err = -1;
    if (!copy)
        return -ENOMEM;
    int r = make_pipe(&child->out.fd, &out);
    if (r == 0)
        r = make_pipe(&child->err.fd, &err);
    if (r == 0)
        r = spawn_shell(copy, out, err, &child->pid);
    if (r < 0)
        return r;
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0) {
        r = -errno;
        stop_child(child);
    }
    return r;
}

/* Reads what is there; of what does not fit one piece is dropped at a time, so that this ends. */
static void drain(struct sink *sink)
{
    while (sink->fd >= 0) {
        char rest[4096];
        bool full = sink->len == sink->size;
        ssize_t n = full ? read(sink->fd, rest, sizeof rest)
                         : read(sink->fd, sink->buf + sink->len, sink->size - sink->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            cleanup_close(&sink->fd);
            sink->fd = -1;
        } else if (full) {
            sink->overflow = true;
            return;
        } else
            sink->len += (size_t)n;
    }
}

/* Reads both outputs until the child itself has ended: one that it left in the background may hold them open. */
static int follow(struct child *child, uint64_t timeout_ms, struct error *err)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    bool ended = false;
    while (!ended) {
        uint64_t now = clock_ms();
        if (now >= deadline)
            return error_set(err, ETIMEDOUT, "did not end within %llu ms", (unsigned long long)timeout_ms);
        struct pollfd fds[] = {{.fd = child->out.fd, .events = POLLIN},
                               {.fd = child->err.fd, .events = POLLIN},
                               {.fd = child->pidfd, .events = POLLIN}};
        if (poll(fds, 3, (int)(deadline - now)) < 0 && errno != EINTR)
            return error_errno(err, errno, "poll");
        ended = fds[2].revents != 0;
        drain(&child->out);
        drain(&child->err);
        if (child->out.overflow)
            return error_set(err, E2BIG, "wrote more than %zu bytes", child->out.size);
    }
    return 0;
}

/* Cuts TEXT down to its first line that says something. */
static const char *first_line(char *text)
{
    text += strspn(text, " \t\r\n");
    text[strcspn(text, "\r\n")] = '\0';
    return text;
}

/* Reaps the ended child and says what came of it. COMPLAINT is what it wrote to stderr. */
static int judge(const struct child *child, char *complaint, struct error *err)
{
    int status;
    if (waitpid(child->pid, &status, 0) < 0)
        return error_errno(err, errno, "waiting for its end");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    const char *line = first_line(complaint);
    const char *colon = *line ? ": " : "";
    if (WIFSIGNALED(status))
        return error_set(err, EACCES, "ended by signal %d%s%s", WTERMSIG(status), colon, line);
    return error_set(err, EACCES, "failed with status %d%s%s", WEXITSTATUS(status), colon, line);
}

int aws_process_run(const char *command, uint64_t timeout_ms, char *buf, size_t size, size_t *ret_len,
                    struct error *err)
{
    char complaint[ERROR_LINE_MAX + 1] = "";
    __attribute__((cleanup(cleanup_child))) struct child child = {
        .pidfd = -1,
        .out = {.fd = -1, .buf = buf, .size = size},
        .err = {.fd = -1, .buf = complaint, .size = ERROR_LINE_MAX},
    };
    int r = start_child(command, &child);
    if (r < 0)
        return error_errno(err, -r, "starting /bin/sh");
    r = follow(&child, timeout_ms < INT_MAX ? timeout_ms : INT_MAX, err);
    if (r < 0) {
        stop_child(&child);
        return r;
    }
    r = judge(&child, complaint, err);
    if (r < 0)
        return r;
    *ret_len = child.out.len;
    return 0;
}

int aws_process_credentials(const char *command, uint64_t timeout_ms, struct aws_credentials *ret_credentials,
                            struct error *err)
{
    _cleanup_free_ char *output = malloc(AWS_PROCESS_OUTPUT_MAX);
    if (!output)
        return error_errno(err, ENOMEM, "AWS credentials");
    size_t len = 0;
    int r = aws_process_run(command, timeout_ms, output, AWS_PROCESS_OUTPUT_MAX, &len, err);
    if (r == 0)
        r = aws_process_parse(output, len, ret_credentials, err);
    explicit_bzero(output, AWS_PROCESS_OUTPUT_MAX);
    return r;
}
