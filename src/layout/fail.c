/* Sets a struct runfs_error. */
#include "layout/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/strbuf.h"

int layout_fail(struct runfs_error *err, int code, const char *format, ...)
{
    if (!err)
        return -code;
    char line[RUNFS_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    err->code = code;
    escape_control(err->message, sizeof err->message, line);
    return -code;
}

int layout_take(struct strbuf *buf, const char *what, char **ret_text, struct runfs_error *err)
{
    int r = strbuf_take(buf, ret_text);
    return r < 0 ? layout_fail(err, -r, "%s: %s", what, error_text(-r)) : 0;
}
