/* Fuzzes the index of an xz file: any bytes are refused with a reason, or give units that fit into the file, and decoding
   is held to them. The CRCs around the last index are set right, which no fuzzer could guess. */
#include <zlib.h>

#include "codec_fuzz.h"

#define HEADER 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_crc(uint8_t *at, const uint8_t *bytes, size_t len)
{
    uint32_t crc = (uint32_t)crc32(0, bytes, (unsigned)len);
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(crc >> (8 * i));
}

static void mend(uint8_t *data, size_t size)
{
    if (size < 2 * HEADER)
        return;
    uint8_t *footer = data + size - HEADER;
    uint64_t index_len = 0;
    for (unsigned i = 4; i > 0; i--)
        index_len = index_len << 8 | footer[3 + i];
    index_len = (index_len + 1) * 4;
    put_crc(data + 8, data + 6, 2);
    put_crc(footer, footer + 4, 6);
    if (index_len >= 8 && index_len <= size - 2 * HEADER)
        put_crc(footer - 4, footer - index_len, (size_t)index_len - 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *mended = malloc(size + 1);
    CHECK(mended);
    if (size > 0)
        memcpy(mended, data, size);
    mend(mended, size);
    fuzz_index("xz", mended, size);
    free(mended);
    return 0;
}
