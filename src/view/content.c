#include "view/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "view/merge.h"

#define PIECE (256U * 1024)

enum etag_form etag_form_of(const char *etag)
{
    size_t len = strspn(etag, "0123456789abcdef");
    const char *rest = etag + len;
    if (len != MD5_TEXT - 1)
        return ETAG_OTHER;
    if (!*rest)
        return ETAG_MD5;
    return rest[0] == '-' && rest[1] && !rest[1 + strspn(rest + 1, "0123456789")] ? ETAG_PARTS : ETAG_OTHER;
}

enum content_relation content_compare(const struct content *a, const struct content *b)
{
    if (a->size != b->size)
        return CONTENT_DIFFERENT;
    if (a->size == 0)
        return CONTENT_SAME;
    if (a->sha256[0] && b->sha256[0])
        return strcmp(a->sha256, b->sha256) == 0 ? CONTENT_SAME : CONTENT_DIFFERENT;
    enum etag_form form = etag_form_of(a->etag);
    if (form != ETAG_OTHER && strcmp(a->etag, b->etag) == 0)
        return CONTENT_SAME;
    return form == ETAG_MD5 && etag_form_of(b->etag) == ETAG_MD5 ? CONTENT_DIFFERENT : CONTENT_UNKNOWN;
}

static void add_etag(uint16_t origin, const struct object *object, struct strbuf *out)
{
    enum etag_form form = etag_form_of(object->etag);
    strbuf_addf(out, "%s:%s", form == ETAG_MD5 ? "md5" : "etag", object->etag);
    if (form == ETAG_OTHER && origin == ORIGIN_RUN)
        strbuf_addf(out, "@%s", object->key);
    else if (form == ETAG_OTHER)
        strbuf_addf(out, "@%u:%s", origin, object->key);
}

static int content_hash(struct reader *reader, const struct object *object, const struct wait *wait,
                        char text[SHA256_TEXT], struct error *err)
{
    assert_may_block("reads a file for its hash");
    _cleanup_digest_ struct digest sum = {0};
    _cleanup_free_ char *piece = malloc(PIECE);
    if (!piece)
        return error_errno(err, ENOMEM, "%s", object->key);
    int result = digest_begin(&sum, DIGEST_SHA256, err);
    for (uint64_t offset = 0; result == 0 && offset < reader->size;) {
        size_t n = 0;
        if (wait_cancelled(wait))
            return error_errno(err, EINTR, "%s", object->key);
        result = reader_pread(reader, piece, PIECE, offset, wait, &n, err);
        if (result == 0 && n == 0)
            result = error_set(err, EIO, "%s: ends early", object->key);
        if (result == 0)
            result = digest_add(&sum, piece, n, err);
        offset += n;
    }
    return result < 0 ? result : digest_end_text(&sum, text, err);
}

int content_id(const struct composition *composition, uint16_t origin, const struct object *object,
               const struct wait *wait, struct strbuf *out, struct error *err)
{
    char text[SHA256_TEXT];
    struct reader *reader;
    if (object->etag[0]) {
        add_etag(origin, object, out);
        return 0;
    }
    int result = composition->deps.open_object(composition->deps.context, origin, object, &reader, err);
    if (result < 0)
        return result;
    result = content_hash(reader, object, wait, text, err);
    if (result == 0)
        strbuf_addf(out, "sha256:%s", text);
    reader_close(reader);
    return result;
}
