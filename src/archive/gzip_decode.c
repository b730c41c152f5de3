/* gzip, forward: members one after the other, zeros behind the last. */
#define ZLIB_CONST
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <zlib.h>

#include "archive/codec_internal.h"

/* Window bits, plus 16 for gzip's header and check. */
#define GZIP_BITS (15 + 16)

enum gzip_state { MEMBER, BETWEEN, ZEROS };

struct gzip {
    struct codec_decoder base;
    enum gzip_state state;
    bool open; /* stream is to be ended */
    z_stream stream;
};

static bool gzip_matches(const uint8_t *head, size_t len)
{
    return len >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == Z_DEFLATED;
}

static int gzip_fail(const struct gzip *g, int code, uint64_t encoded, struct error *err)
{
    if (code == Z_MEM_ERROR)
        return error_errno(err, ENOMEM, "gzip");
    return error_set(err, EIO, "gzip: damaged near byte %" PRIu64 ": %s", encoded,
                     g->stream.msg ? g->stream.msg : "not as it should be");
}

static int gzip_run(struct codec_decoder *d, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                    struct codec_step *step, struct error *err)
{
    struct gzip *g = (struct gzip *)d;
    /* Behind a member comes another one, zeros to the end, or what does not belong here. */
    if (g->state == BETWEEN && in_len > 0) {
        if (*in != 0 && *in != 0x1f)
            return error_set(err, EIO, "gzip: garbage at byte %" PRIu64, d->at.encoded);
        int code = *in ? inflateReset(&g->stream) : Z_OK;
        if (code != Z_OK)
            return gzip_fail(g, code, d->at.encoded, err);
        g->state = *in ? MEMBER : ZEROS;
    }
    if (g->state != MEMBER) {
        while (step->used < in_len && in[step->used] == 0)
            step->used++;
        return step->used == in_len
                   ? 0
                   : error_set(err, EIO, "gzip: garbage at byte %" PRIu64, d->at.encoded + step->used);
    }
    uInt given = in_len < UINT_MAX ? (uInt)in_len : UINT_MAX;
    uInt room = out_cap < UINT_MAX ? (uInt)out_cap : UINT_MAX;
    g->stream.next_in = in;
    g->stream.avail_in = given;
    g->stream.next_out = out;
    g->stream.avail_out = room;
    int code = inflate(&g->stream, Z_NO_FLUSH);
    step->used = given - g->stream.avail_in;
    step->made = room - g->stream.avail_out;
    if (code == Z_STREAM_END) {
        g->state = BETWEEN;
        step->unit_ended = step->boundary = true;
        return 0;
    }
    /* Z_BUF_ERROR only says that there was nothing to work on. */
    return code == Z_OK || code == Z_BUF_ERROR ? 0 : gzip_fail(g, code, d->at.encoded + step->used, err);
}

static int gzip_finish(struct codec_decoder *d, struct error *err)
{
    const struct gzip *g = (const struct gzip *)d;
    if (g->state != MEMBER)
        return 0;
    return error_set(err, ENODATA, "gzip: the data ends at byte %" PRIu64 ", before its end", d->at.encoded);
}

static void gzip_close(struct codec_decoder *d)
{
    struct gzip *g = (struct gzip *)d;
    if (g->open)
        (void)inflateEnd(&g->stream);
}

static int gzip_open_at(struct codec_decoder *d, const struct codec_point *at, struct error *err)
{
    struct gzip *g = (struct gzip *)d;
    int code = inflateInit2(&g->stream, GZIP_BITS);
    g->open = code == Z_OK;
    if (code != Z_OK)
        return gzip_fail(g, code, at->encoded, err);
    g->state = at->encoded == 0 ? MEMBER : BETWEEN;
    return 0;
}

static const struct codec_decoder_ops gzip_ops = {
    .run = gzip_run, .finish = gzip_finish, .close = gzip_close};

/* There is no index: members are rarely more than one. */
const struct codec codec_gzip = {.name = "gzip",
                                 .matches = gzip_matches,
                                 .ops = &gzip_ops,
                                 .size = sizeof(struct gzip),
                                 .open_at = gzip_open_at};
