/* Going into the background; see daemon.h. The pipe carries lines: 'N' a note, 'K' ready, 'E' failed. */
#include "cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"

static int await_child(int fd)
{
    char *line = NULL;
    size_t size = 0;
    int code = -1;
    _cleanup_fclose_ FILE *in = fdopen(fd, "r");
    while (code < 0 && in && getline(&line, &size, in) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'K')
            code = EXIT_DONE;
        else
            (void)fprintf(stderr, "runfs: %s\n", line + 1);
        if (line[0] == 'E')
            code = EXIT_FAILED;
    }
    free(line);
    if (code < 0)
        (void)fprintf(stderr, "runfs: mount: the process ended before it was ready\n");
    return code < 0 ? EXIT_FAILED : code;
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
    ret_readiness->fd = ends[1];
    return true;
}

static void send_line(const struct readiness *readiness, char kind, const char *text)
{
    char line[ERROR_MESSAGE_MAX + 8];
    int len = snprintf(line, sizeof line, "%c%.*s\n", kind, ERROR_MESSAGE_MAX, text);
    if (len > 0 && write(readiness->fd, line, (size_t)len) < 0)
        return; /* the parent is gone: nobody to tell */
}

void readiness_note(struct readiness *readiness, const char *text)
{
    if (readiness->fd >= 0)
        send_line(readiness, 'N', text);
}

/* A background process must not hold the terminal or a pipe of whoever started it. */
static void leave_streams(void)
{
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
    if (chdir("/") < 0)
        return; /* then the directory stays busy, no more */
}

void readiness_done(struct readiness *readiness, const struct error *err)
{
    if (readiness->fd < 0)
        return;
    if (!err)
        leave_streams();
    send_line(readiness, err ? 'E' : 'K', err ? err->message : "");
    (void)close(readiness->fd);
    readiness->fd = -1;
}
