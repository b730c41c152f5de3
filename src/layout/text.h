/* Spans of text and the components of paths. */
#ifndef RUNFS_LAYOUT_TEXT_H
#define RUNFS_LAYOUT_TEXT_H

#include <runfs/types.h>
#include <stdbool.h>
#include <string.h>

/* For printf's "%.*s". */
#define SPAN_ARG(span) (int)(span).len, (span).text

static inline struct runfs_span span_of(const char *text)
{
    return (struct runfs_span){text, strlen(text)};
}

/* SPAN without its first LEN bytes. */
static inline struct runfs_span span_skip(struct runfs_span span, size_t len)
{
    return len ? (struct runfs_span){span.text + len, span.len - len} : span;
}

static inline bool span_equal(struct runfs_span a, struct runfs_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

/* Whether SPAN is TEXT. */
static inline bool span_is(struct runfs_span span, const char *text)
{
    return span_equal(span, span_of(text));
}

/* Whether SPAN begins, or ends, with PART. */
static inline bool span_starts(struct runfs_span span, struct runfs_span part)
{
    return span.len >= part.len && span_equal((struct runfs_span){span.text, part.len}, part);
}

static inline bool span_ends(struct runfs_span span, struct runfs_span part)
{
    return span.len >= part.len && span_equal(span_skip(span, span.len - part.len), part);
}

/* Where C first stands in SPAN; its length where it does not. */
static inline size_t span_find(struct runfs_span span, char c)
{
    const char *found = span.len ? memchr(span.text, c, span.len) : NULL;
    return found ? (size_t)(found - span.text) : span.len;
}

/* Moves what stands before the first SEPARATOR of *rest to *ret_part, and *rest behind it.
   False where *rest is empty. */
bool span_take(struct runfs_span *rest, char separator, struct runfs_span *ret_part);

/* Whether SPAN can be one component of a path: not empty, "." or "..", and without '/'. */
bool is_component(struct runfs_span span);

/* Whether SPAN holds a control character (below 0x20, or 0x7f). */
bool has_control(struct runfs_span span);

/* Whether all parts of SPAN between '/' are components. An empty SPAN has none: true. */
bool is_path(struct runfs_span span);

struct strbuf;

/* Appends PATH without empty and "." components, and without '/' at either end. False, with a part of it appended, where
   a component is "..". */
bool path_normalise(struct runfs_span path, struct strbuf *out);

#endif
