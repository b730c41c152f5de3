/* xz, forward: streams, blocks and indexes are taken apart here, so that every block is a place to begin again; liblzma
   decodes blocks and checks the rest. With threads, blocks are only passed over here, and decoded by xz_threads.c. */
#include <errno.h>
#include <inttypes.h>
#include <lzma.h>
#include <string.h>

#include "archive/codec_internal.h"
#include "base/cleanup.h"

enum xz_state { STREAM_HEADER, BLOCK_OR_INDEX, BLOCK_HEADER, BLOCK, INDEX, FOOTER, PADDING };

struct xz {
    struct codec_decoder base;
    enum xz_state state;
    lzma_stream strm; /* decodes blocks, and the index where hash is not used */
    lzma_stream_flags flags;
    lzma_block block; /* read and written by strm */
    struct xz_place place;
    struct xz_threads *threads; /* owned; NULL: blocks are decoded one after the other, ... */
    bool leaving;               /* ... as from where it is walked to */
    uint64_t
        walked; /* encoded bytes that were taken apart, with threads: ahead of what they have taken, ... */
    uint64_t walked_decoded; /* ... and what the blocks among them decode to */
    uint64_t skip;           /* bytes of a block that are still to be passed over */
    lzma_index_hash *hash;   /* owned; of the blocks of this stream, kept for the next one */
    bool hashed;             /* hash has all blocks of this stream: decoding began before the first one */
    lzma_index *index;       /* owned; of a stream that decoding began inside of */
    uint64_t index_encoded;
    uint64_t padding; /* bytes of it since the last stream */
    size_t have;      /* bytes in part */
    uint8_t part[LZMA_BLOCK_HEADER_SIZE_MAX];
};

/* What a call has to work with. */
struct span {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_cap;
    struct codec_step *step;
};

static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0};

