/* Errors with a message: functions return 0 or a negative errno and, on failure, say why in a struct error.
   The message is one line without a trailing full stop, of the form "WHAT: WHY"; the program adds its own
   name. */
#ifndef RUNFS_BASE_ERROR_H
#define RUNFS_BASE_ERROR_H

#include <stdarg.h>

#define ERROR_MESSAGE_MAX 1024

struct error {
    int code; /* a positive errno, 0 while nothing failed */
    char message[ERROR_MESSAGE_MAX];
};

/* Sets *err to CODE (a positive errno) and the formatted message, and returns -CODE. Control characters of
   the message become \xNN, so that a name from outside never breaks the line. ERR may be NULL. Thread-safe
   for distinct ERR. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like error_set, with ": " and the text of errno CODE at the end of the message. */
int error_errno(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Where RESULT is a failure, a negative errno, puts "TEXT: " before the message of *err (NULL: none). Returns RESULT. */
int error_prefix(struct error *err, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The text of errno CODE (positive), thread-safe, never NULL. */
const char *error_text(int code);

#endif
