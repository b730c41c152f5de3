/* Secrets leave the environment block. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/aws_chain.h"
#include "base/cleanup.h"

Test(aws_environment, unsets_secrets_and_nothing_else)
{
    char token[] = "AWS_SESSION_TOKEN=wipe-me";
    char similar[] = "AWS_SESSION_TOKEN_DURATION=3600";
    char region[] = "AWS_REGION=here";
    cr_assert_eq(putenv(token) | putenv(similar) | putenv(region), 0);
    aws_environment_wipe();
    cr_expect_null(getenv("AWS_SESSION_TOKEN"));
    cr_expect_str_eq(token, "AWS_SESSION_TOKEN=");
    cr_expect_eq(token[sizeof token - 2], '\0');
    cr_expect_str_eq(getenv("AWS_REGION"), "here");
    cr_expect_str_eq(getenv("AWS_SESSION_TOKEN_DURATION"), "3600");
}

static bool block_holds(const char *text)
{
    static char block[1 << 20];
    _cleanup_close_ int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    size_t len = 0;
    for (ssize_t n = 1; n > 0; len += (size_t)n) {
        n = read(fd, block + len, sizeof block - len);
        cr_assert_geq(n, 0);
    }
    return memmem(block, len, text, strlen(text)) != NULL;
}

/* The kernel shows the block that a program was started with: this part needs a program started so. */
#define INNER "RUNFS_TEST_ENVIRONMENT=inner"

Test(aws_environment, inner)
{
    if (!getenv("RUNFS_TEST_ENVIRONMENT"))
        cr_skip_test("only within the test below");
    cr_assert(block_holds("wipe-me-key"));
    cr_assert(block_holds("wipe-me-twice"));
    aws_environment_wipe();
    cr_expect_not(block_holds("wipe-me"));
    cr_expect(block_holds(INNER));
}

Test(aws_environment, the_kernel_shows_no_secret_any_more, .timeout = 60)
{
    char program[] = "/proc/self/exe";
    char filter[] = "--filter=aws_environment/inner";
    char quiet[] = "--quiet";
    char *arguments[] = {program, filter, quiet, NULL};
    char inner[] = INNER;
    char key[] = "AWS_ACCESS_KEY_ID=wipe-me-id";
    char secret[] = "AWS_SECRET_ACCESS_KEY=wipe-me-key";
    char again[] = "AWS_SECRET_ACCESS_KEY=wipe-me-twice";
    char token[] = "AWS_SESSION_TOKEN=wipe-me-token";
    char *environment[] = {inner, key, secret, again, token, NULL};
    pid_t pid;
    cr_assert_eq(posix_spawn(&pid, program, NULL, NULL, arguments, environment), 0);
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