static bool xz_matches(const uint8_t *head, size_t len)
{
    return len >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

static uint64_t encoded_now(const struct xz *x, const struct span *span)
{
    return x->base.at.encoded + span->step->used;
}

static int xz_fail(lzma_ret ret, const char *what, uint64_t encoded, struct error *err)
{
    switch (ret) {
    case LZMA_MEM_ERROR:
        return error_errno(err, ENOMEM, "xz");
    case LZMA_MEMLIMIT_ERROR:
        return error_set(err, E2BIG, "xz: %s near byte %" PRIu64 " needs more memory than the limit", what,
                         encoded);
    case LZMA_OPTIONS_ERROR:
        return error_set(err, ENOTSUP, "xz: %s near byte %" PRIu64 " uses what is not supported", what,
                         encoded);
    default:
        return error_set(err, EIO, "xz: damaged %s near byte %" PRIu64, what, encoded);
    }
}

/* Fills part up to WANT bytes; whether it is full. */
static bool collect(struct xz *x, struct span *span, size_t want)
{
    size_t len = want - x->have;
    size_t left = span->in_len - span->step->used;
    if (len > left)
        len = left;
    if (len > 0)
        memcpy(x->part + x->have, span->in + span->step->used, len);
    x->have += len;
    span->step->used += len;
    return x->have == want;
}

static uint64_t decoded_now(const struct xz *x)
{
    return x->threads ? x->walked_decoded : x->base.at.decoded;
}

static int stand(struct xz *x, struct span *span, enum xz_state state)
{
    x->have = 0;
    x->state = state;
    span->step->boundary = true;
    if (!x->threads)
        return 0;
    struct codec_point point = {
        .decoded = x->walked_decoded, .encoded = encoded_now(x, span), .kind = CODEC_AT_START};
    if (state == BLOCK_OR_INDEX)
        xz_point_write(&point, &x->place);
    return xz_threads_mark(x->threads, &point);
}

static int begin_hash(struct xz *x, struct error *err)
{
    lzma_index_hash *hash = lzma_index_hash_init(x->hash, NULL);
    if (!hash)
        return xz_fail(LZMA_MEM_ERROR, "", 0, err);
    x->hash = hash;
    x->hashed = true;
    return 0;
}

/* The functions for each state return 1 to go on, 0 where the call ends (more bytes are needed, the output is full, or
   here is a boundary), or a failure. */
static int run_stream_header(struct xz *x, struct span *span, struct error *err)
{
    if (!collect(x, span, LZMA_STREAM_HEADER_SIZE))
        return 0;
    uint64_t start = encoded_now(x, span) - LZMA_STREAM_HEADER_SIZE;
    lzma_ret ret = lzma_stream_header_decode(&x->flags, x->part);
    if (ret == LZMA_FORMAT_ERROR)
        return error_set(err, EIO, "xz: %s at byte %" PRIu64, start ? "garbage" : "no xz stream", start);
    if (ret != LZMA_OK)
        return xz_fail(ret, "stream header", start, err);
    x->place = (struct xz_place){
        .check = (uint8_t)x->flags.check, .stream_decoded = decoded_now(x), .stream_encoded = start};
    int result = begin_hash(x, err);
    return result < 0 ? result : stand(x, span, BLOCK_OR_INDEX);
}

/* Which of the two it is stands in the first byte, which both need, too. */
static int run_block_or_index(struct xz *x, struct span *span, struct error *err)
{
    size_t used = span->step->used;
    if (used == span->in_len)
        return 0;
    if (span->in[used] != 0) {
        x->block.header_size = lzma_block_header_size_decode(span->in[used]);
        x->state = BLOCK_HEADER;
        return 1;
    }
    x->index_encoded = encoded_now(x, span);
    x->state = INDEX;
    lzma_ret ret = x->hashed ? LZMA_OK : lzma_index_decoder(&x->strm, &x->index, x->base.limits.memory_max);
    return ret == LZMA_OK ? 1 : xz_fail(ret, "index", x->index_encoded, err);
}

static bool is_unchecked(const struct xz *x)
{
    return x->place.check == LZMA_CHECK_NONE || !lzma_check_is_supported((lzma_check)x->place.check);
}

/* Threads need the sizes of a block. */
static bool is_for_threads(const struct xz *x)
{
    return x->threads && x->block.compressed_size != LZMA_VLI_UNKNOWN &&
           x->block.uncompressed_size != LZMA_VLI_UNKNOWN && !is_unchecked(x);
}

/* Holds FILTERS to the limits before a decoder of them is made. */
static int open_block(struct xz *x, const lzma_filter *filters, uint64_t encoded, struct error *err)
{
    const struct codec_limits *limits = &x->base.limits;
    uint64_t memory = lzma_raw_decoder_memusage(filters); /* UINT64_MAX where a filter is not known */
    if (memory == UINT64_MAX)
        return xz_fail(LZMA_OPTIONS_ERROR, "block", encoded, err);
    for (const lzma_filter *filter = filters; filter->id != LZMA_VLI_UNKNOWN; filter++) {
        if (filter->id != LZMA_FILTER_LZMA2)
            continue;
        uint32_t window = ((const lzma_options_lzma *)filter->options)->dict_size;
        if (window > limits->window_max)
            return error_set(err, E2BIG, "xz: needs a window of %" PRIu32 " bytes, the limit is %" PRIu64,
                             window, limits->window_max);
    }
    if (memory > limits->memory_max)
        return error_set(err, E2BIG, "xz: needs %" PRIu64 " bytes of memory, the limit is %" PRIu64, memory,
                         limits->memory_max);
    x->state = BLOCK;
    if (is_for_threads(x)) {
        x->skip = lzma_block_total_size(&x->block) - x->block.header_size;
        return 1;
    }
    lzma_ret ret = lzma_block_decoder(&x->strm, &x->block);
    if (ret != LZMA_OK)
        return xz_fail(ret, "block header", encoded, err);
    x->leaving = x->threads;
    return x->leaving ? 0 : 1;
}

static int run_block_header(struct xz *x, struct span *span, struct error *err)
{
    lzma_filter filters[LZMA_FILTERS_MAX + 1];
    if (!collect(x, span, x->block.header_size))
        return 0;
    uint64_t encoded = encoded_now(x, span);
    x->block = (lzma_block){.version = 1,
                            .header_size = x->block.header_size,
                            .check = (lzma_check)x->place.check,
                            .filters = filters};
    lzma_ret ret = lzma_block_header_decode(&x->block, NULL, x->part);
    if (ret != LZMA_OK)
        return xz_fail(ret, "block header", encoded, err);
    int result = open_block(x, filters, encoded, err);
    /* The decoder has its own copy. */
    lzma_filters_free(filters, NULL);
    x->block.filters = NULL;
    return result;
}

/* Lets strm work on what the call has. */
static lzma_ret run_strm(struct xz *x, struct span *span)
{
    struct codec_step *step = span->step;
    x->strm.next_in = span->in + step->used;
    x->strm.avail_in = span->in_len - step->used;
    x->strm.next_out = span->out + step->made;
    x->strm.avail_out = span->out_cap - step->made;
    lzma_ret ret = lzma_code(&x->strm, LZMA_RUN);
    step->used = span->in_len - x->strm.avail_in;
    step->made = span->out_cap - x->strm.avail_out;
    return ret;
}

static lzma_ret pass_over_block(struct xz *x, struct span *span)
{
    size_t left = span->in_len - span->step->used;
    size_t n = x->skip < left ? (size_t)x->skip : left;
    span->step->used += n;
    x->skip -= n;
    if (x->skip > 0)
        return LZMA_OK;
    x->walked_decoded += x->block.uncompressed_size;
    return LZMA_STREAM_END;
}

static int run_block(struct xz *x, struct span *span, struct error *err)
{
    span->step->unchecked = is_unchecked(x);
    lzma_ret ret = x->threads ? pass_over_block(x, span) : run_strm(x, span);
    /* LZMA_BUF_ERROR only says that there was nothing to work on. */
    if (ret == LZMA_OK || ret == LZMA_BUF_ERROR)
        return 0;
    if (ret == LZMA_STREAM_END)
        ret = x->hashed ? lzma_index_hash_append(x->hash, lzma_block_unpadded_size(&x->block),
                                                 x->block.uncompressed_size)
                        : LZMA_OK;
    if (ret != LZMA_OK)
        return xz_fail(ret, "block", encoded_now(x, span), err);
    x->place.blocks++;
    span->step->unit_ended = true;
    return stand(x, span, BLOCK_OR_INDEX);
}

/* The blocks before the one decoding began at are not known one by one, only how many they were and their sizes in all. */
static bool is_right_index(const struct xz *x)
{
    return lzma_index_block_count(x->index) == x->place.blocks &&
           lzma_index_uncompressed_size(x->index) == x->base.at.decoded - x->place.stream_decoded &&
           lzma_index_total_size(x->index) ==
               x->index_encoded - x->place.stream_encoded - LZMA_STREAM_HEADER_SIZE;
}

static int run_index(struct xz *x, struct span *span, struct error *err)
{
    lzma_ret ret;
    if (span->step->used == span->in_len)
        return 0;
    if (x->hashed)
        ret = lzma_index_hash_decode(x->hash, span->in, &span->step->used, span->in_len);
    else
        ret = run_strm(x, span);
    if (ret == LZMA_OK)
        return 0;
    if (ret == LZMA_STREAM_END && !x->hashed && !is_right_index(x))
        ret = LZMA_DATA_ERROR;
    if (ret != LZMA_STREAM_END)
        return xz_fail(ret, "index", encoded_now(x, span), err);
    lzma_index_end(x->index, NULL);
    x->index = NULL;
    x->flags.backward_size = encoded_now(x, span) - x->index_encoded;
    x->state = FOOTER;
    return 1;
}

static int run_footer(struct xz *x, struct span *span, struct error *err)
{
    lzma_stream_flags footer;
    if (!collect(x, span, LZMA_STREAM_HEADER_SIZE))
        return 0;
    lzma_ret ret = lzma_stream_footer_decode(&footer, x->part);
    if (ret == LZMA_OK)
        ret = lzma_stream_flags_compare(&x->flags, &footer);
    if (ret != LZMA_OK)
        return xz_fail(ret, "stream footer", encoded_now(x, span), err);
    x->padding = 0;
    return stand(x, span, PADDING);
}

static int check_padding(const struct xz *x, uint64_t encoded, struct error *err)
{
    return x->padding % 4 == 0 ? 0 : xz_fail(LZMA_DATA_ERROR, "stream padding", encoded, err);
}

static int run_padding(struct xz *x, struct span *span, struct error *err)
{
    struct codec_step *step = span->step;
    size_t begin = step->used;
    while (step->used < span->in_len && span->in[step->used] == 0)
        step->used++;
    x->padding += step->used - begin;
    if (step->used == span->in_len)
        return 0;
    x->state = STREAM_HEADER;
    return check_padding(x, encoded_now(x, span), err) < 0 ? -EIO : 1;
}

/* Works on SPAN up to the next boundary, as far as it goes. */
static int run_states(struct xz *x, struct span *span, struct error *err)
{
    static int (*const run[])(struct xz * x, struct span * span, struct error * err) = {
        [STREAM_HEADER] = run_stream_header,
        [BLOCK_OR_INDEX] = run_block_or_index,
        [BLOCK_HEADER] = run_block_header,
        [BLOCK] = run_block,
        [INDEX] = run_index,
        [FOOTER] = run_footer,
        [PADDING] = run_padding,
    };
    int result;
    do
        result = run[x->state](x, span, err);
    while (result > 0);
    return result;
}

/* Takes apart what of SPAN has not been yet, then lets the threads have it. */
static int walk(struct xz *x, struct span *span)
{
    struct codec_step step = {.used = (size_t)(x->walked - x->base.at.encoded)};
    struct span ahead = {span->in, span->in_len, span->out, 0, &step};
    int result = 0;
    while (result == 0 && !x->leaving && step.used < span->in_len)
        result = run_states(x, &ahead, NULL);
    x->walked = x->base.at.encoded + step.used;
    return result < 0
               ? result
               : xz_threads_run(x->threads, span->in, step.used < span->in_len ? step.used : span->in_len,
                                span->out, span->out_cap, x->base.at.decoded, span->step);
}

/* A block that is not for threads comes after all those that are; what fails is left to a decoder without. */
static int run_threads(struct xz *x, struct span *span, struct error *err)
{
    const struct codec_progress *at = &x->base.at;
    bool left = x->leaving && at->encoded == x->walked && at->decoded == x->walked_decoded && span->in_len;
    int result = left ? xz_threads_finish(x->threads, false) : walk(x, span);
    if (result < 0)
        return error_set(err, EAGAIN, "xz: cannot be decoded by threads");
    if (!left)
        return 0;
    xz_threads_close(TAKE_PTR(x->threads));
    span->step->checked = true;
    return run_states(x, span, err);
}

static int xz_run(struct codec_decoder *d, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                  struct codec_step *step, struct error *err)
{
    struct xz *x = (struct xz *)d;
    struct span span = {in, in_len, out, out_cap, step};
    return x->threads ? run_threads(x, &span, err) : run_states(x, &span, err);
}

static int xz_finish(struct codec_decoder *d, struct error *err)
{
    const struct xz *x = (const struct xz *)d;
    if (x->threads && (x->state != PADDING || xz_threads_finish(x->threads, true) < 0))
        return error_set(err, EAGAIN, "xz: cannot be decoded by threads");
    size_t known = x->have < sizeof magic ? x->have : sizeof magic;
    if (x->state == PADDING)
        return check_padding(x, d->at.encoded, err);
    if (x->state == STREAM_HEADER && memcmp(x->part, magic, known) != 0)
        return error_set(err, EIO, "xz: garbage before byte %" PRIu64, d->at.encoded);
    return error_set(err, ENODATA, "xz: the data ends at byte %" PRIu64 ", before its end", d->at.encoded);
}

static void xz_point(const struct codec_decoder *d, struct codec_point *point)
{
    const struct xz *x = (const struct xz *)d;
    if (x->threads)
        *point = *xz_threads_point(x->threads);
    else if (x->state == BLOCK_OR_INDEX)
        xz_point_write(point, &x->place);
}

static void xz_close(struct codec_decoder *d)
{
    struct xz *x = (struct xz *)d;
    xz_threads_close(x->threads);
    lzma_end(&x->strm);
    lzma_index_hash_end(x->hash, NULL);
    lzma_index_end(x->index, NULL);
}

static int xz_open_at(struct codec_decoder *d, const struct codec_point *at, struct error *err)
{
    struct xz *x = (struct xz *)d;
    if (at->kind == CODEC_AT_START) {
        x->state = at->encoded == 0 ? STREAM_HEADER : PADDING;
        if (at->encoded == 0 && d->limits.threads > 1 && !(x->threads = xz_threads_open(&d->limits)))
            return error_errno(err, ENOMEM, "xz");
        return at->blob_len == 0 ? 0 : error_set(err, EIO, "xz: not a restart point");
    }
    int result = xz_point_read(at, &x->place, err);
    if (result < 0)
        return result;
    x->flags = (lzma_stream_flags){.check = (lzma_check)x->place.check, .backward_size = LZMA_VLI_UNKNOWN};
    x->state = BLOCK_OR_INDEX;
    return x->place.blocks == 0 ? begin_hash(x, err) : 0;
}

static const struct codec_decoder_ops xz_ops = {xz_run, xz_finish, xz_point, xz_close};

const struct codec codec_xz = {
    .name = "xz", .matches = xz_matches, .ops = &xz_ops, .size = sizeof(struct xz), .open_at = xz_open_at};
