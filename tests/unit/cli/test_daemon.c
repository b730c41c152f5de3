/* Going into the background: what the parent hears of the child, and the child when nobody listens. */
#include "cli/daemon.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "testing.h"

static int stderr_copy = -1;

/* What is said on stderr goes to a file. */
static void set_up(void)
{
    scratch_open();
    int fd = open(scratch_path("stderr"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    stderr_copy = dup(STDERR_FILENO);
    cr_assert_geq(dup2(fd, STDERR_FILENO), 0);
    (void)close(fd);
}

static void tear_down(void)
{
    (void)dup2(stderr_copy, STDERR_FILENO);
    (void)close(stderr_copy);
    scratch_close();
}

TestSuite(background, .init = set_up, .fini = tear_down);

/* The parent's exit code and stderr; the child does ACT and ends. */
static void assert_parent(void (*act)(struct readiness *readiness), int wanted, const char *said)
{
    struct readiness readiness = {-1};
    int code = -1;
    if (daemon_fork(&readiness, &code)) {
        act(&readiness);
        _exit(0);
    }
    (void)wait(NULL);
    cr_assert_eq(code, wanted);
    _cleanup_free_ char *text = scratch_read("stderr");
    cr_assert_str_eq(text, said);
}

static void become_ready(struct readiness *readiness)
{
    pid_t session = getsid(0);
    bool heard = readiness_done(readiness, NULL);
    char target[64] = "";
    if (readlink("/proc/self/fd/2", target, sizeof target - 1) < 0)
        target[0] = '\0';
    if (heard && session == getpid() && strcmp(target, "/dev/null") == 0)
        scratch_write("child", "left the terminal");
}

Test(background, a_child_that_is_ready_ends_the_wait)
{
    assert_parent(become_ready, EXIT_DONE, "");
    _cleanup_free_ char *child = scratch_read("child");
    cr_assert_str_eq(child, "left the terminal");
}

static void fail(struct readiness *readiness)
{
    struct error err;
    (void)error_set(&err, ENOENT, "s3://b/run: no such run");
    (void)readiness_done(readiness, &err);
}

Test(background, a_child_that_fails_says_why)
{
    assert_parent(fail, EXIT_FAILED, "runfs: s3://b/run: no such run\n");
}

static void fail_at_length(struct readiness *readiness)
{
    struct error err = {.code = EIO};
    memset(err.message, 'x', sizeof err.message - 1);
    (void)readiness_done(readiness, &err);
}

Test(background, the_longest_message_comes_whole)
{
    char wanted[ERROR_MESSAGE_MAX + 16];
    int len = snprintf(wanted, sizeof wanted, "runfs: ");
    memset(wanted + len, 'x', ERROR_MESSAGE_MAX - 1);
    (void)snprintf(wanted + len + ERROR_MESSAGE_MAX - 1, 4, "\n");
    assert_parent(fail_at_length, EXIT_FAILED, wanted);
}

static void die(struct readiness *readiness)
{
    (void)readiness;
    (void)raise(SIGKILL);
}

Test(background, a_child_that_dies_is_noticed)
{
    assert_parent(die, EXIT_FAILED, "runfs: mount: the process ended before it was ready\n");
}

/* Its parent was killed while it waited: then nothing must stay mounted. */
Test(background, a_child_learns_that_nobody_waits)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    (void)signal(SIGPIPE, SIG_IGN); /* as daemon_fork() does for the child */
    (void)close(ends[0]);
    struct readiness readiness = {ends[1]};
    struct error err;
    (void)error_set(&err, EIO, "lost");
    cr_assert_not(readiness_done(&readiness, &err));
}

Test(background, in_the_foreground_nobody_is_told)
{
    struct readiness readiness = {-1};
    struct error err;
    (void)error_set(&err, EIO, "x");
    cr_assert(readiness_done(&readiness, NULL));
    cr_assert(readiness_done(&readiness, &err));
}
