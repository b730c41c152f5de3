#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for EXTRA more bytes and a NUL. */
static int reserve(struct strbuf *buf, size_t extra)
{
    if (buf->failed)
        return -buf->failed;
    if (extra > buf->max || buf->len > buf->max - extra) {
        buf->failed = E2BIG;
        return -E2BIG;
    }
    size_t need = buf->len + extra + 1;
    if (need <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(buf->data, capacity);
    if (!data) {
        buf->failed = ENOMEM;
        return -ENOMEM;
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

void strbuf_add(struct strbuf *buf, const void *bytes, size_t len)
{
    if (reserve(buf, len) < 0)
        return;
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void strbuf_adds(struct strbuf *buf, const char *text)
{
    strbuf_add(buf, text, strlen(text));
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need < 0)
        buf->failed = EINVAL;
    else if (reserve(buf, (size_t)need) == 0) {
        (void)vsnprintf(buf->data + buf->len, (size_t)need + 1, format, again);
        buf->len += (size_t)need;
    }
    va_end(again);
}

void strbuf_clear(struct strbuf *buf)
{
    buf->len = 0;
    buf->failed = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

const char *strbuf_text(const struct strbuf *buf)
{
    return buf->data ? buf->data : "";
}

int strbuf_take(struct strbuf *buf, char **ret_text)
{
    strbuf_add(buf, "", 0);
    if (buf->failed)
        return -buf->failed;
    *ret_text = buf->data;
    *buf = (struct strbuf){.max = buf->max};
    return 0;
}

void strbuf_done(struct strbuf *buf)
{
    free(buf->data);
    *buf = (struct strbuf){.max = buf->max};
}

bool text_copy(const char *text, char **ret_copy)
{
    *ret_copy = text ? strdup(text) : NULL;
    return !text || *ret_copy;
}
