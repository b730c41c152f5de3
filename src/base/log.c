#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"

#define LINE_MAX_BYTES 2048

static struct {
    enum log_target target;
    enum log_level level;
    int fd;
} sink = {LOG_TO_STDERR, LOG_LEVEL_WARNING, -1};

static const struct {
    const char *name;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_open(enum log_target target, enum log_level level, int fd)
{
    sink.target = target;
    sink.level = level;
    sink.fd = fd;
    if (target == LOG_TO_SYSLOG)
        openlog("runfs", LOG_PID, LOG_DAEMON);
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(name, levels[i].name) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    return -EINVAL;
}

/* One write a line, so that lines of several threads and processes do not mix. */
static void write_line(int fd, enum log_level level, const char *text)
{
    char line[LINE_MAX_BYTES + 64];
    char stamp[32] = "";
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ ", &tm);
    int n = fd == STDERR_FILENO ? snprintf(line, sizeof line, "runfs: %s\n", text)
                                : snprintf(line, sizeof line, "%s%s: %s\n", stamp, levels[level].name, text);
    if (n > 0 && write(fd, line, (size_t)n) < 0)
        return; /* a log that cannot be written has nowhere to complain */
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > sink.level)
        return;
    char raw[LINE_MAX_BYTES];
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    escape_control(text, sizeof text, raw);
    if (sink.target == LOG_TO_SYSLOG)
        syslog(levels[level].priority, "%s", text);
    else
        write_line(sink.target == LOG_TO_FILE ? sink.fd : STDERR_FILENO, level, text);
}
