/* The first pass over an archive; see pass.h. */
#include "archive/pass.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/pass_sink.h"
#include "base/digest.h"

#define PIECE         (256U * 1024)      /* encoded bytes that are taken at once */
#define THREADS_FROM  (1U * 1024 * 1024) /* encoded bytes: of less, threads save nothing */
#define POINT_SPACING (1U * 1024 * 1024) /* decoded bytes between restart points that are kept, at least */

struct pass {
    const struct pass_config *config;
    struct reader *encoded;
    const struct wait *wait;
    const struct codec *codec;
    struct codec_decoder *decoder;
    struct pass_sink *sink;
    struct digest sha256; /* of the encoded bytes */
    unsigned threads;     /* for decoding */
    uint64_t stop_at;     /* decoded bytes to stop at */
    uint64_t decoded;
    char *chunk; /* the sink's, being filled */
    size_t filled;
    struct toc_point *points; /* owned, and their blobs */
    size_t point_count;
    size_t point_capacity;
};

/* How decoding ended. */
enum pass_end {
    PASS_WHOLE,
    PASS_STOPPED, /* at stop_at */
    PASS_LIMIT,   /* the archive is beyond a limit */
    PASS_DAMAGED,
    PASS_AGAIN,  /* threads cannot decode it */
    PASS_FAILED, /* a read or an allocation failed, or the pass was cancelled */
};

/* Encoded bytes could not be read: that says nothing of the archive. */
#define READING_FAILED 1

static void free_points(struct pass *pass)
{
    for (size_t i = 0; i < pass->point_count; i++)
        free((void *)(uintptr_t)pass->points[i].blob);
    free(pass->points);
}

static int keep_point(struct pass *pass, const struct codec_point *point)
{
    if (pass->point_count == pass->point_capacity) {
        size_t capacity = pass->point_capacity ? 2 * pass->point_capacity : 64;
        struct toc_point *points = reallocarray(pass->points, capacity, sizeof *points);
        if (!points)
            return -ENOMEM;
        pass->points = points;
        pass->point_capacity = capacity;
    }
    unsigned char *blob = malloc(point->blob_len + 1U);
    if (!blob)
        return -ENOMEM;
    memcpy(blob, point->blob, point->blob_len);
    pass->points[pass->point_count++] =
        (struct toc_point){point->decoded, point->encoded, point->kind, point->blob_len, blob};
    return 0;
}

/* Remembers where decoding can be taken up again, where that is far enough from the last such place. */
static int note_point(struct pass *pass)
{
    struct codec_point point;
    uint64_t last = pass->point_count ? pass->points[pass->point_count - 1].decoded : 0;
    if (codec_is_direct(pass->codec) || !codec_progress(pass->decoder)->boundary ||
        !codec_point_here(pass->decoder, &point) || point.decoded < last + POINT_SPACING)
        return 0;
    return keep_point(pass, &point);
}

static void push_chunk(struct pass *pass)
{
    if (pass->filled)
        pass_sink_push(pass->sink, pass->filled);
    pass->filled = 0;
    pass->chunk = NULL;
}

/* Decodes what IN holds. 0, or what the codec says. */
static int decode(struct pass *pass, const char *in, size_t len, struct error *err)
{
    for (bool more = true; more && pass->decoded < pass->stop_at;) {
        size_t used;
        size_t made;
        if (!pass->chunk)
            pass->chunk = pass_sink_buffer(pass->sink);
        size_t room = TOC_CHUNK_SIZE - pass->filled;
        if (room > pass->stop_at - pass->decoded)
            room = (size_t)(pass->stop_at - pass->decoded);
        int result = codec_run(pass->decoder, in, len, &used, pass->chunk + pass->filled, room, &made, err);
        if (result < 0)
            return result;
        in += used;
        len -= used;
        pass->filled += made;
        pass->decoded += made;
        more = len || made == room || codec_progress(pass->decoder)->boundary;
        if (codec_progress(pass->decoder)->boundary && !used && !made)
            more = len > 0;
        if (note_point(pass) < 0)
            return error_errno(err, ENOMEM, "archive");
        if (pass->filled == TOC_CHUNK_SIZE)
            push_chunk(pass);
    }
    return 0;
}

