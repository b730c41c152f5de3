/* The index of an xz file, of all its streams: liblzma finds and checks it, reading where it asks to. */
#include <errno.h>
#include <inttypes.h>
#include <lzma.h>

#include "archive/codec_internal.h"

/* liblzma walks backwards in steps of 8 KiB. */
#define CHUNK (UINT64_C(16) * 1024)

/* A window of the file, moved to where liblzma reads. */
struct window {
    struct reader *encoded;
    const struct wait *wait;
    unsigned reads;
    uint64_t offset;
    size_t len;
    uint8_t bytes[CHUNK];
};

static void end_stream(lzma_stream *strm)
{
    lzma_end(strm);
}

static void end_index(lzma_index **index)
{
    lzma_index_end(*index, NULL);
}

static int xz_index_fail(lzma_ret ret, const struct codec_limits *limits, struct error *err)
{
    switch (ret) {
    case LZMA_MEM_ERROR:
        return error_errno(err, ENOMEM, "xz index");
    case LZMA_MEMLIMIT_ERROR:
        return error_set(err, E2BIG, "xz index: more streams and blocks than the limit of %zu allows",
                         limits->entries_max);
    case LZMA_OPTIONS_ERROR:
        return error_set(err, ENOTSUP, "xz index: uses what is not supported");
    default:
        return error_set(err, EIO, "xz index: damaged, or not that of this file");
    }
}

/* Lets STRM read on at POSITION, from the window where it holds that. */
static int provide(struct window *window, const struct codec_limits *limits, uint64_t position,
                   lzma_stream *strm, struct error *err)
{
    if (position < window->offset || position - window->offset >= window->len) {
        if (limits->reads_max && window->reads++ == limits->reads_max)
            return error_set(err, E2BIG, "xz index: spread over more than %u places", limits->reads_max);
        int result = reader_pread(window->encoded, window->bytes, sizeof window->bytes, position,
                                  window->wait, &window->len, err);
        if (result < 0)
            return result;
        window->offset = position;
    }
    if (window->len == 0)
        return error_set(err, EIO, "xz index: would be behind the file's end");
    size_t skip = (size_t)(position - window->offset);
    strm->next_in = window->bytes + skip;
    strm->avail_in = window->len - skip;
    return 0;
}

/* Copies FROM; streams without blocks are passed over. */
static int convert(const lzma_index *from, const struct codec_limits *limits, struct codec_index **ret_index,
                   struct error *err)
{
    lzma_index_iter iter;
    if (lzma_index_block_count(from) > limits->entries_max)
        return xz_index_fail(LZMA_MEMLIMIT_ERROR, limits, err);
    struct codec_index *index =
        codec_index_new((size_t)lzma_index_block_count(from), (size_t)lzma_index_stream_count(from));
    if (!index)
        return xz_index_fail(LZMA_MEM_ERROR, limits, err);
    lzma_index_iter_init(&iter, from);
    while (!lzma_index_iter_next(&iter, LZMA_INDEX_ITER_BLOCK)) {
        if (iter.block.number_in_stream == 1)
            index->streams[index->stream_count++] =
                (struct codec_stream){.decoded = iter.stream.uncompressed_offset,
                                      .encoded = iter.stream.compressed_offset,
                                      .first_entry = index->count,
                                      .check = (uint8_t)iter.stream.flags->check};
        index->entries[index->count++] = (struct codec_entry){.decoded = iter.block.uncompressed_file_offset,
                                                              .encoded = iter.block.compressed_file_offset,
                                                              .encoded_len = iter.block.total_size,
                                                              .stream = (uint32_t)index->stream_count - 1};
    }
    index->decoded_size = lzma_index_uncompressed_size(from);
    *ret_index = index;
    return 0;
}

int xz_read_index(struct reader *encoded, const struct codec_limits *limits, const struct wait *wait,
                  struct codec_index **ret_index, struct error *err)
{
    __attribute__((cleanup(end_stream))) lzma_stream strm = LZMA_STREAM_INIT;
    __attribute__((cleanup(end_index))) lzma_index *index = NULL;
    struct window window = {.encoded = encoded, .wait = wait};
    /* A stream takes more than a block does: this bounds the streams, too. */
    uint64_t memory = lzma_index_memusage(1, limits->entries_max);
    if (memory > limits->memory_max)
        memory = limits->memory_max;
    uint64_t position = 0;
    lzma_ret ret = lzma_file_info_decoder(&strm, &index, memory, encoded->size);
    while (ret == LZMA_OK || ret == LZMA_SEEK_NEEDED) {
        int result = provide(&window, limits, position, &strm, err);
        if (result < 0)
            return result;
        size_t given = strm.avail_in;
        ret = lzma_code(&strm, LZMA_RUN);
        position = ret == LZMA_SEEK_NEEDED ? strm.seek_pos : position + given - strm.avail_in;
    }
    return ret == LZMA_STREAM_END ? convert(index, limits, ret_index, err) : xz_index_fail(ret, limits, err);
}
