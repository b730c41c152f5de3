/* The progress bar's text, and its silence where stderr is no terminal. */
#include "cli/common/progress.h"

#include "testing.h"

#define MIB (1024U * 1024)

static const char *text(unsigned width, uint64_t done, uint64_t total, uint64_t elapsed_ms)
{
    static char line[200];
    progress_text(line, sizeof line, width, done, total, elapsed_ms);
    return line;
}

Test(progress, tells_share_rate_and_what_is_left)
{
    cr_assert_str_eq(text(60, 0, 40 * MIB, 0),
                     "  0 % [                             ] 0 B of 40.0 MiB, 0 B/s");
    cr_assert_str_eq(text(79, 10 * MIB, 40 * MIB, 2000),
                     " 25 % [########                      ] 10.0 MiB of 40.0 MiB, 5.0 MiB/s, ETA 6 s");
    cr_assert_str_eq(text(60, 40 * MIB, 40 * MIB, 8000),
                     "100 % [###########] 40.0 MiB of 40.0 MiB, 5.0 MiB/s, ETA 0 s");
}

Test(progress, fits_its_line)
{
    for (unsigned width = 60; width < 300; width++)
        cr_assert_leq(strlen(text(width, 5 * MIB, 40 * MIB, 1000)), width);
    cr_assert_eq(strlen(text(0, 5 * MIB, 40 * MIB, 1000)), strlen(text(1, 5 * MIB, 40 * MIB, 1000)));
}

Test(progress, odd_numbers_do_no_harm)
{
    cr_assert(strstr(text(79, 50, 40, 1000), "100 %"));
    cr_assert(strstr(text(79, 0, 0, 1000), "100 %"));
    cr_assert(strstr(text(79, 1, UINT64_MAX, UINT64_MAX), "  0 %"));
    cr_assert(strstr(text(79, UINT64_MAX - 1, UINT64_MAX, 1), " %"));
}

Test(progress, nothing_is_shown_where_stderr_is_no_terminal)
{
    struct progress progress;
    char byte;
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    progress_begin(&progress, 100, false);
    for (int i = 0; i < 10; i++)
        progress_add(&progress, 10);
    progress_pause(&progress);
    progress_resume(&progress);
    progress_end(&progress);
    cr_assert_lt(read(ends[0], &byte, 1), 0, "something was written");
}
