/* Digests, made by libcrypto. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>

#include "base/hex.h"

static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*algorithm)(void);
} kinds[] = {
    [DIGEST_SHA256] = {"SHA-256", SHA256_SIZE, EVP_sha256},
    [DIGEST_MD5] = {"MD5", MD5_SIZE, EVP_md5},
};

static int digest_failed(const struct digest *digest, struct error *err)
{
    return error_set(err, EIO, "%s: libcrypto failed", kinds[digest->kind].name);
}

int digest_begin(struct digest *digest, enum digest_kind kind, struct error *err)
{
    /* naming the algorithm has libcrypto look it up again */
    const EVP_MD *algorithm = digest->state && digest->kind == kind ? NULL : kinds[kind].algorithm();
    digest->kind = kind;
    if (!digest->state)
        digest->state = EVP_MD_CTX_new();
    return digest->state && EVP_DigestInit_ex(digest->state, algorithm, NULL) == 1
               ? 0
               : digest_failed(digest, err);
}

int digest_add(struct digest *digest, const void *bytes, size_t len, struct error *err)
{
    return EVP_DigestUpdate(digest->state, bytes, len) == 1 ? 0 : digest_failed(digest, err);
}

int digest_end(struct digest *digest, unsigned char *ret_bytes, struct error *err)
{
    return EVP_DigestFinal_ex(digest->state, ret_bytes, NULL) == 1 ? 0 : digest_failed(digest, err);
}

int digest_end_text(struct digest *digest, char *ret_text, struct error *err)
{
    unsigned char bytes[SHA256_SIZE];
    int result = digest_end(digest, bytes, err);
    if (result == 0)
        hex_format(ret_text, bytes, kinds[digest->kind].size);
    return result;
}

void digest_done(struct digest *digest)
{
    EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}
