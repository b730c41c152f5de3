/* The pipe to the parent carries one line: 'K' ready, or 'E' and why it failed. */
#include "cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"

static int await_child(int fd)
{
    char line[ERROR_MESSAGE_MAX + 8] = "";
    _cleanup_fclose_ FILE *in = fdopen(fd, "r");
    if (!in || !fgets(line, sizeof line, in)) {
        (void)fprintf(stderr, "runfs: mount: the process ended before it was ready\n");
        return EXIT_FAILED;
    }
    if (line[0] == 'K')
        return EXIT_DONE;
    (void)fprintf(stderr, "runfs: %s", line + 1);
    return EXIT_FAILED;
}

bool daemon_fork(struct readiness *ret_readiness, int *ret_code)
{
    int ends[2];
    struct error err;
    pid_t pid = -1;
    if (pipe2(ends, O_CLOEXEC) == 0) {
        (void)fflush(NULL);
        pid = fork();
    }
    if (pid < 0) {
        (void)error_errno(&err, errno, "mount: cannot start a process");
        *ret_code = command_failed(&err);
        return false;
    }
    if (pid > 0) {
        (void)close(ends[1]);
        *ret_code = await_child(ends[0]);
        return false;
    }
    (void)close(ends[0]);
    (void)setsid();
    (void)signal(SIGPIPE, SIG_IGN);
    ret_readiness->fd = ends[1];
    return true;
}

/* There is no reader where the parent was killed while it waited; SIGPIPE is ignored, see daemon_fork(). */
static bool send_readiness(const struct readiness *readiness, char kind, const char *text)
{
    char line[ERROR_MESSAGE_MAX + 8];
    int len = snprintf(line, sizeof line, "%c%.*s\n", kind, ERROR_MESSAGE_MAX, text);
    return len > 0 && write(readiness->fd, line, (size_t)len) == len;
}

/* A background process must not hold the terminal or a pipe of its parent. */
static void leave_streams(void)
{
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
    if (chdir("/") < 0)
        return; /* then the directory stays busy, no more */
}

bool readiness_done(struct readiness *readiness, const struct error *err)
{
    if (readiness->fd < 0)
        return true;
    if (!err)
        leave_streams();
    bool heard = send_readiness(readiness, err ? 'E' : 'K', err ? err->message : "");
    (void)close(readiness->fd);
    readiness->fd = -1;
    return heard;
}
