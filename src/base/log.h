/* The program's log: one line an event, to stderr, a file or syslog. Library rooms return errors; fs and cli
   log. One log a process, set up once before threads start; writing is thread-safe. */
#ifndef RUNFS_BASE_LOG_H
#define RUNFS_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };

/* Where and how much to log. FD is used for LOG_TO_FILE only and stays the caller's. Before this call
   warnings and errors go to stderr. */
void log_open(enum log_target target, enum log_level level, int fd);

/* Reads a level's name ("error", "warning", "info", "debug"): 0 or -EINVAL. */
int log_level_parse(const char *name, enum log_level *ret_level);

/* Writes one line; control characters are escaped. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
