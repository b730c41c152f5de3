/* ETags as S3 computes them: the MD5 of the bytes; of an upload in parts, the MD5 of the parts' MD5s; see etags.h. */
#include "unpack/etags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"

#define PIECE (1U << 20) /* divides a part */

struct sums {
    struct digest whole;
    struct digest part;
    struct digest parts; /* of the sums of all parts */
    uint64_t count;      /* of parts */
    bool failed;         /* there is no MD5, as where only approved hashes are to be had */
};

static void sums_done(struct sums *sums)
{
    digest_done(&sums->whole);
    digest_done(&sums->part);
    digest_done(&sums->parts);
}

static void sums_add(struct sums *sums, const struct iovec *piece)
{
    sums->failed = sums->failed || digest_add(&sums->whole, piece->iov_base, piece->iov_len, NULL) < 0 ||
                   digest_add(&sums->part, piece->iov_base, piece->iov_len, NULL) < 0;
}

static void sums_end_part(struct sums *sums)
{
    unsigned char md5[MD5_SIZE];
    sums->failed = sums->failed || digest_end(&sums->part, md5, NULL) < 0 ||
                   digest_add(&sums->parts, md5, sizeof md5, NULL) < 0 ||
                   digest_begin(&sums->part, DIGEST_MD5, NULL) < 0;
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
        for (unsigned i = 0; i < loan.count; i++)
            sums_add(sums, &loan.pieces[i]);
        offset += loan.len;
        loan_release(&loan);
        if (offset % ETAGS_PART_SIZE == 0 || offset >= file->size)
            sums_end_part(sums);
    }
    return 0;
}

static void write_text(struct sums *sums, bool in_parts, char text[ETAGS_TEXT_MAX])
{
    char parts[MD5_TEXT];
    sums->failed = sums->failed || digest_end_text(&sums->whole, text, NULL) < 0 ||
                   digest_end_text(&sums->parts, parts, NULL) < 0;
    if (sums->failed)
        text[0] = '\0';
    else if (in_parts)
        (void)snprintf(text + MD5_TEXT - 1, ETAGS_TEXT_MAX - MD5_TEXT + 1, " %s-%" PRIu64, parts,
                       sums->count);
}

int etags_of(struct reader *file, const struct wait *wait, char text[ETAGS_TEXT_MAX], struct error *err)
{
    __attribute__((cleanup(sums_done))) struct sums sums = {0};
    sums.failed = digest_begin(&sums.whole, DIGEST_MD5, NULL) < 0 ||
                  digest_begin(&sums.part, DIGEST_MD5, NULL) < 0 ||
                  digest_begin(&sums.parts, DIGEST_MD5, NULL) < 0;
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
