/* What tests of passes share: packing the stream of archive_test.h with every codec, and readers over bytes. */
#ifndef RUNFS_TESTS_ARCHIVE_PASS_TEST_H
#define RUNFS_TESTS_ARCHIVE_PASS_TEST_H

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "archive/pass.h"
#include "archive_test.h"

/* Appends LEN bytes to OUT as one unit of a codec, with a check of its content. */
typedef void (*pack_fn)(struct strbuf *out, const void *bytes, size_t len);

static inline void pack_xz(struct strbuf *out, const void *bytes, size_t len)
{
    size_t used = 0;
    size_t max = lzma_stream_buffer_bound(len);
    uint8_t *packed = malloc(max);
    cr_assert_eq(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, bytes, len, packed, &used, max), LZMA_OK);
    strbuf_add(out, packed, used);
    free(packed);
}

static inline void pack_zstd(struct strbuf *out, const void *bytes, size_t len)
{
    size_t max = ZSTD_compressBound(len);
    char *packed = malloc(max);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t used = ZSTD_compress2(context, packed, max, bytes, len);
    cr_assert_not(ZSTD_isError(used));
    strbuf_add(out, packed, used);
    (void)ZSTD_freeCCtx(context);
    free(packed);
}

static inline void pack_gzip(struct strbuf *out, const void *bytes, size_t len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)len};
    cr_assert_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong max = deflateBound(&z, len);
    z.next_out = malloc(max);
    z.avail_out = (uInt)max;
    unsigned char *packed = z.next_out;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    strbuf_add(out, packed, z.total_out);
    (void)deflateEnd(&z);
    free(packed);
}

static inline void pack_none(struct strbuf *out, const void *bytes, size_t len)
{
    strbuf_add(out, bytes, len);
}

/* Packs the stream in units of PIECE bytes. */
static inline void pack_stream(struct strbuf *out, pack_fn pack, size_t piece)
{
    for (size_t at = 0; at < stream.len; at += piece)
        pack(out, strbuf_text(&stream) + at, stream.len - at < piece ? stream.len - at : piece);
}

/* A reader over bytes, which fails where it is told to. */
struct bytes_reader {
    struct reader reader;
    const char *bytes;
    uint64_t fail_at;
    int failure; /* negative errno of a read that reaches fail_at; 0: none fails */
};

static inline int bytes_pread(struct reader *r, void *buf, size_t len, uint64_t offset,
                              const struct wait *wait, size_t *ret_n, struct error *err)
{
    const struct bytes_reader *from = (const struct bytes_reader *)r;
    (void)wait;
    if (from->failure && offset + len > from->fail_at)
        return error_set(err, -from->failure, "the reader failed");
    memcpy(buf, from->bytes + offset, len);
    *ret_n = len;
    return 0;
}

static inline void bytes_close(struct reader *r)
{
    (void)r;
}

static const struct reader_ops bytes_ops = {.pread = bytes_pread, .close = bytes_close};

static inline struct bytes_reader bytes_reader(const struct strbuf *bytes)
{
    return (struct bytes_reader){.reader = {&bytes_ops, bytes->len}, .bytes = strbuf_text(bytes)};
}

/* Content that compresses, and tells its place. */
static inline void add_long_file(const char *name, size_t size)
{
    char *content = malloc(size);
    for (size_t i = 0; i < size; i++)
        content[i] = (char)(pattern_at(i / 2) & 0x3f);
    struct tar_header header = header_of('0', name, size);
    add_header(&header);
    add_content(content, size);
    free(content);
}

#endif
