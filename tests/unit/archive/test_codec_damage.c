/* Damaged archives: an error, or the right bytes as far as they count as verified. */
#include <errno.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "codec_test.h"

#define CUTS  8
#define FLIPS 10

TestSuite(codec_damage, .init = samples_open, .fini = scratch_close);

/* Whether an archive that is cut at LEN is whole all the same: behind a stream, frame or member, and zeros perhaps. */
static bool is_whole(const struct outcome *full, const struct bytes *encoded, size_t len)
{
    for (size_t i = 0; i < full->point_count; i++) {
        size_t end = (size_t)full->points[i].encoded;
        if (full->points[i].kind != CODEC_AT_START || end > len)
            continue;
        while (end < len && encoded->data[end] == 0)
            end++;
        if (end == len)
            return true;
    }
    return false;
}

static void assert_cut(const struct sample *sample, const struct outcome *full, const struct bytes *encoded,
                       size_t len)
{
    _cleanup_outcome_ struct outcome outcome;
    decode(&(struct decoding){.codec = sample->codec, .seed = len}, encoded->data, len, &outcome);
    if (is_whole(full, encoded, len))
        cr_assert(outcome.result == 0 || outcome.result == -EIO, "%s at %zu", sample->name, len);
    else
        cr_assert_eq(outcome.result, -ENODATA, "%s at %zu: %s", sample->name, len, outcome.err.message);
    cr_assert_leq(outcome.len, full->len);
    cr_assert(!outcome.len || memcmp(outcome.data, full->data, outcome.len) == 0, "%s at %zu", sample->name,
              len);
}

Test(codec_damage, a_cut_archive_gives_what_there_is_and_says_so)
{
    uint64_t state = 7;
    for (size_t i = 0; i < sample_count; i++) {
        if (strcmp(samples[i].codec, "none") == 0)
            continue;
        _cleanup_outcome_ struct outcome full;
        run_shell(samples[i].command);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        decode(&(struct decoding){.codec = samples[i].codec}, encoded.data, encoded.len, &full);
        for (size_t len = 0; len < CUTS && len < encoded.len; len++) {
            assert_cut(&samples[i], &full, &encoded, len);
            assert_cut(&samples[i], &full, &encoded, encoded.len - 1 - len);
            assert_cut(&samples[i], &full, &encoded, random_below(&state, (uint32_t)encoded.len));
        }
        for (size_t j = 0; j < full.point_count && j < CUTS; j++)
            assert_cut(&samples[i], &full, &encoded, (size_t)full.points[j].encoded);
    }
}

static void assert_flip(const struct sample *sample, const struct bytes *encoded, const struct bytes *decoded,
                        uint32_t bit)
{
    _cleanup_outcome_ struct outcome outcome;
    encoded->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    decode(&(struct decoding){.codec = sample->codec, .seed = bit}, encoded->data, encoded->len, &outcome);
    encoded->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    size_t verified = (size_t)outcome.progress.verified;
    cr_assert_leq(verified, outcome.len);
    cr_assert(!verified || memcmp(outcome.data, decoded->data, verified) == 0, "%s, bit %u", sample->name,
              bit);
    if (outcome.result < 0 || outcome.progress.unchecked)
        return;
    cr_assert(outcome.len == decoded->len && verified == decoded->len, "%s, bit %u", sample->name, bit);
}

Test(codec_damage, flipped_bits_never_verify)
{
    uint64_t state = 11;
    for (size_t i = 0; i < sample_count; i++) {
        _cleanup_bytes_ struct bytes encoded = {0};
        _cleanup_bytes_ struct bytes decoded = {0};
        sample_make(&samples[i], &encoded, &decoded);
        for (uint32_t j = 0; j < FLIPS; j++) {
            uint32_t bits = 8 * (uint32_t)encoded.len;
            assert_flip(&samples[i], &encoded, &decoded, random_below(&state, bits));
            assert_flip(&samples[i], &encoded, &decoded, random_below(&state, bits < 400 ? bits : 400));
            assert_flip(&samples[i], &encoded, &decoded,
                        bits - 1 - random_below(&state, bits < 400 ? bits : 400));
        }
    }
}

