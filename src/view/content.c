/* Compares the content of files by what is known of it. */
#include "view/content.h"

#include <string.h>

#define MD5_CHARS 32

enum etag_form etag_form_of(const char *etag)
{
    size_t len = strspn(etag, "0123456789abcdef");
    const char *rest = etag + len;
    if (len != MD5_CHARS)
        return ETAG_OTHER;
    if (!*rest)
        return ETAG_MD5;
    return rest[0] == '-' && rest[1] && !rest[1 + strspn(rest + 1, "0123456789")] ? ETAG_PARTS : ETAG_OTHER;
}

enum content_relation content_compare(const struct content *a, const struct content *b)
{
    if (a->size != b->size)
        return CONTENT_DIFFERENT;
    if (a->size == 0)
        return CONTENT_SAME;
    if (a->sha256[0] && b->sha256[0])
        return strcmp(a->sha256, b->sha256) == 0 ? CONTENT_SAME : CONTENT_DIFFERENT;
    enum etag_form form = etag_form_of(a->etag);
    if (form != ETAG_OTHER && strcmp(a->etag, b->etag) == 0)
        return CONTENT_SAME;
    return form == ETAG_MD5 && etag_form_of(b->etag) == ETAG_MD5 ? CONTENT_DIFFERENT : CONTENT_UNKNOWN;
}
