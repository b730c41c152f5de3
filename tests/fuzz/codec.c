/* Fuzzes decoding: any bytes end with an error or in time, give the same bytes however they are cut in pieces, the
   rest of them from every restart point, and the same in threads. The first byte chooses the codec where the content does not. */
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

/* Threads give the same bytes and restart points, or, where something is not as it should be, some of them. */
static void check_threads(const struct codec *codec, const struct fuzz_outcome *whole, const uint8_t *data,
                          size_t size)
{
    struct fuzz_outcome threads = fuzz_decode(codec, NULL, 2, data, size, 50, 100);
    fuzz_check_same(whole, &threads);
    CHECK(threads.progress.verified <= whole->progress.verified);
    CHECK(threads.result != 0 || (whole->result == 0 && whole->len == threads.len));
    for (size_t i = 0; i < threads.point_count && i < 4 && threads.result == 0; i++) {
        struct fuzz_outcome rest = fuzz_decode(codec, &threads.points[i], 1, data, size, 11, 500);
        CHECK(rest.result == 0 || rest.result == -ENOMEM);
        fuzz_check_same(whole, &rest);
        free(rest.data);
    }
    free(threads.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[][2] = {{1, 4096}, {SIZE_MAX, 3}, {5, 1}};
    const struct codec *codec = choose(&data, &size);
    struct fuzz_outcome whole = fuzz_decode(codec, NULL, 1, data, size, SIZE_MAX, SIZE_MAX);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fuzz_outcome pieces = fuzz_decode(codec, NULL, 1, data, size, steps[i][0], steps[i][1]);
        CHECK(same_result(codec, whole.result, pieces.result));
        fuzz_check_same(&whole, &pieces);
        if (whole.result == 0 && pieces.result == 0)
            CHECK(whole.len == pieces.len && whole.progress.verified == pieces.progress.verified);
        free(pieces.data);
    }
    for (size_t i = 0; i < whole.point_count && i < 8; i++) {
        struct fuzz_outcome rest = fuzz_decode(codec, &whole.points[i], 1, data, size, 11, 500);
        CHECK(whole.result != 0 || rest.result == 0 || rest.result == -ENOMEM);
        fuzz_check_same(&whole, &rest);
        free(rest.data);
    }
    check_threads(codec, &whole, data, size);
    free(whole.data);
    return 0;
}
