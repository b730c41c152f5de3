/* Errors with a message; see error.h. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const char *error_text(int code)
{
    const char *text = strerrordesc_np(code);
    return text ? text : "unknown error";
}

static void set_message(struct error *err, const char *head, const char *tail)
{
    char line[ERROR_MESSAGE_MAX];
    (void)snprintf(line, sizeof line, "%s%s%s", head, tail ? ": " : "", tail ? tail : "");
    escape_control(err->message, sizeof err->message, line);
}

int error_set(struct error *err, int code, const char *format, ...)
{
    if (!err)
        return -code;
    char head[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(head, sizeof head, format, args);
    va_end(args);
    err->code = code;
    set_message(err, head, NULL);
    return -code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
    if (!err)
        return -code;
    char head[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(head, sizeof head, format, args);
    va_end(args);
    err->code = code;
    set_message(err, head, error_text(code));
    return -code;
}

int error_prefix(struct error *err, const char *format, ...)
{
    char head[ERROR_MESSAGE_MAX];
    char tail[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(head, sizeof head, format, args);
    va_end(args);
    (void)snprintf(tail, sizeof tail, "%s", err->message);
    set_message(err, head, tail);
    return -err->code;
}
