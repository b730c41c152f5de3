/* Whether two files have the same content; see content.h. */
#include "view/content.h"

#include <string.h>

#define HEX       "0123456789abcdef"
#define MD5_CHARS 32

/* Whether an ETag begins like an MD5. *RET_REST is what stands behind that. */
static bool begins_with_md5(const char *etag, const char **ret_rest)
{
    *ret_rest = etag + strspn(etag, HEX);
    return *ret_rest - etag == MD5_CHARS;
}

/* As S3 makes them of an upload in parts: the MD5 of the parts' MD5s, and their number. */
static bool is_of_parts(const char *rest)
{
    return rest[0] == '-' && rest[1] && rest[1 + strspn(rest + 1, "0123456789")] == '\0';
}

static enum content_relation compare_etags(const char *a, const char *b)
{
    const char *rest_a;
    const char *rest_b;
    if (!begins_with_md5(a, &rest_a) || !begins_with_md5(b, &rest_b))
        return CONTENT_UNKNOWN;
    if (!*rest_a && !*rest_b)
        return strcmp(a, b) == 0 ? CONTENT_SAME : CONTENT_DIFFERENT;
    return is_of_parts(rest_a) && strcmp(a, b) == 0 ? CONTENT_SAME : CONTENT_UNKNOWN;
}

enum content_relation content_compare(const struct content *a, const struct content *b)
{
    if (a->size != b->size)
        return CONTENT_DIFFERENT;
    if (a->size == 0)
        return CONTENT_SAME;
    if (a->sha256[0] && b->sha256[0])
        return strcmp(a->sha256, b->sha256) == 0 ? CONTENT_SAME : CONTENT_DIFFERENT;
    return compare_etags(a->etag, b->etag);
}
