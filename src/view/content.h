/* Whether two files have the same content, as far as is known without reading them, and ids of content: equal ones mean equal
   content. */
#ifndef RUNFS_VIEW_CONTENT_H
#define RUNFS_VIEW_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/object.h"
#include "base/strbuf.h"
#include "base/wait.h"

struct composition;

enum content_relation {
    CONTENT_UNKNOWN, /* only reading tells */
    CONTENT_SAME,
    CONTENT_DIFFERENT,
};

/* What an ETag says of content, by how S3 makes them. */
enum etag_form {
    ETAG_OTHER, /* nothing */
    ETAG_MD5,   /* it is the MD5 of all bytes */
    ETAG_PARTS, /* of an upload in parts: the MD5 of the parts' MD5s, a '-' and their number */
};

enum etag_form etag_form_of(const char *etag);

/* What is known of a file. */
struct content {
    uint64_t size;
    const char *etag;   /* as its store gives it, "" where there is none */
    const char *sha256; /* lower-case hexadecimal digits, "" where it is not known */
};

/* What sizes and ids prove: a SHA-256, or an ETag that is the MD5 of all bytes, says both whether content is equal and whether
   it is not; one of an upload in parts only that it is; any other ETag, such as one made of time and size, says nothing. */
enum content_relation content_compare(const struct content *a, const struct content *b);

/* Appends the content id of an object of one of the run's origins: by its ETag "md5:HEX", or "etag:HEX-PARTS" of what was
   uploaded in parts; where it has another ETag, which tells versions of one object apart but not content, "etag:…@KEY";
   where it has none, as a file of this machine, "sha256:HEX" of its content, which is read as WAIT allows. Nothing where that
   fails, with what it gave: -ETIMEDOUT, -EINTR, -ENOMEM, or why the file cannot be read. */
int content_id(const struct composition *composition, uint16_t origin, const struct object *object,
               const struct wait *wait, struct strbuf *out, struct error *err);

#endif
