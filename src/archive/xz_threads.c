/* Decoding blocks of an xz archive at once, by liblzma, with the boundaries that xz_decode.c has found. */
#include <errno.h>
#include <lzma.h>

#include "archive/codec_internal.h"
#include "base/array.h"

#define THREADS_MAX 8

struct xz_threads {
    lzma_stream strm;
    struct codec_point here;    /* the last boundary that was reached */
    struct codec_point *points; /* owned; those ahead, from first on */
    size_t first;
    size_t count;
    size_t capacity;
};

struct xz_threads *xz_threads_open(const struct codec_limits *limits)
{
    lzma_mt options = {.flags = LZMA_CONCATENATED,
                       .threads = limits->threads < THREADS_MAX ? limits->threads : THREADS_MAX,
                       .memlimit_threading = limits->threads_max,
                       .memlimit_stop = limits->memory_max};
    struct xz_threads *threads = calloc(1, sizeof *threads);
    if (!threads)
        return NULL;
    threads->here.kind = CODEC_AT_START;
    if (lzma_stream_decoder_mt(&threads->strm, &options) == LZMA_OK)
        return threads;
    xz_threads_close(threads);
    return NULL;
}

void xz_threads_close(struct xz_threads *threads)
{
    if (!threads)
        return;
    lzma_end(&threads->strm);
    free(threads->points);
    free(threads);
}

/* Of several at one decoded byte the last one is as good as all. */
int xz_threads_mark(struct xz_threads *threads, const struct codec_point *point)
{
    if (threads->first == threads->count)
        threads->first = threads->count = 0;
    if (threads->count > threads->first && threads->points[threads->count - 1].decoded == point->decoded)
        threads->count--;
    if (array_room(threads->points, threads->count, threads->capacity) < 0)
        return -ENOMEM;
    threads->points[threads->count++] = *point;
    return 0;
}

/* No output goes beyond a boundary. With nothing to take, liblzma may look once before it waits for its threads. */
static lzma_ret run_strm(struct xz_threads *threads, size_t in_len, size_t room, struct codec_step *step)
{
    lzma_stream *strm = &threads->strm;
    lzma_ret ret = LZMA_OK;
    for (unsigned i = 0; i < 2 && (ret == LZMA_OK || ret == LZMA_BUF_ERROR) && !step->used && !step->made;
         i++) {
        ret = lzma_code(strm, LZMA_RUN);
        step->used = in_len - strm->avail_in;
        step->made = room - strm->avail_out;
    }
    return ret == LZMA_BUF_ERROR ? LZMA_OK : ret;
}

/* Takes the boundaries up to DECODED off the list; whether there is one. */
static bool reach_boundaries(struct xz_threads *threads, uint64_t decoded)
{
    size_t first = threads->first;
    while (threads->first < threads->count && threads->points[threads->first].decoded <= decoded)
        threads->here = threads->points[threads->first++];
    return threads->first > first;
}

int xz_threads_run(struct xz_threads *threads, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                   uint64_t decoded, struct codec_step *step)
{
    size_t room = out_cap;
    /* All of a block may be made before its end is found: that is reported before anything is made of the next one. */
    step->boundary = reach_boundaries(threads, decoded);
    if (step->boundary)
        return 0;
    if (threads->first < threads->count && threads->points[threads->first].decoded - decoded < room)
        room = (size_t)(threads->points[threads->first].decoded - decoded);
    threads->strm.next_in = in;
    threads->strm.avail_in = in_len;
    threads->strm.next_out = out;
    threads->strm.avail_out = room;
    if (run_strm(threads, in_len, room, step) != LZMA_OK)
        return -EAGAIN;
    /* Bytes of a block are made only after the one before has passed its check. */
    step->checked = step->made > 0 && threads->here.decoded == decoded;
    step->boundary = reach_boundaries(threads, decoded + step->made);
    return in_len > 0 && !step->used && !step->made && !step->boundary ? -EAGAIN : 0;
}

/* Before a block that is not for threads, as at the end, liblzma waits for all blocks before it. */
int xz_threads_finish(struct xz_threads *threads, bool end)
{
    threads->strm.avail_in = threads->strm.avail_out = 0;
    lzma_ret ret = lzma_code(&threads->strm, end ? LZMA_FINISH : LZMA_RUN);
    bool well = end ? ret == LZMA_STREAM_END : ret == LZMA_OK || ret == LZMA_BUF_ERROR;
    return well ? 0 : -EAGAIN;
}

const struct codec_point *xz_threads_point(const struct xz_threads *threads)
{
    return &threads->here;
}
