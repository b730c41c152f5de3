/* Decoding: the same bytes as the tools give, in any pieces, from the start and from every restart point; what is
   verified when. */
#include <errno.h>

#include "base/cleanup.h"
#include "codec_test.h"

TestSuite(codec, .init = samples_open, .fini = scratch_close);

/* Calls TEST with each sample made. */
static void each_sample(void (*test)(const struct sample *sample, const struct bytes *encoded,
                                     const struct bytes *decoded))
{
    for (size_t i = 0; i < sample_count; i++) {
        _cleanup_bytes_ struct bytes encoded = {0};
        _cleanup_bytes_ struct bytes decoded = {0};
        sample_make(&samples[i], &encoded, &decoded);
        test(&samples[i], &encoded, &decoded);
    }
}

static void assert_recognised(const struct sample *sample, const struct bytes *encoded,
                              const struct bytes *decoded)
{
    size_t len = encoded->len < CODEC_HEAD_BYTES ? encoded->len : CODEC_HEAD_BYTES;
    const struct codec *codec = codec_recognise(encoded->data, len);
    (void)decoded;
    cr_assert(codec, "%s", sample->name);
    cr_assert_str_eq(codec_name(codec), sample->codec, "%s", sample->name);
    cr_assert_eq(codec_is_direct(codec), strcmp(sample->codec, "none") == 0);
}

Test(codec, is_recognised_by_content)
{
    each_sample(assert_recognised);
}

static void assert_decodes(const struct decoding *how, const struct sample *sample,
                           const struct bytes *encoded, const struct bytes *decoded)
{
    _cleanup_outcome_ struct outcome outcome;
    uint64_t from = how->at ? how->at->decoded : 0;
    decode(how, encoded->data, encoded->len, &outcome);
    cr_assert_eq(outcome.result, 0, "%s from %llu: %s", sample->name, (unsigned long long)from,
                 outcome.err.message);
    cr_assert_eq(from + outcome.len, decoded->len, "%s from %llu: %zu", sample->name,
                 (unsigned long long)from, outcome.len);
    cr_assert(!outcome.len || memcmp(outcome.data, decoded->data + from, outcome.len) == 0, "%s",
              sample->name);
    cr_assert_eq(outcome.progress.decoded, decoded->len);
    cr_assert_eq(outcome.progress.encoded, encoded->len);
    if (!sample->unchecked) {
        cr_assert(!outcome.progress.unchecked, "%s", sample->name);
        cr_assert_eq(outcome.progress.verified, decoded->len, "%s", sample->name);
    } else if (from == 0) {
        cr_assert(outcome.progress.unchecked, "%s", sample->name);
        cr_assert_lt(outcome.progress.verified, decoded->len, "%s", sample->name);
    }
}

static void assert_decodes_in_pieces(const struct sample *sample, const struct bytes *encoded,
                                     const struct bytes *decoded)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct decoding how = {.codec = sample->codec, .seed = seed};
        assert_decodes(&how, sample, encoded, decoded);
    }
}

Test(codec, any_pieces_give_the_tools_bytes)
{
    each_sample(assert_decodes_in_pieces);
}

static void assert_points_decode(const struct sample *sample, const struct bytes *encoded,
                                 const struct bytes *decoded)
{
    _cleanup_outcome_ struct outcome outcome;
    struct decoding how = {.codec = sample->codec};
    decode(&how, encoded->data, encoded->len, &outcome);
    cr_assert_geq(outcome.point_count, sample->units_min, "%s: %zu", sample->name, outcome.point_count);
    for (size_t i = 0; i < outcome.point_count; i++) {
        how.at = &outcome.points[i];
        how.seed = i;
        assert_decodes(&how, sample, encoded, decoded);
    }
}

Test(codec, every_restart_point_gives_the_rest)
{
    each_sample(assert_points_decode);
}

/* Pieces as small as can be, with every state of a decoder between them. */
static void assert_decodes_byte_by_byte(const struct sample *sample, const struct bytes *encoded,
                                        const struct bytes *decoded)
{
    struct codec_decoder *decoder;
    struct error err;
    size_t done = 0;
    size_t len = 0;
    uint8_t byte;
    assert_ok(codec_open(codec_by_name(sample->codec), NULL, &codec_limits_default, &decoder, &err), &err);
    for (size_t used, made, given = 1; given || made || used; done += used, len += made) {
        given = done < encoded->len;
        assert_ok(
            codec_run(decoder, given ? encoded->data + done : NULL, given, &used, &byte, 1, &made, &err),
            &err);
        cr_assert(made == 0 || byte == decoded->data[len], "%s at %zu", sample->name, len);
    }
    assert_ok(codec_finish(decoder, &err), &err);
    cr_assert_eq(len, decoded->len);
    codec_close(decoder);
}

Test(codec, byte_by_byte_gives_the_tools_bytes)
{
    each_sample(assert_decodes_byte_by_byte);
}

/* Until the check at the end of a unit nothing of it counts as verified. */
Test(codec, verified_moves_at_the_end_of_a_unit)
{
    static const struct {
        const char *codec;
        const char *command;
    } cases[] = {
        {"xz", "xz -c orig >sample"}, {"zstd", "zstd -q -c orig >sample"}, {"gzip", "gzip -c orig >sample"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_outcome_ struct outcome outcome;
        run_shell(cases[i].command);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        struct decoding how = {.codec = cases[i].codec, .seed = 3, .stop = ORIGINAL_SIZE - 1};
        decode(&how, encoded.data, encoded.len - 40, &outcome);
        cr_assert_gt(outcome.progress.decoded, 0);
        cr_assert_eq(outcome.progress.verified, 0);
        cr_assert(!outcome.progress.unchecked);
    }
}

Test(codec, a_tar_is_recognised_by_its_first_header)
{
    static const char *const formats[] = {"v7", "ustar", "gnu", "pax", "oldgnu"};
    uint8_t text[CODEC_HEAD_BYTES];
    memset(text, 'a', sizeof text);
    cr_assert_null(codec_recognise(text, sizeof text));
    memset(text, 0, sizeof text);
    cr_assert_null(codec_recognise(text, sizeof text));
    cr_assert_null(codec_recognise("", 0));
    cr_assert_null(codec_recognise("\xfd"
                                   "7zXZ",
                                   5));
    for (size_t i = 0; i < COUNT(formats); i++) {
        _cleanup_free_ char *command = NULL;
        cr_assert_gt(asprintf(&command, "tar --format=%s -cf sample orig", formats[i]), 0);
        run_shell(command);
        _cleanup_bytes_ struct bytes tar = read_whole("sample");
        cr_assert_str_eq(codec_name(codec_recognise(tar.data, CODEC_HEAD_BYTES)), "none");
        cr_assert_null(codec_recognise(tar.data, CODEC_HEAD_BYTES - 1));
        memset(tar.data + 257, 0, 8);
        tar.data[0]++;
        cr_assert_null(codec_recognise(tar.data, CODEC_HEAD_BYTES));
    }
}

Test(codec, names_lead_to_codecs)
{
    cr_assert_str_eq(codec_name(codec_by_name("zstd")), "zstd");
    cr_assert_null(codec_by_name("lzip"));
}
