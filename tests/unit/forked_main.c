/* Runs Criterion's tests in processes forked from this one, for sanitizers: a leak found at the end of a test
   fails it, which Criterion overlooks, and ThreadSanitizer works, in whose address space Criterion's own
   sandbox finds no room (Criterion issue 274). It takes the place of main() and of what a test calls in
   libcriterion.
   Usage: unit-ROOM [--filter=SUITE/TEST], a pattern of fnmatch(3); other options are ignored. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The linker's names for the sections that Test and TestSuite write to. */
extern struct criterion_test *__start_cr_tst[];
extern struct criterion_test *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

static const struct criterion_test *current;
static jmp_buf end_of_test;
static bool failed;

static const struct criterion_test_extra_data *suite_of(const struct criterion_test *test)
{
    for (struct criterion_suite **suite = __start_cr_sts; suite < __stop_cr_sts; suite++)
        if (*suite && strcmp((*suite)->name, test->category) == 0)
            return (*suite)->data;
    return NULL;
}

static void run_fixture(void (*of_suite)(void), void (*of_test)(void))
{
    if (of_suite)
        of_suite();
    if (of_test)
        of_test();
}

void criterion_internal_test_setup(void)
{
    const struct criterion_test_extra_data *suite = suite_of(current);
    if (!setjmp(end_of_test))
        run_fixture(suite ? suite->init : NULL, current->data->init);
}

void criterion_internal_test_main(void (*body)(void))
{
    if (!failed && !setjmp(end_of_test))
        body();
}

void criterion_internal_test_teardown(void)
{
    const struct criterion_test_extra_data *suite = suite_of(current);
    if (!setjmp(end_of_test)) {
        run_fixture(NULL, current->data->fini);
        run_fixture(suite ? suite->fini : NULL, NULL);
    }
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (stats->passed)
        return;
    failed = true;
    (void)fprintf(stderr, "%s:%u: %s/%s: %s\n", stats->file, stats->line, current->category, current->name,
                  stats->message);
}

void criterion_abort_test(void)
{
    longjmp(end_of_test, 1);
}

void criterion_skip_test(const char *format, ...)
{
    (void)format;
    longjmp(end_of_test, 1);
}

/* Whether TEST, in a process of its own, passed. */
static bool run(const struct criterion_test *test)
{
    int status;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        current = test;
        test->test();
        exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == test->data->exit_code;
    (void)fprintf(stderr, "%s/%s: signal %d\n", test->category, test->name, WTERMSIG(status));
    return WTERMSIG(status) == test->data->signal;
}

int main(int argc, char **argv)
{
    static const char option[] = "--filter=";
    const char *filter = "*";
    unsigned ran = 0;
    unsigned bad = 0;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], option, strlen(option)) == 0)
            filter = argv[i] + strlen(option);
    for (struct criterion_test **test = __start_cr_tst; test < __stop_cr_tst; test++) {
        if (!*test || (*test)->data->disabled || fnmatch(filter, (*test)->data->identifier_, 0) != 0)
            continue;
        ran++;
        if (run(*test))
            continue;
        bad++;
        (void)fprintf(stderr, "failed: %s\n", (*test)->data->identifier_);
    }
    (void)fprintf(stderr, "Tested: %u | Failing: %u\n", ran, bad);
    return bad || !ran ? EXIT_FAILURE : EXIT_SUCCESS;
}
