/* zstd, forward: frames one after the other, skippable ones passed over. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "archive/codec_internal.h"

/* The longest frame header: magic number, descriptor (which says whether there is a checksum), window, dictionary, size.
 */
#define HEAD_BYTES     18
#define MAGIC_BYTES    4
#define FRAME_MAGIC    0xFD2FB528U
#define CHECKSUM_FLAG  0x04
#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 31

struct zstd {
    struct codec_decoder base;
    ZSTD_DStream *stream;     /* owned */
    bool full;                /* the last call filled its output: there may be more */
    size_t have;              /* bytes in head */
    uint8_t head[HEAD_BYTES]; /* the first bytes of the frame at hand */
};

/* Formats older than zstd 0.8, which the library may know, are not ours. */
static bool is_frame(const uint8_t *head)
{
    uint32_t magic = codec_le32(head);
    return magic == FRAME_MAGIC || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static bool zstd_matches(const uint8_t *head, size_t len)
{
    return len >= MAGIC_BYTES && is_frame(head);
}

static int zstd_garbage(const struct zstd *z, struct error *err)
{
    return error_set(err, EIO, "zstd: %s at byte %" PRIu64,
                     z->base.unit_encoded ? "garbage" : "no zstd frame", z->base.unit_encoded);
}

static int zstd_fail(const struct zstd *z, size_t code, struct error *err)
{
    const struct codec_decoder *d = &z->base;
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_prefix_unknown:
        return zstd_garbage(z, err);
    case ZSTD_error_memory_allocation:
        return error_errno(err, ENOMEM, "zstd");
    case ZSTD_error_frameParameter_windowTooLarge:
        return error_set(err, E2BIG,
                         "zstd: the frame at byte %" PRIu64 " needs a window beyond the limit of %" PRIu64,
                         d->unit_encoded, d->limits.window_max);
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_frameParameter_unsupported:
        return error_set(err, ENOTSUP, "zstd: the frame at byte %" PRIu64 " uses what is not supported: %s",
                         d->unit_encoded, ZSTD_getErrorName(code));
    default:
        return error_set(err, EIO, "zstd: the frame at byte %" PRIu64 " is damaged near byte %" PRIu64 ": %s",
                         d->unit_encoded, d->at.encoded, ZSTD_getErrorName(code));
    }
}

static int zstd_run(struct codec_decoder *d, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                    struct codec_step *step, struct error *err)
{
    struct zstd *z = (struct zstd *)d;
    /* look at the beginning of a frame as far as it is known with IN */
    size_t len = HEAD_BYTES - z->have < in_len ? HEAD_BYTES - z->have : in_len;
    if (len > 0)
        memcpy(z->head + z->have, in, len);
    if (z->have + len >= MAGIC_BYTES && !is_frame(z->head))
        return zstd_garbage(z, err);
    step->unchecked = z->have + len > MAGIC_BYTES && codec_le32(z->head) == FRAME_MAGIC &&
                      !(z->head[MAGIC_BYTES] & CHECKSUM_FLAG);
    /* The library takes calls with nothing to do for a fault. */
    if (in_len == 0 && !z->full)
        return 0;
    ZSTD_inBuffer input = {in, in_len, 0};
    ZSTD_outBuffer output = {out, out_cap, 0};
    size_t code = ZSTD_decompressStream(z->stream, &output, &input);
    step->used = input.pos;
    step->made = output.pos;
    if (ZSTD_isError(code))
        return zstd_fail(z, code, err);
    z->have = HEAD_BYTES - z->have < step->used ? HEAD_BYTES : z->have + step->used;
    z->full = output.pos == out_cap;
    if (code != 0)
        return 0;
    /* The library compares what came out with the size in the header, but not where the last block is an empty one. */
    unsigned long long size = ZSTD_getFrameContentSize(z->head, z->have);
    if (size != ZSTD_CONTENTSIZE_UNKNOWN && size != d->at.decoded + step->made - d->unit_decoded)
        return error_set(err, EIO, "zstd: the frame at byte %" PRIu64 " has not the size it says",
                         d->unit_encoded);
    z->have = 0;
    z->full = false;
    step->unit_ended = step->boundary = true;
    return 0;
}

static int zstd_finish(struct codec_decoder *d, struct error *err)
{
    static const uint8_t magic[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[MAGIC_BYTES] = {0x50, 0x2a, 0x4d, 0x18};
    const struct zstd *z = (const struct zstd *)d;
    if (z->have == 0 && d->at.encoded > 0)
        return 0;
    if (z->have > 0 && z->have < MAGIC_BYTES && memcmp(z->head, magic, z->have) != 0 &&
        ((z->head[0] & 0xf0) != skippable[0] || memcmp(z->head + 1, skippable + 1, z->have - 1) != 0))
        return zstd_garbage(z, err);
    return error_set(err, ENODATA, "zstd: the data ends at byte %" PRIu64 ", before its end", d->at.encoded);
}

static void zstd_close(struct codec_decoder *d)
{
    (void)ZSTD_freeDStream(((struct zstd *)d)->stream);
}

static int zstd_open_at(struct codec_decoder *d, const struct codec_point *at, struct error *err)
{
    struct zstd *z = (struct zstd *)d;
    int log = WINDOW_LOG_MIN;
    (void)at;
    z->stream = ZSTD_createDStream();
    if (!z->stream)
        return error_errno(err, ENOMEM, "zstd");
    while (log < WINDOW_LOG_MAX && UINT64_C(2) << log <= d->limits.window_max)
        log++;
    size_t code = ZSTD_DCtx_setParameter(z->stream, ZSTD_d_windowLogMax, log);
    return ZSTD_isError(code) ? zstd_fail(z, code, err) : 0;
}

static const struct codec_decoder_ops zstd_ops = {
    .run = zstd_run, .finish = zstd_finish, .close = zstd_close};

const struct codec codec_zstd = {.name = "zstd",
                                 .matches = zstd_matches,
                                 .ops = &zstd_ops,
                                 .size = sizeof(struct zstd),
                                 .open_at = zstd_open_at};
