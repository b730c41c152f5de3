/* runfs umount: unmounts, clears dead mounts, waits for the process to end. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/mountpoint.h"

#define ANSWER_MS 3000  /* for the driver to say who it is */
#define END_MS    60000 /* for its process to end */

/* Asks the driver for its process id on a thread of its own: a stopped driver never answers. */
struct question {
    const char *mountpoint;
    int answer[2];
};

static void *ask(void *context)
{
    const struct question *question = context;
    char text[32];
    uint64_t pid = 0;
    ssize_t n = getxattr(question->mountpoint, "user.runfs.pid", text, sizeof text - 1);
    if (n > 0) {
        text[n] = '\0';
        if (parse_u64(text, INT32_MAX, &pid) < 0)
            pid = 0;
    }
    if (write(question->answer[1], &pid, sizeof pid) < 0)
        return NULL; /* the reader takes silence for "unknown" */
    return NULL;
}

/* A descriptor of the driver's process, or -1 where it cannot be known. */
static int driver_process(const char *mountpoint)
{
    static struct question question; /* outlives a thread that never comes back */
    pthread_t thread;
    uint64_t pid = 0;
    question.mountpoint = mountpoint;
    if (pipe(question.answer) < 0 || pthread_create(&thread, NULL, ask, &question))
        return -1;
    (void)pthread_detach(thread);
    struct pollfd ready = {.fd = question.answer[0], .events = POLLIN};
    if (poll(&ready, 1, ANSWER_MS) != 1 || read(question.answer[0], &pid, sizeof pid) != sizeof pid || !pid)
        return -1;
    return pidfd_open((pid_t)pid, 0);
}

static int await_end(int pidfd, const char *mountpoint, struct error *err)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&ended, 1, END_MS) == 1)
        return 0;
    return error_set(err, ETIMEDOUT, "%s: unmounted, but its process has not ended", mountpoint);
}

static int unmount(const char *mountpoint, struct error *err)
{
    enum mount_state state;
    int result = mountpoint_state(mountpoint, &state, err);
    if (result < 0)
        return result;
    switch (state) {
    case MOUNT_NONE:
        return error_set(err, EINVAL, "%s: not mounted", mountpoint);
    case MOUNT_OTHER:
        return error_set(err, EINVAL, "%s: not a runfs mount", mountpoint);
    case MOUNT_DEAD:
        return mountpoint_unmount(mountpoint, true, err);
    default:
        break;
    }
    _cleanup_close_ int pidfd = driver_process(mountpoint);
    result = mountpoint_unmount(mountpoint, false, err);
    return result < 0 ? result : await_end(pidfd, mountpoint, err);
}

int cmd_umount(int argc, char **argv)
{
    _cleanup_options_ struct options options;
    _cleanup_free_ char *mountpoint = NULL;
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "", NULL, NULL, NULL, 1, 1, &options, &first);
    if (code)
        return code;
    if (mountpoint_resolve(argv[first], &mountpoint, &err) < 0 || unmount(mountpoint, &err) < 0)
        return command_failed(&err);
    return EXIT_DONE;
}
