/* Takes spans of text and paths apart. */
#include "layout/text.h"

#include "base/strbuf.h"

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

bool path_normalise(struct runfs_span path, struct strbuf *out)
{
    struct runfs_span part;
    bool first = true;
    while (span_take(&path, '/', &part)) {
        if (span_is(part, ".."))
            return false;
        if (!is_component(part))
            continue;
        if (!first)
            strbuf_adds(out, "/");
        strbuf_add(out, part.text, part.len);
        first = false;
    }
    return true;
}
