#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void format_time(char ret_text[FORMAT_MAX], int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&time, &tm) || !strftime(ret_text, FORMAT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
        (void)snprintf(ret_text, FORMAT_MAX, "-");
}

void format_bytes(char ret_text[FORMAT_MAX], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes / 1024;
    if (bytes < 1024) {
        (void)snprintf(ret_text, FORMAT_MAX, "%" PRIu64 " B", bytes);
        return;
    }
    /* what would be rounded to 1024.0 is 1.0 of the next unit */
    for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    (void)snprintf(ret_text, FORMAT_MAX, "%.1f %s", value, units[unit]);
}

static void format_pair(char text[FORMAT_MAX], uint64_t units, const char *unit, uint64_t rest,
                        const char *smaller)
{
    (void)snprintf(text, FORMAT_MAX, "%" PRIu64 " %s %" PRIu64 " %s", units, unit, rest, smaller);
}

void format_seconds(char ret_text[FORMAT_MAX], uint64_t seconds)
{
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;
    if (hours >= 24)
        format_pair(ret_text, hours / 24, "d", hours % 24, "h");
    else if (hours)
        format_pair(ret_text, hours, "h", minutes % 60, "min");
    else if (minutes)
        format_pair(ret_text, minutes, "min", seconds % 60, "s");
    else
        (void)snprintf(ret_text, FORMAT_MAX, "%" PRIu64 " s", seconds);
}

void format_microseconds(char ret_text[FORMAT_MAX], uint64_t us)
{
    if (us < 1000)
        (void)snprintf(ret_text, FORMAT_MAX, "%" PRIu64 " us", us);
    else if (us < 1000000)
        (void)snprintf(ret_text, FORMAT_MAX, "%.1f ms", (double)us / 1000);
    else
        (void)snprintf(ret_text, FORMAT_MAX, "%.1f s", (double)us / 1000000);
}
