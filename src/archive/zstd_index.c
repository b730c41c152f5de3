/* The seek table of a seekable zstd file: the last frame, a skippable one, which lists the sizes of the others
   (zstd_seekable_compression_format.md in zstd's sources). */
#include <errno.h>
#include <inttypes.h>

#include "archive/codec_internal.h"
#include "base/cleanup.h"

#define FOOTER_BYTES   9
#define HEADER_BYTES   8
#define FOOTER_MAGIC   0x8F92EAB1U
#define TABLE_MAGIC    0x184D2A5EU
#define CHECKSUM_FLAG  0x80
#define RESERVED_FLAGS 0x7c
/* The shortest frame: a skippable one without content. */
#define FRAME_MIN 8
#define SLICE     1024 /* entries read at once */

struct table {
    struct reader *encoded;
    const struct wait *wait;
    uint64_t count;
    uint64_t entry_bytes;
    uint64_t offset; /* of the table's frame */
    bool checksums;
};

static int table_refuse(const char *why, struct error *err)
{
    return error_set(err, EIO, "zstd seek table: %s", why);
}

static int table_read(const struct table *table, void *bytes, size_t len, uint64_t offset, struct error *err)
{
    size_t n;
    int result = reader_pread(table->encoded, bytes, len, offset, table->wait, &n, err);
    if (result < 0)
        return result;
    return n == len ? 0 : table_refuse("ends early", err);
}

/* Finds the table by its footer; stores whether there is one. */
static int table_find(struct table *table, bool *ret_exists, struct error *err)
{
    uint8_t footer[FOOTER_BYTES];
    uint8_t header[HEADER_BYTES];
    *ret_exists = false;
    if (table->encoded->size < HEADER_BYTES + FOOTER_BYTES)
        return 0;
    int result = table_read(table, footer, sizeof footer, table->encoded->size - sizeof footer, err);
    if (result < 0 || codec_le32(footer + 5) != FOOTER_MAGIC)
        return result;
    if (footer[4] & RESERVED_FLAGS)
        return error_set(err, ENOTSUP, "zstd seek table: a version that is not known");
    table->count = codec_le32(footer);
    table->checksums = footer[4] & CHECKSUM_FLAG;
    table->entry_bytes = table->checksums ? 12 : 8;
    uint64_t content = table->count * table->entry_bytes + FOOTER_BYTES;
    if (content > UINT32_MAX || table->encoded->size - HEADER_BYTES < content)
        return table_refuse("longer than the file", err);
    table->offset = table->encoded->size - content - HEADER_BYTES;
    result = table_read(table, header, sizeof header, table->offset, err);
    if (result < 0)
        return result;
    if (codec_le32(header) != TABLE_MAGIC || codec_le32(header + 4) != content)
        return table_refuse("is not where its length says", err);
    *ret_exists = true;
    return 0;
}

static int table_read_entries(const struct table *table, struct codec_index *index, struct error *err)
{
    uint8_t bytes[SLICE * 12];
    uint64_t encoded = 0;
    while (index->count < table->count) {
        uint64_t left = table->count - index->count;
        size_t n = left < SLICE ? (size_t)left : SLICE;
        uint64_t offset = table->offset + HEADER_BYTES + index->count * table->entry_bytes;
        int result = table_read(table, bytes, n * (size_t)table->entry_bytes, offset, err);
        if (result < 0)
            return result;
        for (const uint8_t *entry = bytes; n > 0; n--, entry += table->entry_bytes) {
            uint64_t encoded_len = codec_le32(entry);
            if (encoded_len < FRAME_MIN || encoded_len > table->offset - encoded)
                return table_refuse("has a frame that cannot be", err);
            index->entries[index->count++] =
                (struct codec_entry){.decoded = index->decoded_size,
                                     .encoded = encoded,
                                     .encoded_len = encoded_len,
                                     .checksum = table->checksums ? codec_le32(entry + 8) : 0};
            index->decoded_size += codec_le32(entry + 4);
            encoded += encoded_len;
        }
    }
    return encoded == table->offset ? 0 : table_refuse("does not add up to the file's size", err);
}

int zstd_read_index(struct reader *encoded, const struct codec_limits *limits, const struct wait *wait,
                    struct codec_index **ret_index, struct error *err)
{
    struct table table = {.encoded = encoded, .wait = wait};
    bool exists;
    int result = table_find(&table, &exists, err);
    if (result < 0)
        return result;
    if (!exists) {
        *ret_index = NULL;
        return 0;
    }
    if (table.count > limits->entries_max)
        return error_set(err, E2BIG, "zstd seek table: %" PRIu64 " frames, the limit is %zu", table.count,
                         limits->entries_max);
    _cleanup_codec_index_ struct codec_index *index = codec_index_new((size_t)table.count, 0);
    if (!index)
        return error_errno(err, ENOMEM, "zstd seek table");
    index->checksums = table.checksums;
    result = table_read_entries(&table, index, err);
    if (result < 0)
        return result;
    *ret_index = TAKE_PTR(index);
    return 0;
}
