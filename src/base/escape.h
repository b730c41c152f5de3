/* Text made safe for a line of a log, an error or a URL. */
#ifndef RUNFS_BASE_ESCAPE_H
#define RUNFS_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

/* Copies TEXT to DST (SIZE bytes, always terminated), with control characters (below 0x20, and 0x7f) as \xNN.
   What does not fit is cut at a whole UTF-8 character or escape. */
void escape_control(char *dst, size_t size, const char *text);

/* Appends TEXT (LEN bytes) percent-encoded as RFC 3986 paths are: unreserved characters raw, everything else
   as %XX in upper case. '/' stays raw where KEEP_SLASH. */
void escape_percent(struct strbuf *out, const char *text, size_t len, bool keep_slash);

/* Decodes %XX in TEXT (LEN bytes) into OUT, which may hold NUL bytes then. A malformed escape is -EINVAL. */
int unescape_percent(struct strbuf *out, const char *text, size_t len);

#endif
