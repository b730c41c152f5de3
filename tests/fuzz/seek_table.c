/* Fuzzes zstd's seek table: any bytes are refused with a reason, or give frames that fit into the file, and decoding is
   held to them. */
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_index("zstd", data, size);
    return 0;
}
