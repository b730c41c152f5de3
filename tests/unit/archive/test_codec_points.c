/* Restart points from outside: those that cannot be true are refused, the others end in an error. */
#include <errno.h>

#include "base/cleanup.h"
#include "codec_test.h"

TestSuite(codec_points, .init = samples_open, .fini = scratch_close);

Test(codec_points, restart_points_that_cannot_be_are_refused)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell("xz --block-size=20000 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    decode(&(struct decoding){.codec = "xz"}, encoded.data, encoded.len, &outcome);
    for (size_t i = 0; i < 8 * sizeof outcome.points[5]; i++) {
        _cleanup_outcome_ struct outcome again;
        struct codec_point point = outcome.points[5];
        ((uint8_t *)&point)[i / 8] ^= (uint8_t)(1U << i % 8);
        if (point.encoded > encoded.len ||
            memcmp(&point, &outcome.points[5], 18 + outcome.points[5].blob_len) == 0)
            continue; /* a place behind the file; bytes that do not count */
        decode(&(struct decoding){.codec = "xz", .at = &point, .seed = i}, encoded.data, encoded.len, &again);
        cr_assert_lt(again.result, 0, "bit %zu", i);
    }
}

static void assert_point_refused(const char *codec, struct codec_point point)
{
    struct codec_decoder *decoder = NULL;
    struct error err = {0};
    assert_refused(codec_open(codec_by_name(codec), &point, &codec_limits_default, &decoder, &err), EIO, &err,
                   "restart point");
    cr_assert_null(decoder);
}

Test(codec_points, restart_points_are_those_of_their_codec)
{
    static const char *const names[] = {"xz", "zstd", "gzip", "none"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct codec_decoder *decoder = NULL;
        struct codec_point good = {.decoded = 100, .encoded = 100, .kind = CODEC_AT_START};
        struct error err = {0};
        assert_point_refused(names[i],
                             (struct codec_point){.decoded = 100, .encoded = 100, .kind = CODEC_AT_BLOCK});
        assert_point_refused(names[i], (struct codec_point){.decoded = 100, .encoded = 100});
        assert_point_refused(names[i], (struct codec_point){.kind = CODEC_AT_START, .blob_len = 1});
        assert_point_refused(names[i], (struct codec_point){.kind = CODEC_AT_START, .blob_len = 255});
        assert_point_refused(names[i], (struct codec_point){.kind = CODEC_AT_START, .decoded = 1});
        assert_point_refused(names[i], (struct codec_point){.kind = CODEC_AT_START, .encoded = UINT64_MAX});
        assert_ok(codec_open(codec_by_name(names[i]), &good, &codec_limits_default, &decoder, &err), &err);
        codec_close(decoder);
    }
}
