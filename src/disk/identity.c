/* Identities; see identity.h. */
#include "disk/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Version 1 ("0") may hold zeros where a pass was given up; its blocks are not used. */
#define DECODED_VERSION "decoded-2"

static void add_field(struct strbuf *out, const char *text)
{
    strbuf_add(out, text, strlen(text) + 1);
}

static void add_number(struct strbuf *out, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    add_field(out, text);
}

/* SIZE_FIELD stands where the size does. */
static void build_identity(const struct cache_scope *scope, const struct object *object,
                           const char *size_field, struct strbuf *out)
{
    add_field(out, scope->endpoint);
    add_field(out, scope->bucket);
    add_field(out, object->etag);
    add_field(out, size_field);
    add_number(out, object->etag[0] ? 0 : object->mtime_ns);
    strbuf_adds(out, scope->prefix);
    strbuf_add(out, object->key, object->key_len);
    strbuf_add(out, "", 1);
}

void identity_build(const struct cache_scope *scope, const struct object *object, struct strbuf *out)
{
    char size[24];
    (void)snprintf(size, sizeof size, "%" PRId64, (int64_t)object->size);
    build_identity(scope, object, size, out);
}

void identity_build_decoded(const struct cache_scope *scope, const struct object *object, struct strbuf *out)
{
    build_identity(scope, object, DECODED_VERSION, out);
}

/* Takes the next field off the front; NULL where no NUL ends it. */
static const char *next_field(const char **at, const char *end)
{
    const char *field = *at;
    const char *nul = field < end ? memchr(field, '\0', (size_t)(end - field)) : NULL;
    if (nul)
        *at = nul + 1;
    return nul ? field : NULL;
}

int identity_split(const char *identity, size_t len, struct identity_parts *ret_parts)
{
    const char *at = identity;
    const char *end = identity + len;
    struct identity_parts parts = {.endpoint = next_field(&at, end)};
    parts.bucket = parts.endpoint ? next_field(&at, end) : NULL;
    parts.etag = parts.bucket ? next_field(&at, end) : NULL;
    const char *size = parts.etag ? next_field(&at, end) : NULL;
    const char *time = size ? next_field(&at, end) : NULL;
    if (!time || at == end || end[-1] != '\0')
        return -EINVAL;
    parts.key = at;
    parts.key_len = (size_t)(end - at) - 1;
    *ret_parts = parts;
    return 0;
}

void identity_of_listing(const struct cache_scope *scope, const char *access, struct strbuf *out)
{
    add_field(out, scope->endpoint);
    add_field(out, scope->bucket);
    add_field(out, scope->prefix);
    if (access)
        add_field(out, access);
}

void identity_name(const char *identity, size_t len, char ret_name[IDENTITY_NAME])
{
    XXH128_hash_t hash = XXH3_128bits(identity, len);
    (void)snprintf(ret_name, IDENTITY_NAME, "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}