/* Whole blocks before the damage are given out and count. */
Test(codec_damage, what_comes_before_the_damage_is_good)
{
    _cleanup_outcome_ struct outcome full;
    _cleanup_outcome_ struct outcome outcome;
    run_shell("xz --block-size=30000 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    decode(&(struct decoding){.codec = "xz"}, encoded.data, encoded.len, &full);
    encoded.data[full.points[8].encoded - 20] ^= 1;
    decode(&(struct decoding){.codec = "xz"}, encoded.data, encoded.len, &outcome);
    cr_assert_eq(outcome.result, -EIO);
    cr_assert(strstr(outcome.err.message, "damaged block near byte"), "%s", outcome.err.message);
    cr_assert_eq(outcome.progress.verified, full.points[7].decoded);
    cr_assert_geq(outcome.len, full.points[7].decoded);
    cr_assert_eq(memcmp(outcome.data, full.data, (size_t)full.points[7].decoded), 0);
    /* Behind it decoding can begin again. */
    _cleanup_outcome_ struct outcome rest;
    decode(&(struct decoding){.codec = "xz", .at = &full.points[8]}, encoded.data, encoded.len, &rest);
    cr_assert_eq(rest.result, 0, "%s", rest.err.message);
}

Test(codec_damage, a_failure_is_for_good)
{
    struct codec_decoder *decoder;
    struct error err = {0};
    size_t used = 99;
    size_t made = 98;
    uint8_t out[10];
    struct codec_point point;
    assert_ok(codec_open(codec_by_name("zstd"), NULL, &codec_limits_default, &decoder, &err), &err);
    for (unsigned i = 0; i < 3; i++) {
        err = (struct error){0};
        assert_refused(codec_run(decoder, "nothing of the kind", 19, &used, out, sizeof out, &made, &err),
                       EIO, &err, "no zstd frame");
        cr_assert(used == 99 && made == 98);
    }
    assert_refused(codec_finish(decoder, &err), EIO, &err, "no zstd frame");
    cr_assert(!codec_point_here(decoder, &point));
    cr_assert_eq(codec_run(decoder, NULL, 0, &used, out, sizeof out, &made, NULL), -EIO);
    codec_close(decoder);
    codec_close(NULL);
}

static void assert_tail_refused(const char *codec, const char *command, int code, const char *why)
{
    _cleanup_bytes_ struct bytes orig = read_whole("orig");
    run_shell(command);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    for (uint64_t seed = 0; seed < 5; seed++) {
        _cleanup_outcome_ struct outcome outcome;
        decode(&(struct decoding){.codec = codec, .seed = seed}, encoded.data, encoded.len, &outcome);
        assert_refused(outcome.result, code, &outcome.err, why);
        cr_assert_eq(outcome.len, orig.len, "%s", command);
        cr_assert_eq(outcome.progress.verified, orig.len, "%s", command);
    }
}

/* As the tools do, which then end with an error or, gzip, a warning. */
Test(codec_damage, what_does_not_belong_behind_the_end_is_refused)
{
    assert_tail_refused("xz", "{ xz -c orig; printf 'something else'; } >sample", EIO, "garbage");
    assert_tail_refused("xz", "{ xz -c orig; printf 'some'; } >sample", EIO, "garbage");
    assert_tail_refused("xz", "{ xz -c orig; head -c 5 /dev/zero; } >sample", EIO, "padding");
    assert_tail_refused("xz", "{ xz -c orig; head -c 6 /dev/zero; xz -c orig; } >sample", EIO, "padding");
    assert_tail_refused("xz", "{ xz -c orig; printf '\\3757z'; } >sample", ENODATA, "ends");
    assert_tail_refused("zstd", "{ zstd -qc orig; printf 'something else'; } >sample", EIO, "garbage");
    assert_tail_refused("zstd", "{ zstd -qc orig; printf 'a'; } >sample", EIO, "garbage");
    assert_tail_refused("zstd", "{ zstd -qc orig; head -c 20 /dev/zero; } >sample", EIO, "garbage");
    assert_tail_refused("zstd", "{ zstd -qc orig; printf '(\\265/'; } >sample", ENODATA, "ends");
    assert_tail_refused("zstd", "{ zstd -qc orig; printf 'Z*M\\030\\007\\0\\0\\0abc'; } >sample", ENODATA,
                        "ends");
    assert_tail_refused("gzip", "{ gzip -c orig; printf 'something else'; } >sample", EIO, "garbage");
    assert_tail_refused("gzip", "{ gzip -c orig; head -c 20 /dev/zero; gzip -c orig; } >sample", EIO,
                        "garbage");
    assert_tail_refused("gzip", "{ gzip -c orig; printf '\\037\\213xx'; } >sample", EIO, "damaged");
    assert_tail_refused("gzip", "{ gzip -c orig; printf '\\037\\213'; } >sample", ENODATA, "ends");
}

static void assert_refused_at_once(const char *codec, const void *bytes, size_t len, int code,
                                   const char *why)
{
    _cleanup_outcome_ struct outcome outcome;
    decode(&(struct decoding){.codec = codec}, bytes, len, &outcome);
    assert_refused(outcome.result, code, &outcome.err, why);
    cr_assert_eq(outcome.len, 0);
}

Test(codec_damage, other_formats_are_refused)
{
    static const uint8_t dictionary[] = {0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 0, 1, 0, 0};
    static const uint8_t legacy[] = {0x27, 0xb5, 0x2f, 0xfd, 0x21, 7, 0, 1, 0, 0};
    assert_refused_at_once("xz", "", 0, ENODATA, "ends");
    assert_refused_at_once("zstd", "", 0, ENODATA, "ends");
    assert_refused_at_once("gzip", "", 0, ENODATA, "ends");
    assert_refused_at_once("xz", "hello, hello", 12, EIO, "no xz stream");
    assert_refused_at_once("xz", "hello", 5, EIO, "garbage");
    assert_refused_at_once("gzip", "hello", 5, EIO, "damaged");
    assert_refused_at_once("zstd", dictionary, sizeof dictionary, ENOTSUP, "not supported");
    assert_refused_at_once("zstd", legacy, sizeof legacy, EIO, "no zstd frame");
}

/* A check that is not known has the length of one that is, but verifies nothing. */
Test(codec_damage, an_unknown_xz_check_verifies_nothing)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell("xz -C crc32 -c orig >sample");
    _cleanup_bytes_ struct bytes file = read_whole("sample");
    uint8_t *footer = file.data + file.len - 12;
    file.data[7] = footer[9] = 2;
    put_le32(file.data + 8, (uint32_t)crc32(0, file.data + 6, 2));
    put_le32(footer, (uint32_t)crc32(0, footer + 4, 6));
    decode(&(struct decoding){.codec = "xz"}, file.data, file.len, &outcome);
    cr_assert_eq(outcome.result, 0, "%s", outcome.err.message);
    cr_assert(outcome.progress.unchecked && outcome.progress.verified == 0);
}
