/* Spans of text and the components of paths. */
#ifndef RUNFS_LAYOUT_TEXT_H
#define RUNFS_LAYOUT_TEXT_H

#include <runfs/types.h>
#include <stdbool.h>

/* For printf's "%.*s". */
#define SPAN_ARG(span) (int)(span).len, (span).text

struct runfs_span span_of(const char *text);

bool span_equal(struct runfs_span a, struct runfs_span b);

/* Whether SPAN is TEXT. */
bool span_is(struct runfs_span span, const char *text);

/* Whether SPAN begins, or ends, with PART. */
bool span_starts(struct runfs_span span, struct runfs_span part);
bool span_ends(struct runfs_span span, struct runfs_span part);

/* SPAN without its first LEN bytes. */
struct runfs_span span_skip(struct runfs_span span, size_t len);

/* Where C first stands in SPAN; its length where it does not. */
size_t span_find(struct runfs_span span, char c);

/* Moves what stands before the first SEPARATOR of *rest to *ret_part, and *rest behind it.
   False where *rest is empty. */
bool span_take(struct runfs_span *rest, char separator, struct runfs_span *ret_part);

/* Whether SPAN can be one component of a path: not empty, "." or "..", and without '/'. */
bool is_component(struct runfs_span span);

/* Whether SPAN holds a control character (below 0x20, or 0x7f). */
bool has_control(struct runfs_span span);

/* Whether all parts of SPAN between '/' are components. An empty SPAN has none: true. */
bool is_path(struct runfs_span span);

#endif