/* Reads and decodes the piece at OFFSET. READING_FAILED with *ERR where it could not be read. */
static int take_piece(struct pass *pass, uint64_t offset, size_t *ret_len, int *ret_failure,
                      struct error *err)
{
    struct loan loan;
    int result = reader_lend(pass->encoded, PIECE, offset, pass->wait, &loan, err);
    if (result < 0) {
        *ret_failure = result;
        return READING_FAILED;
    }
    *ret_len = loan.len;
    for (unsigned i = 0; result == 0 && i < loan.count; i++) {
        if (pass->sha256.state)
            result = digest_add(&pass->sha256, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
        if (result == 0)
            result = decode(pass, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
    }
    loan_release(&loan);
    return result;
}

static uint64_t trusted_bytes(const struct pass *pass)
{
    const struct codec_progress *progress = codec_progress(pass->decoder);
    bool far_off = progress->unchecked || pass->decoded - progress->verified > PASS_HELD_BYTES;
    return far_off ? pass->decoded : progress->verified;
}

static enum pass_end end_of(int result)
{
    switch (result) {
    case 0:
        return PASS_WHOLE;
    case -EIO:
    case -ENODATA:
        return PASS_DAMAGED;
    case -EAGAIN:
        return PASS_AGAIN;
    case -ENOMEM: /* says nothing of the archive: another pass may have the memory */
        return PASS_FAILED;
    default:
        return PASS_LIMIT;
    }
}

/* How decoding ended with RESULT; *RET_FAILURE is set where the pass failed. */
static enum pass_end pass_end_with(int result, int *ret_failure)
{
    enum pass_end end = end_of(result);
    if (end == PASS_FAILED)
        *ret_failure = result;
    return end;
}

/* Decodes to the end, or as far as it goes; *ERR says why it went no further, *RET_FAILURE holds the result where that was
   no fault of the archive's. */
static enum pass_end decode_all(struct pass *pass, int *ret_failure, struct error *err)
{
    const struct pass_config *config = pass->config;
    for (uint64_t offset = 0; offset < pass->encoded->size;) {
        size_t len = 0;
        int result = take_piece(pass, offset, &len, ret_failure, err);
        if (result == READING_FAILED)
            return PASS_FAILED;
        if (result < 0)
            return pass_end_with(result, ret_failure);
        if (pass->decoded >= pass->stop_at)
            return PASS_STOPPED;
        offset += len;
        if (config->go_on && !config->go_on(config->context, offset, pass->decoded, trusted_bytes(pass))) {
            *ret_failure = error_errno(err, ECANCELED, "archive");
            return PASS_FAILED;
        }
    }
    int result = decode(pass, NULL, 0, err);
    return pass_end_with(result < 0 ? result : codec_finish(pass->decoder, err), ret_failure);
}

static int recognise(struct pass *pass, struct error *err)
{
    char head[CODEC_HEAD_BYTES];
    size_t n = 0;
    int result = reader_pread(pass->encoded, head, sizeof head, 0, pass->wait, &n, err);
    if (result < 0)
        return result;
    pass->codec = codec_recognise(head, n);
    if (!pass->codec)
        return error_set(err, EBADMSG, "not an archive: neither tar nor one in xz, zstd or gzip");
    struct codec_limits limits = pass->config->codec ? *pass->config->codec : codec_limits_default;
    if (pass->encoded->size >= THREADS_FROM) {
        limits.threads = pass->threads;
        limits.threads_max = PASS_PARALLEL_BYTES;
    }
    return codec_open(pass->codec, NULL, &limits, &pass->decoder, err);
}

static int set_up(struct pass *pass, struct error *err)
{
    const struct pass_config *config = pass->config;
    int result = recognise(pass, err);
    if (result == 0 && config->begins)
        config->begins(config->context, pass->codec);
    if (result == 0)
        result = pass_sink_open(config, !codec_is_direct(pass->codec), &pass->sink, err);
    return result < 0 ? result : digest_begin(&pass->sha256, DIGEST_SHA256, err);
}

static void tear_down(struct pass *pass)
{
    pass_sink_close(pass->sink);
    codec_close(pass->decoder);
    digest_done(&pass->sha256);
    free_points(pass);
}

/* The object's hash: known where all of it was read. -EBADMSG where it must be another. */
static int check_sha256(struct pass *pass, struct toc *toc, struct error *err)
{
    int result = digest_end(&pass->sha256, toc->sha256, err);
    if (result < 0)
        return result;
    toc->has_sha256 = true;
    if (pass->config->sha256 && memcmp(toc->sha256, pass->config->sha256, sizeof toc->sha256) != 0)
        return error_set(err, EBADMSG, "its bytes are not those of its .sha256sum");
    return 0;
}

/* Makes the table of what was read. PROBLEM is "" where there is none. */
static int make_table(struct pass *pass, enum pass_end end, const char *problem,
                      struct pass_result *ret_result, struct error *err)
{
    struct error tar_problem = {0};
    struct toc toc = {.object_size = pass->encoded->size, .decoded_size = pass->decoded};
    int result = end == PASS_WHOLE ? check_sha256(pass, &toc, err) : 0;
    if (result < 0)
        return result;
    int drained = pass_sink_drain(pass->sink, &tar_problem);
    if (drained == -ENOMEM)
        return error_errno(err, ENOMEM, "archive");
    int finished = pass_sink_finish(pass->sink, drained == 0 && end == PASS_WHOLE, &toc, &tar_problem);
    if (!toc.members || finished == -ENOMEM) {
        member_table_free(toc.members);
        return error_errno(err, ENOMEM, "archive");
    }
    toc.complete = end == PASS_WHOLE && drained == 0 && finished == 0;
    (void)snprintf(toc.problem, sizeof toc.problem, "%s", problem[0] ? problem : tar_problem.message);
    (void)snprintf(toc.etag, sizeof toc.etag, "%s", pass->config->etag);
    (void)snprintf(toc.codec, sizeof toc.codec, "%s", codec_name(pass->codec));
    toc.points = pass->points;
    toc.point_count = (uint32_t)pass->point_count;
    result = toc_write(&toc, &ret_result->bytes, &ret_result->len, err);
    member_table_free(toc.members);
    if (result == 0 && (result = toc_read(ret_result->bytes, ret_result->len, &ret_result->toc, err)) < 0)
        free(ret_result->bytes);
    return result;
}

/* One pass up to STOP_AT. Where another one is to be made, -EAGAIN is the result: with one thread where this one had more, else
   up to *RET_TRUSTED, where that which may be trusted ends. PROBLEM as above. */
static int run_once(struct pass *pass, const char *problem, struct pass_result *ret_result,
                    uint64_t *ret_trusted, struct error *err)
{
    struct error why = {0};
    int failure = 0;
    int result = set_up(pass, err);
    if (result < 0)
        return result;
    enum pass_end end = decode_all(pass, &failure, &why);
    /* Only at the end of what the table describes may a chunk be short; any other one that is not full is dropped. */
    if (pass->chunk && end <= PASS_LIMIT)
        push_chunk(pass);
    if (end == PASS_FAILED)
        return error_set(err, -failure, "%s", why.message);
    if (end == PASS_AGAIN)
        return -EAGAIN;
    if (end == PASS_DAMAGED) {
        *ret_trusted = codec_progress(pass->decoder)->verified;
        (void)error_set(err, EBADMSG, "%s", why.message);
        return *ret_trusted ? -EAGAIN : -EBADMSG;
    }
    return make_table(pass, end, end == PASS_LIMIT ? why.message : problem, ret_result, err);
}

int pass_run(const struct pass_config *config, struct reader *encoded, const struct wait *wait,
             struct pass_result *ret_result, struct error *err)
{
    struct pass_result found = {0};
    struct error damage = {0};
    struct error why = {0};
    uint64_t trusted = UINT64_MAX;
    unsigned threads = config->threads;
    for (;;) {
        struct pass pass = {
            .config = config, .encoded = encoded, .wait = wait, .threads = threads, .stop_at = trusted};
        int result = run_once(&pass, damage.message, &found, &trusted, &why);
        tear_down(&pass);
        if (result == 0)
            break;
        if (result == -EAGAIN && threads > 1 && trusted == UINT64_MAX)
            threads = 1;
        else if (result == -EAGAIN && pass.stop_at == UINT64_MAX)
            damage = why, threads = 1;
        else
            return result == -EAGAIN ? error_set(err, EBADMSG, "%s", damage.message)
                                     : error_set(err, -result, "%s", why.message);
    }
    *ret_result = found;
    return 0;
}
