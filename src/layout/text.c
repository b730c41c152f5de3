/* Spans of text and the components of paths; see text.h. */
#include "layout/text.h"

#include <string.h>

struct runfs_span span_of(const char *text)
{
    return (struct runfs_span){text, strlen(text)};
}

bool span_equal(struct runfs_span a, struct runfs_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

bool span_is(struct runfs_span span, const char *text)
{
    return span_equal(span, span_of(text));
}

bool span_starts(struct runfs_span span, struct runfs_span part)
{
    return span.len >= part.len && span_equal((struct runfs_span){span.text, part.len}, part);
}

bool span_ends(struct runfs_span span, struct runfs_span part)
{
    return span.len >= part.len && span_equal(span_skip(span, span.len - part.len), part);
}

struct runfs_span span_skip(struct runfs_span span, size_t len)
{
    return len ? (struct runfs_span){span.text + len, span.len - len} : span;
}

size_t span_find(struct runfs_span span, char c)
{
    const char *found = span.len ? memchr(span.text, c, span.len) : NULL;
    return found ? (size_t)(found - span.text) : span.len;
}

bool span_take(struct runfs_span *rest, char separator, struct runfs_span *ret_part)
{
    if (rest->len == 0)
        return false;
    size_t len = span_find(*rest, separator);
    *ret_part = (struct runfs_span){rest->text, len};
    *rest = span_skip(*rest, len < rest->len ? len + 1 : len);
    return true;
}

bool is_component(struct runfs_span span)
{
    return span.len && span_find(span, '/') == span.len && !span_is(span, ".") && !span_is(span, "..");
}

bool has_control(struct runfs_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        unsigned char c = (unsigned char)span.text[i];
        if (c < 0x20 || c == 0x7f)
            return true;
    }
    return false;
}

bool is_path(struct runfs_span span)
{
    if (span.len && span.text[span.len - 1] == '/')
        return false;
    struct runfs_span part;
    while (span_take(&span, '/', &part))
        if (!is_component(part))
            return false;
    return true;
}
