/* Fuzzes decoding: any bytes end with an error or in time, give the same bytes however they are cut in pieces, and the
   rest of them from every restart point. The first byte chooses the codec where the content does not. */
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct codec *choose(const uint8_t **data, size_t *size)
{
    static const char *const names[] = {"xz", "zstd", "gzip", "none"};
    const struct codec *codec = codec_recognise(*data, *size < CODEC_HEAD_BYTES ? *size : CODEC_HEAD_BYTES);
    if (codec || *size == 0)
        return codec ? codec : codec_by_name("xz");
    codec = codec_by_name(names[**data % 4]);
    (*data)++;
    (*size)--;
    return codec;
}

/* libzstd decodes a frame that it has all of in a stricter way, which refuses some odd empty blocks, and without a
   window, however large a window the frame asks for. */
static bool same_result(const struct codec *codec, int whole, int pieces)
{
    if (codec == codec_by_name("zstd") && (whole == -EIO || pieces == -ENOMEM))
        return true;
    return (whole == 0) == (pieces == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[][2] = {{1, 4096}, {SIZE_MAX, 3}, {5, 1}};
    const struct codec *codec = choose(&data, &size);
    struct fuzz_outcome whole = fuzz_decode(codec, NULL, NULL, data, size, SIZE_MAX, SIZE_MAX);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fuzz_outcome pieces = fuzz_decode(codec, NULL, NULL, data, size, steps[i][0], steps[i][1]);
        CHECK(same_result(codec, whole.result, pieces.result));
        fuzz_check_same(&whole, &pieces);
        if (whole.result == 0 && pieces.result == 0)
            CHECK(whole.len == pieces.len && whole.progress.verified == pieces.progress.verified);
        free(pieces.data);
    }
    for (size_t i = 0; i < whole.point_count && i < 8; i++) {
        struct fuzz_outcome rest = fuzz_decode(codec, &whole.points[i], NULL, data, size, 11, 500);
        CHECK(whole.result != 0 || rest.result == 0 || rest.result == -ENOMEM);
        fuzz_check_same(&whole, &rest);
        free(rest.data);
    }
    free(whole.data);
    return 0;
}
