/* AWS credentials as a value: checked when made, wiped when done. */
#ifndef RUNFS_AWS_AWS_CREDENTIALS_H
#define RUNFS_AWS_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Without an access key: none, requests go unsigned. Strings are owned. */
struct aws_credentials {
    char *access_key;    /* NULL, or not empty */
    char *secret_key;    /* NULL exactly where access_key is */
    char *session_token; /* NULL where the credentials are not temporary */
    int64_t expires_ns;  /* nanoseconds since 1970 UTC, 0 for never */
};

/* Makes credentials of copies. TOKEN may be NULL or empty. All three go into HTTP headers, so they must be
   visible ASCII, and the keys not empty: otherwise -EINVAL with a message that names the part and quotes
   nothing. */
int aws_credentials_make(const char *access_key, const char *secret_key, const char *token,
                         int64_t expires_ns, struct aws_credentials *ret_credentials, struct error *err);

/* Copies credentials, also none. */
int aws_credentials_copy(const struct aws_credentials *from, struct aws_credentials *ret_copy,
                         struct error *err);

/* Whether keys and token are the same. */
bool aws_credentials_equal(const struct aws_credentials *a, const struct aws_credentials *b);

#define AWS_FINGERPRINT 65 /* bytes, with the NUL */

/* A text that is another for other keys, and from which they cannot be told (SHA-256); "anonymous" where there are none.
   The session token is left out: it changes while the keys' owner does not. -EIO where OpenSSL fails. */
int aws_credentials_fingerprint(const struct aws_credentials *credentials, char ret_text[AWS_FINGERPRINT],
                                struct error *err);

/* Wipes the memory of keys and token, frees it and leaves none. A zeroed one is allowed. */
void aws_credentials_done(struct aws_credentials *credentials);

#define _cleanup_aws_credentials_ __attribute__((cleanup(aws_credentials_done)))

#endif
