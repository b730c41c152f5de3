/* Limits: bombs stop early, with the reason; what is just within is decoded. */
#include <errno.h>

#include "codec_test.h"

#define MIB ((size_t)1 << 20)

TestSuite(codec_limits, .init = samples_open, .fini = scratch_close);

static const struct {
    const char *codec;
    const char *command;
} kinds[] = {{"xz", "xz -c orig >sample"},
             {"zstd", "zstd -qc orig >sample"},
             {"gzip", "gzip -c orig >sample"},
             {"none", "cp orig sample"}};

static void decode_limited(const char *codec, const struct codec_limits *limits, uint64_t seed,
                           struct outcome *outcome)
{
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    decode(&(struct decoding){.codec = codec, .limits = limits, .seed = seed}, encoded.data, encoded.len,
           outcome);
}

Test(codec_limits, decoded_bytes_end_at_the_limit)
{
    struct codec_limits limits = codec_limits_default;
    _cleanup_bytes_ struct bytes orig = read_whole("orig");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        run_shell(kinds[i].command);
        for (uint64_t seed = 0; seed < 3; seed++) {
            _cleanup_outcome_ struct outcome within;
            _cleanup_outcome_ struct outcome beyond;
            limits.decoded_max = ORIGINAL_SIZE;
            decode_limited(kinds[i].codec, &limits, seed, &within);
            cr_assert_eq(within.result, 0, "%s", within.err.message);
            cr_assert_eq(within.len, ORIGINAL_SIZE);
            limits.decoded_max = ORIGINAL_SIZE - 1;
            decode_limited(kinds[i].codec, &limits, seed, &beyond);
            assert_refused(beyond.result, EFBIG, &beyond.err, "more than 399999 bytes");
            cr_assert_eq(beyond.len, ORIGINAL_SIZE - 1);
            cr_assert_eq(memcmp(beyond.data, orig.data, beyond.len), 0);
        }
    }
}

/* The limit counts from the archive's start, wherever decoding begins. */
Test(codec_limits, decoded_bytes_count_from_the_start)
{
    struct codec_limits limits = codec_limits_default;
    _cleanup_outcome_ struct outcome full;
    _cleanup_outcome_ struct outcome late;
    run_shell("xz --block-size=50000 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    decode(&(struct decoding){.codec = "xz"}, encoded.data, encoded.len, &full);
    limits.decoded_max = 120000;
    decode(&(struct decoding){.codec = "xz", .at = &full.points[2], .limits = &limits}, encoded.data,
           encoded.len, &late);
    assert_refused(late.result, EFBIG, &late.err, "more than 120000 bytes");
    cr_assert_eq(full.points[2].decoded + late.len, 120000);
}

static void assert_bomb_stops(const char *codec, const char *command, size_t encoded_max)
{
    struct codec_limits limits = codec_limits_default;
    _cleanup_outcome_ struct outcome outcome;
    run_shell(command);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    cr_assert_leq(encoded.len, encoded_max, "%s: %zu", command, encoded.len);
    limits.ratio_max = 500;
    limits.ratio_from = 4 * MIB;
    decode(&(struct decoding){.codec = codec, .limits = &limits}, encoded.data, encoded.len, &outcome);
    assert_refused(outcome.result, E2BIG, &outcome.err, "more than 500 times its size");
    cr_assert_leq(outcome.len, 5 * MIB);
}

Test(codec_limits, bombs_stop_early)
{
    assert_bomb_stops("zstd", "head -c 1G /dev/zero | zstd -qc --no-check --long=27 >sample", 100000);
    assert_bomb_stops("xz", "head -c 24M /dev/zero | xz -1c >sample", 20000);
    assert_bomb_stops("xz", "head -c 24M /dev/zero | xz -T2 --block-size=3MiB -1c >sample", 20000);
    assert_bomb_stops("gzip", "head -c 32M /dev/zero | gzip -9c >sample", 200000);
}

Test(codec_limits, the_default_stops_a_bomb_of_a_gibibyte)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell("head -c 1G /dev/zero | zstd -qc --no-check >sample");
    decode_limited("zstd", NULL, 0, &outcome);
    assert_refused(outcome.result, E2BIG, &outcome.err, "more than 1000 times its size");
    cr_assert_leq(outcome.len, 66 * MIB);
}

Test(codec_limits, the_ratio_does_not_count_before_so_many_bytes)
{
    struct codec_limits limits = codec_limits_default;
    _cleanup_outcome_ struct outcome small;
    _cleanup_outcome_ struct outcome any;
    run_shell("head -c 5M /dev/zero | xz -1c >sample");
    limits.ratio_max = 100;
    limits.ratio_from = 6 * MIB;
    decode_limited("xz", &limits, 0, &small);
    cr_assert_eq(small.result, 0, "%s", small.err.message);
    limits.ratio_max = 0;
    limits.ratio_from = 0;
    decode_limited("xz", &limits, 0, &any);
    cr_assert_eq(any.result, 0, "%s", any.err.message);
}

static void assert_too_large(const char *codec, const char *command, const struct codec_limits *limits,
                             const char *why)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell(command);
    decode_limited(codec, limits, 0, &outcome);
    assert_refused(outcome.result, E2BIG, &outcome.err, why);
    cr_assert_eq(outcome.len, 0);
}

static void assert_fits(const char *codec, const char *command, const struct codec_limits *limits)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell(command);
    decode_limited(codec, limits, 0, &outcome);
    cr_assert_eq(outcome.result, 0, "%s", outcome.err.message);
}

Test(codec_limits, windows_and_memory_are_limited)
{
    struct codec_limits limits = codec_limits_default;
    assert_fits("xz", "xz --lzma2=preset=0,dict=128MiB -c orig >sample", &limits);
    assert_too_large("xz", "xz --lzma2=preset=0,dict=129MiB -c orig >sample", &limits, "needs a window of");
    assert_fits("zstd", "zstd -qc --long=27 <orig >sample", &limits);
    assert_too_large("zstd", "zstd -qc --ultra --long=28 <orig >sample", &limits,
                     "needs a window beyond the limit");
    limits.window_max = 8 * MIB;
    assert_fits("xz", "xz -6 -c orig >sample", &limits);
    assert_too_large("xz", "xz -7 -c orig >sample", &limits, "needs a window of 16777216 bytes");
    assert_fits("zstd", "zstd -qc --long=23 <orig >sample", &limits);
    assert_too_large("zstd", "zstd -qc --long=24 <orig >sample", &limits, "needs a window beyond");
    limits.memory_max = 8 * MIB;
    assert_too_large("xz", "xz -6 -c orig >sample", &limits, "of memory, the limit is 8388608");
}
