/* What cached bytes belong to: a text that names an object in just one of its versions. */
#ifndef RUNFS_DISK_IDENTITY_H
#define RUNFS_DISK_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/object.h"
#include "base/strbuf.h"

#define IDENTITY_MAX  (16U * 1024) /* bytes; objects with longer names are not cached on disk */
#define IDENTITY_NAME 33           /* bytes of a name made from an identity, with its NUL */

/* Which server and place the objects of a store are at. Strings are "" where there is nothing to say. */
struct cache_scope {
    const char *endpoint;
    const char *bucket;
    const char *prefix; /* "" or ending in '/' */
};

/* An identity, taken apart. The strings point into the identity. */
struct identity_parts {
    const char *endpoint;
    const char *bucket;
    const char *etag;
    const char *key; /* below the bucket, NUL-terminated after key_len bytes */
    size_t key_len;
};

/* Appends the identity of OBJECT: endpoint, bucket, ETag, size, time (only where there is no ETag to tell versions
   apart) and key, each ended by a NUL. */
void identity_build(const struct cache_scope *scope, const struct object *object, struct strbuf *out);

/* Appends the identity of the decoded bytes of archive OBJECT, whose ETag is not empty: likewise, but with DECODED_VERSION
   in place of the size. */
void identity_build_decoded(const struct cache_scope *scope, const struct object *object, struct strbuf *out);

/* The first COUNT fields of an identity, and what follows them; NULL where there are fewer. */
const char *identity_fields(const char *identity, size_t len, const char **ret_fields, unsigned count);

/* Takes an identity apart; -EINVAL where it is none. */
int identity_split(const char *identity, size_t len, struct identity_parts *ret_parts);

/* Appends the identity of the listing of SCOPE as ACCESS sees it; without its last field where ACCESS is NULL. */
void identity_of_listing(const struct cache_scope *scope, const char *access, struct strbuf *out);

/* A file name from an identity: 32 hexadecimal digits (XXH3, 128 bits). */
void identity_name(const char *identity, size_t len, char ret_name[IDENTITY_NAME]);

#endif
