/* The table of codecs, and what all decoders have in common: limits, offsets, progress, failing for good. */
#include "archive/codec.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/codec_internal.h"

/* A codec is a file that fills in a struct codec, and a row here. */
static const struct codec *const codecs[] = {&codec_xz, &codec_zstd, &codec_gzip, &codec_none, NULL};

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

const struct codec_limits codec_limits_default = {
    .decoded_max = 64 * KIB * MIB,
    .ratio_max = 1000,
    .ratio_from = 64 * MIB,
    .window_max = 128 * MIB,
    .memory_max = 144 * MIB,
    .threads = 1,
};

const struct codec *codec_recognise(const void *head, size_t len)
{
    const struct codec *const *codec = codecs;
    while (*codec && !(*codec)->matches(head, len))
        codec++;
    return *codec;
}

const struct codec *codec_by_name(const char *name)
{
    const struct codec *const *codec = codecs;
    while (*codec && strcmp((*codec)->name, name) != 0)
        codec++;
    return *codec;
}

const char *codec_name(const struct codec *codec)
{
    return codec->name;
}

bool codec_is_direct(const struct codec *codec)
{
    return codec->direct;
}

/* Fills in what all decoders have in common. */
static void codec_begin(struct codec_decoder *d, const struct codec *codec, const struct codec_point *at,
                        const struct codec_limits *limits)
{
    d->ops = codec->ops;
    d->codec = codec;
    d->limits = *limits;
    d->opened_decoded = d->unit_decoded = at->decoded;
    d->opened_encoded = d->unit_encoded = at->encoded;
    d->at = (struct codec_progress){
        .decoded = at->decoded, .encoded = at->encoded, .verified = at->decoded, .boundary = true};
}

int codec_open(const struct codec *codec, const struct codec_point *at, const struct codec_limits *limits,
               struct codec_decoder **ret_decoder, struct error *err)
{
    static const struct codec_point start = {.kind = CODEC_AT_START};
    if (!at)
        at = &start;
    /* Files have at most INT64_MAX bytes; so offsets can be added without overflow. */
    if (at->decoded > INT64_MAX || at->encoded > INT64_MAX || at->blob_len > CODEC_BLOB_MAX ||
        (at->encoded == 0 && at->decoded != 0) ||
        (!codec->ops->point && (at->kind != CODEC_AT_START || at->blob_len != 0)))
        return error_set(err, EIO, "%s: not a restart point", codec->name);
    struct codec_decoder *d = calloc(1, codec->size);
    if (!d)
        return error_errno(err, ENOMEM, "%s", codec->name);
    codec_begin(d, codec, at, limits);
    int result = codec->open_at ? codec->open_at(d, at, err) : 0;
    if (result < 0) {
        codec_close(d);
        return result;
    }
    *ret_decoder = d;
    return 0;
}

void codec_close(struct codec_decoder *d)
{
    if (!d)
        return;
    if (d->ops->close)
        d->ops->close(d);
    free(d);
}

static int codec_fail_again(const struct codec_decoder *d, struct error *err)
{
    if (err)
        *err = d->failure;
    return -d->failure.code;
}

/* Runs the codec, with room for what the limit allows. At the limit one byte is asked for, to see whether there is
   more. */
static int run_limited(struct codec_decoder *d, const void *in, size_t in_len, void *out, size_t out_cap,
                       struct codec_step *step)
{
    static const uint8_t nothing;
    uint8_t beyond;
    if (in_len == 0)
        in = &nothing; /* callers may have NULL then, which codecs do not want to count from */
    uint64_t room = d->limits.decoded_max > d->at.decoded ? d->limits.decoded_max - d->at.decoded : 0;
    if (room > 0)
        return d->ops->run(d, in, in_len, out, room < out_cap ? (size_t)room : out_cap, step, &d->failure);
    int result = d->ops->run(d, in, in_len, &beyond, 1, step, &d->failure);
    if (step->made == 0)
        return result;
    step->made = 0;
    return error_set(&d->failure, EFBIG, "%s: decodes to more than %" PRIu64 " bytes", d->codec->name,
                     d->limits.decoded_max);
}

/* Moves on by STEP, and looks at the ratio: what was made stands, it is the next call that fails. */
static void advance(struct codec_decoder *d, const struct codec_step *step)
{
    if (step->checked)
        d->at.verified = d->at.decoded;
    d->at.encoded += step->used;
    d->at.decoded += step->made;
    if (step->unchecked)
        d->at.unchecked = true;
    if (step->unit_ended && !d->at.unchecked)
        d->at.verified = d->at.decoded;
    if (step->boundary) {
        d->unit_encoded = d->at.encoded;
        d->unit_decoded = d->at.decoded;
    }
    if (step->used || step->made || step->boundary)
        d->at.boundary = step->boundary;
    uint64_t decoded = d->at.decoded - d->opened_decoded;
    uint64_t encoded = d->at.encoded - d->opened_encoded;
    if (!d->failure.code && d->limits.ratio_max > 0 && decoded >= d->limits.ratio_from &&
        decoded / d->limits.ratio_max >= (encoded ? encoded : 1))
        (void)error_set(&d->failure, E2BIG,
                        "%s: decodes to more than %" PRIu64 " times its size (%" PRIu64 " of %" PRIu64
                        " bytes)",
                        d->codec->name, d->limits.ratio_max, decoded, encoded);
}

int codec_run(struct codec_decoder *d, const void *in, size_t in_len, size_t *ret_used, void *out,
              size_t out_cap, size_t *ret_made, struct error *err)
{
    struct codec_step step = {0};
    assert(out_cap > 0);
    if (d->failure.code)
        return codec_fail_again(d, err);
    int result = run_limited(d, in, in_len, out, out_cap, &step);
    /* A codec that takes nothing and makes nothing though it could would keep its caller busy for ever. */
    if (result == 0 && in_len > 0 && step.used == 0 && step.made == 0 && !step.boundary)
        result = error_set(&d->failure, EIO, "%s: cannot be decoded any further", d->codec->name);
    /* What came before a failure is given out, and the next call fails. */
    if (result < 0 && step.made == 0)
        return codec_fail_again(d, err);
    advance(d, &step);
    *ret_used = step.used;
    *ret_made = step.made;
    return 0;
}

int codec_finish(struct codec_decoder *d, struct error *err)
{
    if (d->failure.code || (d->ops->finish && d->ops->finish(d, &d->failure) < 0))
        return codec_fail_again(d, err);
    return 0;
}

const struct codec_progress *codec_progress(const struct codec_decoder *d)
{
    return &d->at;
}

bool codec_point_here(const struct codec_decoder *d, struct codec_point *ret_point)
{
    if (!d->at.boundary || d->failure.code)
        return false;
    struct codec_point point = {.decoded = d->at.decoded, .encoded = d->at.encoded, .kind = CODEC_AT_START};
    if (d->ops->point)
        d->ops->point(d, &point);
    *ret_point = point;
    return true;
}
