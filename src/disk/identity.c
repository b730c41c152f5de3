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

const char *identity_fields(const char *identity, size_t len, const char **ret_fields, unsigned count)
{
    const char *at = identity;
    for (unsigned i = 0; i < count; i++) {
        const char *nul = memchr(at, '\0', len - (size_t)(at - identity));
        if (!nul)
            return NULL;
        ret_fields[i] = at;
        at = nul + 1;
    }
    return at;
}

int identity_split(const char *identity, size_t len, struct identity_parts *ret_parts)
{
    const char *fields[5]; /* the size and the time are of no use here */
    const char *end = identity + len;
    const char *key = identity_fields(identity, len, fields, 5);
    if (!key || key == end || end[-1] != '\0')
        return -EINVAL;
    *ret_parts = (struct identity_parts){fields[0], fields[1], fields[2], key, (size_t)(end - key) - 1};
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
