/* SHA-256 of bytes as they come. */
#ifndef RUNFS_BASE_SHA256_H
#define RUNFS_BASE_SHA256_H

#include <stddef.h>

#include "base/error.h"

#define SHA256_TEXT 65 /* bytes of it in lower-case hexadecimal digits with a NUL */

struct evp_md_ctx_st; /* libcrypto's */

/* All zeros is an empty one. */
struct sha256 {
    struct evp_md_ctx_st *state; /* owned */
};

/* Begins anew. -EIO where libcrypto fails, as those below. */
int sha256_begin(struct sha256 *sum, struct error *err);

int sha256_add(struct sha256 *sum, const void *bytes, size_t len, struct error *err);

/* Ends it. */
int sha256_end(struct sha256 *sum, char ret_text[SHA256_TEXT], struct error *err);

/* Frees what it holds. */
void sha256_done(struct sha256 *sum);

#define _cleanup_sha256_ __attribute__((cleanup(sha256_done)))

#endif
