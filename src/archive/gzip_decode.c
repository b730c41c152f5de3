/* gzip, forward: members one after the other, zeros behind the last. */
#define ZLIB_CONST
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "archive/codec_internal.h"

/* Window bits, plus 16 for gzip's header and check. */
#define GZIP_BITS (15 + 16)
/* What zlib says in zconf.h that inflating takes. */
#define GZIP_MEMORY (UINT64_C(48) * 1024)

enum state { MEMBER, BETWEEN, ZEROS };

struct gzip {
    struct codec_decoder base;
    enum state state;
    bool open; /* stream is to be ended */
    z_stream stream;
};

static bool gzip_matches(const uint8_t *head, size_t len)
{
    return len >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == Z_DEFLATED;
}

static int fail(const struct gzip *g, int code, uint64_t encoded, struct error *err)
{
    if (code == Z_MEM_ERROR)
        return error_errno(err, ENOMEM, "gzip");
    return error_set(err, EIO, "gzip: damaged near byte %" PRIu64 ": %s", encoded,
                     g->stream.msg ? g->stream.msg : "not as it should be");
}

/* Behind a member comes another one, zeros to the end, or what does not belong here. */
static int run_between(struct gzip *g, const uint8_t *in, struct error *err)
{
    if (*in == 0) {
        g->state = ZEROS;
        return 0;
    }
    if (*in != 0x1f)
        return error_set(err, EIO, "gzip: garbage at byte %" PRIu64, g->base.at.encoded);
    int code = inflateReset(&g->stream);
    if (code != Z_OK)
        return fail(g, code, g->base.at.encoded, err);
    g->state = MEMBER;
    return 0;
}

static int run_zeros(const struct gzip *g, const uint8_t *in, size_t in_len, struct codec_step *step,
                     struct error *err)
{
    while (step->used < in_len && in[step->used] == 0)
        step->used++;
    if (step->used < in_len)
        return error_set(err, EIO, "gzip: garbage at byte %" PRIu64, g->base.at.encoded + step->used);
    return 0;
}

static int run_member(struct gzip *g, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                      struct codec_step *step, struct error *err)
{
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
    return code == Z_OK || code == Z_BUF_ERROR ? 0 : fail(g, code, g->base.at.encoded + step->used, err);
}

static int gzip_run(struct codec_decoder *d, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                    struct codec_step *step, struct error *err)
{
    struct gzip *g = (struct gzip *)d;
    if (g->state == BETWEEN && in_len > 0) {
        int result = run_between(g, in, err);
        if (result < 0)
            return result;
    }
    if (g->state == MEMBER)
        return run_member(g, in, in_len, out, out_cap, step, err);
    return run_zeros(g, in, in_len, step, err);
}

static int gzip_finish(struct codec_decoder *d, struct error *err)
{
    const struct gzip *g = (const struct gzip *)d;
    if (g->state != MEMBER)
        return 0;
    return error_set(err, ENODATA, "gzip: the data ends at byte %" PRIu64 ", before its end", d->at.encoded);
}

static void gzip_point(const struct codec_decoder *d, struct codec_point *point)
{
    (void)d;
    point->kind = CODEC_AT_START;
}

static uint64_t gzip_memory(const struct codec_decoder *d)
{
    (void)d;
    return sizeof(struct gzip) + GZIP_MEMORY;
}

static void gzip_close(struct codec_decoder *d)
{
    struct gzip *g = (struct gzip *)d;
    if (g->open)
        (void)inflateEnd(&g->stream);
    free(g);
}

static const struct codec_decoder_ops gzip_ops = {gzip_run, gzip_finish, gzip_point, gzip_memory, gzip_close};

static struct codec_decoder *gzip_allocate(void)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->base.ops = &gzip_ops;
    return &g->base;
}

static int gzip_open_at(struct codec_decoder *d, const struct codec_point *at, struct error *err)
{
    struct gzip *g = (struct gzip *)d;
    if (at->kind != CODEC_AT_START || at->blob_len != 0)
        return error_set(err, EIO, "gzip: not a restart point");
    int code = inflateInit2(&g->stream, GZIP_BITS);
    g->open = code == Z_OK;
    if (code != Z_OK)
        return fail(g, code, at->encoded, err);
    g->state = at->encoded == 0 ? MEMBER : BETWEEN;
    return 0;
}

/* There is no index: members are rarely more than one. */
const struct codec codec_gzip = {
    .name = "gzip", .matches = gzip_matches, .allocate = gzip_allocate, .open_at = gzip_open_at};
