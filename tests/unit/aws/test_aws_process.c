/* Running a credential_process and reading its answer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/aws_process.h"
#include "base/cleanup.h"
#include "test_aws_home.h"

#define LONG_MS  60000 /* never reached */
#define SHORT_MS 2000  /* time enough to start */

TestSuite(aws_process, .init = aws_home_create, .fini = aws_home_remove, .timeout = 60);

static char output[256];

static int run(const char *command, uint64_t timeout_ms, struct error *err)
{
    size_t len = 0;
    memset(output, 0, sizeof output);
    int r = aws_process_run(command, timeout_ms, output, sizeof output - 1, &len, err);
    cr_expect(r < 0 || len == strlen(output));
    return r;
}

static void expect_output(const char *command, const char *expected)
{
    struct error err = {0};
    cr_assert_eq(run(command, LONG_MS, &err), 0, "%s", err.message);
    cr_expect_str_eq(output, expected);
}

static void expect_failure(const char *command, int code, const char *message)
{
    struct error err = {0};
    cr_expect_eq(run(command, LONG_MS, &err), -code, "%s", command);
    cr_expect_str_eq(err.message, message);
}

/* The process id that a command wrote to the file "pid". */
static pid_t read_pid(void)
{
    FILE *file = fopen(aws_home_path("pid"), "r");
    int pid = 0;
    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%d", &pid), 1);
    (void)fclose(file);
    return pid;
}

Test(aws_process, gives_what_the_command_writes)
{
    expect_output("printf '%s|' one 'two three' \"four\"", "one|two three|four|");
    expect_output("printf a; printf b; echo hidden >&2", "ab");
    expect_output("true", "");
}

Test(aws_process, says_why_a_command_failed_but_not_what_it_wrote)
{
    expect_failure("echo secret; printf '\\n\\n no such role\\nmore\\n' >&2; exit 3", EACCES,
                   "failed with status 3: no such role");
    expect_failure("exit 1", EACCES, "failed with status 1");
    expect_failure("kill -9 $$", EACCES, "ended by signal 9");
}

Test(aws_process, says_that_a_command_was_not_found)
{
    struct error err = {0};
    cr_expect_eq(run("/nonexistent/tool", LONG_MS, &err), -EACCES);
    cr_expect_not_null(strstr(err.message, "status 127"), "%s", err.message);
    cr_expect_not_null(strstr(err.message, "not found"), "%s", err.message);
}

Test(aws_process, a_flood_on_stderr_does_not_block_the_command)
{
    struct error err = {0};
    cr_expect_eq(run("yes complaint | head -c 1000000 >&2; exit 4", LONG_MS, &err), -EACCES);
    cr_expect_str_eq(err.message, "failed with status 4: complaint");
}

Test(aws_process, limits_the_output_and_ends_the_command)
{
    expect_failure("yes", E2BIG, "wrote more than 255 bytes");
    expect_failure("head -c 256 /dev/zero | tr '\\0' x", E2BIG, "wrote more than 255 bytes");
    struct error err = {0};
    cr_assert_eq(run("head -c 255 /dev/zero | tr '\\0' x", LONG_MS, &err), 0, "%s", err.message);
}

Test(aws_process, a_slow_command_is_killed_with_its_children)
{
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct error err = {0};
    cr_expect_eq(run("sleep 600 & echo $! >\"$HOME/pid\"; wait", SHORT_MS, &err), -ETIMEDOUT);
    cr_expect_str_eq(err.message, "did not end within 2000 ms");
    int status = 0;
    pid_t grandchild = read_pid();
    cr_assert_eq(waitpid(grandchild, &status, 0), grandchild);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_expect_eq(waitpid(-1, NULL, 0), -1, "the shell was reaped");
}

Test(aws_process, a_command_that_closes_its_output_is_still_waited_for)
{
    expect_failure("exec >&- 2>&-; sleep 0.1; exit 5", EACCES, "failed with status 5");
    struct error err = {0};
    cr_expect_eq(run("exec >&- 2>&-; sleep 600", SHORT_MS, &err), -ETIMEDOUT);
}

Test(aws_process, what_stays_in_the_background_does_not_hold_us_up)
{
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    expect_output("sleep 600 & echo $! >\"$HOME/pid\"; echo done", "done\n");
    pid_t agent = read_pid();
    int status = 0;
    cr_expect_eq(waitpid(agent, &status, WNOHANG), 0, "it is left alone");
    cr_expect_eq(kill(agent, SIGKILL), 0);
    cr_expect_eq(waitpid(agent, &status, 0), agent);
}

Test(aws_process, the_command_gets_a_clean_place)
{
    sigset_t blocked;
    (void)sigfillset(&blocked);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(dup2(STDERR_FILENO, 100), 100);
    expect_output("readlink /proc/$$/fd/0", "/dev/null\n");
    expect_output("test -e /proc/$$/fd/100 && echo open || echo closed", "closed\n");
    expect_output("cut -d' ' -f6 /proc/$$/stat | grep -qx $$ && echo own session", "own session\n");
    /* The first 16 signals; glibc itself ignores two of its own, 32 and 33, in what it spawns. */
    expect_output("grep -c '^Sig\\(Blk\\|Ign\\):.*0000$' /proc/self/status", "2\n");
}

