/* The first pass over an archive; see pass.h. */
#include "archive/pass.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/pass_sink.h"
#include "base/array.h"
#include "base/digest.h"

#define PIECE         (256U * 1024)      /* encoded bytes that are taken at once */
#define THREADS_FROM  (1U * 1024 * 1024) /* encoded bytes: of less, threads save nothing */
#define POINT_SPACING (1U * 1024 * 1024) /* decoded bytes between restart points that are kept, at least */

struct pass {
    const struct pass_config *config;
    struct reader *encoded;
    struct wait wait;
    const struct codec *codec;
    struct codec_decoder *decoder; /* NULL: it has not begun, or begins again */
    struct pass_sink *sink;
    struct digest sha256; /* of the encoded bytes */
    unsigned threads;     /* for decoding */
    bool limited;         /* the archive is beyond a limit, so that decoding has ended before its end */
    char problem[TOC_PROBLEM_MAX + 1]; /* what keeps the table from being complete; "": nothing */
    uint64_t stop_at;                  /* decoded bytes to stop at */
    uint64_t taken;                    /* encoded bytes */
    uint64_t decoded;
    char *chunk; /* the sink's, being filled */
    size_t filled;
    struct codec_point *points; /* owned */
    size_t point_count;
    size_t point_capacity;
};

/* Remembers where decoding can be taken up again, where that is far enough from the last such place. */
static int note_point(struct pass *pass)
{
    struct codec_point point;
    uint64_t last = pass->point_count ? pass->points[pass->point_count - 1].decoded : 0;
    if (codec_is_direct(pass->codec) || !codec_progress(pass->decoder)->boundary ||
        !codec_point_here(pass->decoder, &point) || point.decoded < last + POINT_SPACING)
        return 0;
    if (array_room(pass->points, pass->point_count, pass->point_capacity) < 0)
        return -ENOMEM;
    pass->points[pass->point_count++] = point;
    return 0;
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

/* Reads and decodes the next piece. *RET_UNREAD is set where it could not be read, which says nothing of the archive. */
static int take_piece(struct pass *pass, bool *ret_unread, struct error *err)
{
    struct loan loan;
    int result = reader_lend(pass->encoded, PIECE, pass->taken, &pass->wait, &loan, err);
    *ret_unread = result < 0;
    if (result < 0)
        return result;
    for (unsigned i = 0; result == 0 && i < loan.count; i++) {
        if (pass->sha256.state)
            result = digest_add(&pass->sha256, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
        if (result == 0)
            result = decode(pass, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
    }
    pass->taken += loan.len;
    loan_release(&loan);
    return result;
}

static uint64_t trusted_bytes(const struct pass *pass)
{
    const struct codec_progress *progress = codec_progress(pass->decoder);
    bool far_off = progress->unchecked || pass->decoded - progress->verified > PASS_HELD_BYTES;
    return far_off ? pass->decoded : progress->verified;
}

static int recognise(struct pass *pass, struct error *err)
{
    char head[CODEC_HEAD_BYTES];
    size_t n = 0;
    int result = reader_pread(pass->encoded, head, sizeof head, 0, &pass->wait, &n, err);
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

/* Takes it back to where nothing has been decoded. */
static void start_again(struct pass *pass)
{
    pass_sink_close(pass->sink);
    codec_close(pass->decoder);
    digest_done(&pass->sha256);
    free(pass->points);
    *pass = (struct pass){.config = pass->config,
                          .encoded = pass->encoded,
                          .wait = pass->wait,
                          .threads = 1,
                          .stop_at = pass->stop_at};
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

int pass_finish(struct pass *pass, struct pass_result *ret_result, struct error *err)
{
    struct error tar_problem = {0};
    struct toc toc = {.object_size = pass->encoded->size, .decoded_size = pass->decoded};
    bool whole = !pass->limited && pass->stop_at == UINT64_MAX;
    int result = whole ? check_sha256(pass, &toc, err) : 0;
    if (result < 0)
        return result;
    int drained = pass_sink_drain(pass->sink, &tar_problem);
    if (drained == -ENOMEM)
        return error_errno(err, ENOMEM, "archive");
    int finished = pass_sink_finish(pass->sink, drained == 0 && whole, &toc, &tar_problem);
    if (!toc.members || finished == -ENOMEM) {
        member_table_free(toc.members);
        return error_errno(err, ENOMEM, "archive");
    }
    toc.complete = whole && drained == 0 && finished == 0;
    (void)snprintf(toc.problem, sizeof toc.problem, "%s",
                   pass->problem[0] ? pass->problem : tar_problem.message);
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

/* Decoding has ended with RESULT, which ERR explains, and not at the end of the archive: as pass_step(). */
static int end_early(struct pass *pass, int result, const struct error *why, struct error *err)
{
    uint64_t trusted = codec_progress(pass->decoder)->verified;
    bool damaged = result == -EIO || result == -ENODATA;
    if (result == -ENOMEM) /* says nothing of the archive: another pass may have the memory */
        return error_set(err, ENOMEM, "%s", why->message);
    if (result == -EAGAIN) { /* threads cannot decode it */
        start_again(pass);
        return 1;
    }
    if (damaged && pass->stop_at < UINT64_MAX) /* the same bytes were right before */
        return error_set(err, EBADMSG, "%s", pass->problem);
    if (damaged && !trusted)
        return error_set(err, EBADMSG, "%s", why->message);
    if (damaged) { /* once more, but only so far */
        start_again(pass);
        pass->stop_at = trusted;
    }
    pass->limited = !damaged;
    (void)snprintf(pass->problem, sizeof pass->problem, "%s", why->message);
    return damaged;
}

int pass_step(struct pass *pass, struct error *err)
{
    struct error why = {0};
    bool unread = false;
    if (!pass->decoder) {
        int result = set_up(pass, err);
        return result < 0 ? result : 1;
    }
    bool last = pass->taken == pass->encoded->size;
    int result = last ? decode(pass, NULL, 0, &why) : take_piece(pass, &unread, &why);
    if (result == 0 && last)
        result = codec_finish(pass->decoder, &why);
    if (unread)
        return error_set(err, -result, "%s", why.message);
    if (result < 0)
        result = end_early(pass, result, &why, err);
    else
        result = !last && pass->decoded < pass->stop_at;
    /* Only at the end of what the table describes may a chunk be short; any other one that is not full is dropped. */
    if (result == 0 && pass->chunk)
        push_chunk(pass);
    return result;
}

void pass_progress(const struct pass *pass, struct pass_progress *ret_progress)
{
    *ret_progress = (struct pass_progress){
        .encoded = pass->taken, .decoded = pass->decoded, .trusted = pass->decoder ? trusted_bytes(pass) : 0};
}

int pass_open(const struct pass_config *config, struct reader *encoded, const struct wait *wait,
              struct pass **ret_pass, struct error *err)
{
    struct pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        return error_errno(err, ENOMEM, "archive");
    *pass = (struct pass){.config = config,
                          .encoded = encoded,
                          .wait = *wait,
                          .threads = config->threads,
                          .stop_at = UINT64_MAX};
    *ret_pass = pass;
    return 0;
}

void pass_close(struct pass *pass)
{
    if (!pass)
        return;
    start_again(pass);
    free(pass);
}
