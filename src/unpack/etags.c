/* ETags as S3 computes them: the MD5 of the bytes; of an upload in parts, the MD5 of the parts' MD5s; see etags.h. */
#include "unpack/etags.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PIECE (1U << 20) /* divides a part */

struct sums {
    EVP_MD_CTX *whole;
    EVP_MD_CTX *part;
    EVP_MD_CTX *parts; /* of the sums of all parts */
    uint64_t count;    /* of parts */
    bool failed;       /* there is no MD5, as where only approved hashes are to be had */
};

static void sums_done(struct sums *sums)
{
    EVP_MD_CTX_free(sums->whole);
    EVP_MD_CTX_free(sums->part);
    EVP_MD_CTX_free(sums->parts);
}

static bool begin(EVP_MD_CTX *sum)
{
    return sum && EVP_DigestInit_ex(sum, EVP_md5(), NULL) > 0;
}

static void add(struct sums *sums, EVP_MD_CTX *sum, const void *bytes, size_t len)
{
    sums->failed = sums->failed || EVP_DigestUpdate(sum, bytes, len) <= 0;
}

static void end(struct sums *sums, EVP_MD_CTX *sum, unsigned char digest[EVP_MAX_MD_SIZE], unsigned *ret_len)
{
    *ret_len = 0;
    sums->failed = sums->failed || EVP_DigestFinal_ex(sum, digest, ret_len) <= 0;
}

static void end_part(struct sums *sums)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    end(sums, sums->part, digest, &len);
    if (!sums->failed)
        add(sums, sums->parts, digest, len);
    sums->failed = sums->failed || !begin(sums->part);
    sums->count++;
}

static int add_all(struct sums *sums, struct reader *file, const struct wait *wait, struct error *err)
{
    for (uint64_t offset = 0; offset < file->size && !sums->failed;) {
        struct loan loan;
        size_t left = PIECE - (size_t)(offset % PIECE);
        int result = reader_lend(file, left, offset, wait, &loan, err);
        if (result < 0)
            return result;
        for (unsigned i = 0; i < loan.count; i++) {
            add(sums, sums->whole, loan.pieces[i].iov_base, loan.pieces[i].iov_len);
            add(sums, sums->part, loan.pieces[i].iov_base, loan.pieces[i].iov_len);
        }
        offset += loan.len;
        loan_release(&loan);
        if (offset % ETAGS_PART_SIZE == 0 || offset >= file->size)
            end_part(sums);
    }
    return 0;
}

static size_t add_hex(struct sums *sums, EVP_MD_CTX *sum, char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    end(sums, sum, digest, &len);
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
    return (size_t)2 * len;
}

static void write_text(struct sums *sums, bool in_parts, char text[ETAGS_TEXT_MAX])
{
    size_t used = add_hex(sums, sums->whole, text);
    if (in_parts) {
        text[used++] = ' ';
        used += add_hex(sums, sums->parts, text + used);
        (void)snprintf(text + used, ETAGS_TEXT_MAX - used, "-%" PRIu64, sums->count);
    }
    if (sums->failed)
        text[0] = '\0';
}

int etags_of(struct reader *file, const struct wait *wait, char text[ETAGS_TEXT_MAX], struct error *err)
{
    __attribute__((cleanup(sums_done))) struct sums sums = {
        .whole = EVP_MD_CTX_new(), .part = EVP_MD_CTX_new(), .parts = EVP_MD_CTX_new()};
    if (!sums.whole || !sums.part || !sums.parts)
        return error_errno(err, ENOMEM, "MD5");
    sums.failed = !begin(sums.whole) || !begin(sums.part) || !begin(sums.parts);
    int result = add_all(&sums, file, wait, err);
    if (result == 0)
        write_text(&sums, file->size >= ETAGS_PART_SIZE, text);
    return result;
}

bool etags_have(const char *etags, const char *etag)
{
    size_t len = strlen(etag);
    for (const char *at = etags; (at = strstr(at, etag)); at++)
        if ((at == etags || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}