static void parse(const char *json, struct aws_credentials *credentials)
{
    struct error err = {0};
    cr_assert_eq(aws_process_parse(json, strlen(json), credentials, &err), 0, "%s: %s", json, err.message);
}

static void expect_expiry(const char *expiration, int64_t seconds)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"Expiration\": %s}",
                   expiration);
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    parse(json, &credentials);
    cr_expect_eq(credentials.expires_ns, seconds * 1000000000, "%s: %" PRId64, expiration,
                 credentials.expires_ns);
}

Test(aws_process_json, reads_long_lived_keys)
{
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    parse("{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"SessionToken\":null,"
          "\"AccountId\":\"1\"}",
          &credentials);
    cr_expect_str_eq(credentials.access_key, "A");
    cr_expect_str_eq(credentials.secret_key, "S");
    cr_expect_null(credentials.session_token);
    cr_expect_eq(credentials.expires_ns, 0);
}

Test(aws_process_json, reads_temporary_keys)
{
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    parse("{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"SessionToken\": \"T\",\n"
          " \"Expiration\": \"2026-10-01T12:00:00Z\"}\n",
          &credentials);
    cr_expect_str_eq(credentials.session_token, "T");
    cr_expect_eq(credentials.expires_ns, INT64_C(1790856000) * 1000000000);
}

Test(aws_process_json, reads_every_form_of_expiration)
{
    expect_expiry("\"2026-10-01T12:00:00+00:00\"", 1790856000);
    expect_expiry("\"2026-10-01T14:00:00+02:00\"", 1790856000);
    expect_expiry("null", 0);
    expect_expiry("\"\"", 0);
    expect_expiry("\"9999-12-31T23:59:59Z\"", 0);
}

static void refuse(const char *json, const char *message)
{
    struct aws_credentials credentials = {0};
    struct error err = {0};
    cr_expect_eq(aws_process_parse(json, strlen(json), &credentials, &err), -EINVAL, "%s", json);
    cr_expect_null(credentials.access_key);
    cr_expect_str_eq(err.message, message);
}

Test(aws_process_json, refuses_what_is_no_answer_without_quoting_it)
{
    refuse("", "its answer is not a JSON object");
    refuse("secret", "its answer is not a JSON object");
    refuse("[1]", "its answer is not a JSON object");
    refuse("{\"Version\": 1, \"AccessKeyId\": \"secret", "its answer is not a JSON object");
    refuse("{\"Version\": 1} secret", "its answer is not a JSON object");
    refuse("{\"AccessKeyId\": \"x\", \"AccessKeyId\": \"secret\"}", "its answer is not a JSON object");
}

#define KEYS "\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\""

Test(aws_process_json, refuses_missing_and_wrong_members)
{
    refuse("{" KEYS "}", "Version of its answer is not 1");
    refuse("{\"Version\": 2, " KEYS "}", "Version of its answer is not 1");
    refuse("{\"Version\": \"1\", " KEYS "}", "Version of its answer is not 1");
    refuse("{\"Version\": 1, \"SecretAccessKey\": \"S\"}", "its answer has no AccessKeyId");
    refuse("{\"Version\": 1, \"AccessKeyId\": \"A\"}", "its answer has no SecretAccessKey");
    refuse("{\"Version\": 1, \"AccessKeyId\": 7, \"SecretAccessKey\": \"S\"}",
           "AccessKeyId of its answer is not a string");
    refuse("{\"Version\": 1, " KEYS ", \"SessionToken\": []}", "SessionToken of its answer is not a string");
    refuse("{\"Version\": 1, " KEYS ", \"SessionToken\": \"a\\r\\nb\"}",
           "the session token holds a blank or a character that is not visible ASCII");
    refuse("{\"Version\": 1, " KEYS ", \"Expiration\": \"tomorrow\"}",
           "Expiration of its answer is not a time of RFC 3339 since 1970");
    refuse("{\"Version\": 1, " KEYS ", \"Expiration\": \"0001-01-01T00:00:00Z\"}",
           "Expiration of its answer is not a time of RFC 3339 since 1970");
}

Test(aws_process, an_answer_beyond_the_limit_is_refused)
{
    struct aws_credentials credentials = {0};
    struct error err = {0};
    cr_expect_eq(aws_process_credentials("head -c 65537 /dev/zero", LONG_MS, &credentials, &err), -E2BIG);
    cr_expect_eq(aws_process_credentials("head -c 65536 /dev/zero", LONG_MS, &credentials, &err), -EINVAL);
    cr_expect_str_eq(err.message, "its answer is not a JSON object");
}
