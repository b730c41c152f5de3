/* Digests of bytes as they come. The one user of libcrypto. */
#ifndef RUNFS_BASE_DIGEST_H
#define RUNFS_BASE_DIGEST_H

#include <stddef.h>

#include "base/error.h"

enum digest_kind { DIGEST_SHA256, DIGEST_MD5 };

/* Bytes of a digest, and of its lower-case hexadecimal digits with a NUL. */
#define SHA256_SIZE 32
#define SHA256_TEXT (2 * SHA256_SIZE + 1)
#define MD5_SIZE    16
#define MD5_TEXT    (2 * MD5_SIZE + 1)

/* All zeros is an empty one. */
struct digest {
    struct evp_md_ctx_st *state; /* libcrypto's, owned */
    enum digest_kind kind;
};

/* Begins a sum; one of the same kind as before is cheap. -EIO where libcrypto fails, as those below, or has no such digest. */
int digest_begin(struct digest *digest, enum digest_kind kind, struct error *err);

int digest_add(struct digest *digest, const void *bytes, size_t len, struct error *err);

/* Ends a sum: as bytes, *_SIZE of them, or as text of *_TEXT bytes. */
int digest_end(struct digest *digest, unsigned char *ret_bytes, struct error *err);
int digest_end_text(struct digest *digest, char *ret_text, struct error *err);

/* Frees what it holds. */
void digest_done(struct digest *digest);

#define _cleanup_digest_ __attribute__((cleanup(digest_done)))

#endif
