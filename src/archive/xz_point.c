/* The blob of a restart point inside of an xz stream: 25 bytes, little endian. */
#include <errno.h>
#include <lzma.h>

#include "archive/codec_internal.h"

#define BLOB_LEN 25

static void put_le64(uint8_t *bytes, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le64(const uint8_t *bytes)
{
    return codec_le32(bytes) | (uint64_t)codec_le32(bytes + 4) << 32;
}

void xz_point_write(struct codec_point *point, const struct xz_place *place)
{
    point->kind = CODEC_AT_BLOCK;
    point->blob_len = BLOB_LEN;
    point->blob[0] = place->check;
    put_le64(point->blob + 1, place->stream_decoded);
    put_le64(point->blob + 9, place->stream_encoded);
    put_le64(point->blob + 17, place->blocks);
}

/* Blocks and headers are multiples of four bytes long; no block is smaller than 8. */
static bool is_possible(const struct codec_point *point, const struct xz_place *place)
{
    if (place->check > LZMA_CHECK_ID_MAX || place->stream_decoded > point->decoded ||
        place->stream_encoded > INT64_MAX || place->stream_encoded + LZMA_STREAM_HEADER_SIZE > point->encoded)
        return false;
    uint64_t encoded = point->encoded - place->stream_encoded - LZMA_STREAM_HEADER_SIZE;
    if (place->blocks == 0)
        return encoded == 0 && place->stream_decoded == point->decoded;
    return encoded % 4 == 0 && encoded / 8 >= place->blocks;
}

int xz_point_read(const struct codec_point *point, struct xz_place *ret_place, struct error *err)
{
    if (point->kind != CODEC_AT_BLOCK || point->blob_len != BLOB_LEN)
        return error_set(err, EIO, "xz: not a restart point");
    struct xz_place place = {.check = point->blob[0],
                             .stream_decoded = get_le64(point->blob + 1),
                             .stream_encoded = get_le64(point->blob + 9),
                             .blocks = get_le64(point->blob + 17)};
    if (!is_possible(point, &place))
        return error_set(err, EIO, "xz: a restart point that cannot be");
    *ret_place = place;
    return 0;
}
