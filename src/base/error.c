/* Errors with a message; see error.h. */
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

int error_prefix(struct error *err, int result, const char *format, ...)
{
    if (!err || result >= 0)
        return result;
    char head[ERROR_MESSAGE_MAX];
    char tail[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(head, sizeof head, format, args);
    va_end(args);
    memcpy(tail, err->message, sizeof tail);
    set_message(err, head, tail);
    return result;
}
