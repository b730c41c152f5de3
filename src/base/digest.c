/* SHA-256 of bytes as they come; see digest.h. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

static int failed(struct error *err)
{
    return error_set(err, EIO, "SHA-256: libcrypto failed");
}

int sha256_begin(struct sha256 *sum, struct error *err)
{
    if (!sum->state)
        sum->state = EVP_MD_CTX_new();
    return sum->state && EVP_DigestInit_ex(sum->state, EVP_sha256(), NULL) == 1 ? 0 : failed(err);
}

int sha256_add(struct sha256 *sum, const void *bytes, size_t len, struct error *err)
{
    return EVP_DigestUpdate(sum->state, bytes, len) == 1 ? 0 : failed(err);
}

int sha256_end(struct sha256 *sum, char ret_text[SHA256_TEXT], struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    if (EVP_DigestFinal_ex(sum->state, digest, &len) != 1 || len != SHA256_TEXT / 2)
        return failed(err);
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(ret_text + (size_t)2 * i, 3, "%02x", digest[i]);
    return 0;
}

void sha256_done(struct sha256 *sum)
{
    EVP_MD_CTX_free(sum->state);
    sum->state = NULL;
}
