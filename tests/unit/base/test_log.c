/* The log: levels, targets, one line an event. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <regex.h>

#include "base/cleanup.h"
#include "testing.h"

static int log_file(enum log_level level)
{
    int fd = open(scratch_path("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    log_open(LOG_TO_FILE, level, fd);
    return fd;
}

static bool matches(const char *text, const char *expression)
{
    regex_t regex;
    cr_assert_eq(regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

TestSuite(log, .init = scratch_open, .fini = scratch_close);

Test(log, levels_have_names)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    enum log_level level = LOG_LEVEL_INFO;
    for (size_t i = 0; i < COUNT(names); i++) {
        cr_assert_eq(log_level_parse(names[i], &level), 0);
        cr_assert_eq(level, (enum log_level)i);
    }
    cr_assert_eq(log_level_parse("Debug", &level), -EINVAL);
    cr_assert_eq(log_level_parse("", &level), -EINVAL);
    cr_assert_eq(level, LOG_LEVEL_DEBUG);
}

Test(log, a_file_gets_a_line_with_time_and_level)
{
    int fd = log_file(LOG_LEVEL_WARNING);
    log_warning("%s is %d", "x", 5);
    _cleanup_free_ char *line = scratch_read("log");
    cr_assert(matches(line, "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z warning: x is 5\n$"),
              "%s", line);
    (void)close(fd);
}

Test(log, what_is_below_the_level_is_left_out)
{
    int fd = log_file(LOG_LEVEL_INFO);
    log_debug("debug");
    log_info("info");
    log_error("error");
    _cleanup_free_ char *lines = scratch_read("log");
    cr_assert(matches(lines, "^[^\n]* info: info\n[^\n]* error: error\n$"), "%s", lines);
    (void)close(fd);
}

Test(log, control_characters_do_not_forge_lines)
{
    int fd = log_file(LOG_LEVEL_ERROR);
    log_error("a\nb\x1b[0m");
    _cleanup_free_ char *line = scratch_read("log");
    cr_assert(matches(line, " error: a\\\\x0ab\\\\x1b\\[0m\n$"), "%s", line);
    (void)close(fd);
}

Test(log, overlong_lines_are_cut_and_still_end)
{
    char text[8192];
    int fd = log_file(LOG_LEVEL_ERROR);
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_error("%s", text);
    memset(text, 'x', sizeof text - 1);
    log_error("%s", text);
    log_error("next");
    _cleanup_free_ char *lines = scratch_read("log");
    cr_assert(matches(lines, "^[^\n]*(\\\\x0a)+\n[^\n]*x\n[^\n]*error: next\n$"), "%s", lines);
    (void)close(fd);
}

static void *write_lines(void *context)
{
    for (int i = 0; i < 100; i++)
        log_error("%s", (const char *)context);
    return NULL;
}

Test(log, lines_of_several_threads_do_not_mix)
{
    static char texts[4][30] = {"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccc",
                                "dddddddddddddddddddd"};
    pthread_t threads[COUNT(texts)];
    int fd = log_file(LOG_LEVEL_ERROR);
    for (size_t i = 0; i < COUNT(texts); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_lines, texts[i]), 0);
    for (size_t i = 0; i < COUNT(texts); i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    (void)close(fd);
    FILE *file = fopen(scratch_path("log"), "re");
    cr_assert(file);
    char line[256];
    unsigned count = 0;
    for (; fgets(line, sizeof line, file); count++)
        cr_assert(matches(line, "error: (a{20}|b{20}|c{20}|d{20})\n$"), "%s", line);
    (void)fclose(file);
    cr_assert_eq(count, 400);
}

/* Before log_open() and with it, stderr has the program's name and no time. */
Test(log, stderr_gets_the_programs_name)
{
    int fd = open(scratch_path("stderr"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int saved = dup(STDERR_FILENO);
    cr_assert_geq(dup2(fd, STDERR_FILENO), 0);
    log_warning("at first");
    log_info("not at first");
    log_open(LOG_TO_STDERR, LOG_LEVEL_INFO, -1);
    log_info("then");
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)close(fd);
    _cleanup_free_ char *lines = scratch_read("stderr");
    cr_assert_str_eq(lines, "runfs: at first\nrunfs: then\n");
}

Test(log, a_log_that_cannot_be_written_is_no_failure)
{
    log_open(LOG_TO_FILE, LOG_LEVEL_ERROR, -1);
    log_error("lost");
}
