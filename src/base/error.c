#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const char *error_text(int code)
{
    const char *text = strerrordesc_np(code);
    return text ? text : "unknown error";
}

/* Cuts what does not fit: a message is for people. */
static void set_message(struct error *err, const char *head, const char *tail)
{
    size_t used;
    escape_control(err->message, sizeof err->message, head);
    used = strlen(err->message);
    escape_control(err->message + used, sizeof err->message - used, tail ? ": " : "");
    used += strlen(err->message + used);
    escape_control(err->message + used, sizeof err->message - used, tail ? tail : "");
}

__attribute__((format(printf, 4, 0))) static int set_formatted(struct error *err, int code, const char *tail,
                                                               const char *format, va_list args)
{
    char head[ERROR_MESSAGE_MAX];
    if (!err)
        return -code;
    (void)vsnprintf(head, sizeof head, format, args);
    err->code = code;
    set_message(err, head, tail);
    return -code;
}

int error_set(struct error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = set_formatted(err, code, NULL, format, args);
    va_end(args);
    return result;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = set_formatted(err, code, error_text(code), format, args);
    va_end(args);
    return result;
}

int error_prefix(struct error *err, int result, const char *format, ...)
{
    if (!err || result >= 0)
        return result;
    char tail[ERROR_MESSAGE_MAX];
    va_list args;
    memcpy(tail, err->message, sizeof tail);
    va_start(args, format);
    (void)set_formatted(err, err->code, tail, format, args);
    va_end(args);
    return result;
}
