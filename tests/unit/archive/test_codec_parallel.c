/* Decoding units at once: the same bytes, checks, restart points and failures as one after the other. */
#include <errno.h>

#include "base/cleanup.h"
#include "codec_test.h"

#define MIB (1024ULL * 1024)

TestSuite(parallel, .init = samples_open, .fini = scratch_close);

static struct codec_index *index_of(const char *codec, const struct bytes *encoded)
{
    struct codec_index *index = NULL;
    struct error err = {0};
    assert_ok(read_index(codec, encoded->data, encoded->len, NULL, &index, &err), &err);
    return index;
}

/* Decodes ENCODED both ways by INDEX, which need not be its own, and compares. */
static void assert_same(const char *codec, const struct codec_index *index, const struct bytes *encoded,
                        uint64_t seed)
{
    _cleanup_outcome_ struct outcome serial;
    _cleanup_outcome_ struct outcome parallel;
    decode(&(struct decoding){.codec = codec, .seed = seed}, encoded->data, encoded->len, &serial);
    struct decoding how = {.codec = codec, .index = index, .threads = 3, .memory = 64 * MIB, .seed = seed};
    decode(&how, encoded->data, encoded->len, &parallel);
    cr_assert_eq(parallel.result, serial.result, "%s; %s", parallel.err.message, serial.err.message);
    /* how much of a damaged unit is decoded depends on the pieces */
    size_t len = parallel.len < serial.len ? parallel.len : serial.len;
    cr_assert(serial.result < 0 || parallel.len == serial.len);
    cr_assert_geq(len, serial.progress.verified);
    cr_assert(!len || memcmp(parallel.data, serial.data, len) == 0);
    cr_assert_eq(parallel.progress.verified, serial.progress.verified);
    cr_assert_eq(parallel.progress.unchecked, serial.progress.unchecked);
}

/* Each restart point of a parallel decoder leads to the rest, be that decoded in turn or at once. */
static void assert_points(const char *codec, const struct codec_index *index, const struct bytes *encoded)
{
    _cleanup_outcome_ struct outcome whole;
    struct decoding how = {.codec = codec, .index = index, .threads = 2, .memory = 64 * MIB};
    decode(&how, encoded->data, encoded->len, &whole);
    cr_assert_eq(whole.result, 0, "%s", whole.err.message);
    cr_assert_geq(whole.point_count, codec_index_count(index));
    for (size_t i = 0; i < whole.point_count; i++) {
        _cleanup_outcome_ struct outcome rest;
        _cleanup_outcome_ struct outcome at_once = {0};
        size_t from = (size_t)whole.points[i].decoded;
        decode(&(struct decoding){.codec = codec, .at = &whole.points[i]}, encoded->data, encoded->len,
               &rest);
        cr_assert_eq(rest.result, 0, "point %zu: %s", i, rest.err.message);
        cr_assert_eq(from + rest.len, whole.len);
        cr_assert(!rest.len || memcmp(rest.data, whole.data + from, rest.len) == 0);
        how.at = &whole.points[i];
        if (!codec_index_ends_at(index, how.at) || i + 2 >= codec_index_count(index))
            continue;
        decode(&how, encoded->data, encoded->len, &at_once);
        cr_assert_eq(at_once.result, 0, "point %zu: %s", i, at_once.err.message);
        cr_assert_eq(from + at_once.len, whole.len);
        cr_assert_eq(memcmp(at_once.data, whole.data + from, at_once.len), 0);
    }
}

Test(parallel, of_xz_is_as_one_after_the_other)
{
    for (size_t i = 0; i < sample_count; i++) {
        _cleanup_bytes_ struct bytes encoded = {0};
        _cleanup_bytes_ struct bytes decoded = {0};
        if (strcmp(samples[i].codec, "xz") != 0 || samples[i].units_min < 2)
            continue;
        sample_make(&samples[i], &encoded, &decoded);
        struct codec_index *index = index_of("xz", &encoded);
        for (uint64_t seed = 0; seed < 3; seed++)
            assert_same("xz", index, &encoded, seed);
        assert_points("xz", index, &encoded);
        codec_index_close(index);
    }
}

Test(parallel, of_a_seekable_zstd_is_as_one_after_the_other)
{
    for (unsigned i = 0; i < 4; i++) {
        write_seekable(30000, i & 1, i & 2);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        struct codec_index *index = index_of("zstd", &encoded);
        if (i & 2) /* else checksums in the table make more verified than there is otherwise */
            assert_same("zstd", index, &encoded, i);
        assert_points("zstd", index, &encoded);
        codec_index_close(index);
    }
}

/* Wherever a byte is wrong: in blocks, between them, behind them. The index is that of the sound archive. */
Test(parallel, damage_is_met_where_it_is)
{
    static const char *const commands[] = {
        "xz -0 -T2 --block-size=60000 -c orig >sample",
        "{ head -c 150000 orig | xz -0 --block-size=70000 -c; tail -c +150001 orig | xz -0 -c; } >sample",
    };
    uint64_t state = 7;
    for (size_t i = 0; i < COUNT(commands); i++) {
        run_shell(commands[i]);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        struct codec_index *index = index_of("xz", &encoded);
        for (unsigned j = 0; j < 60; j++) {
            size_t at = j < 30 ? random_below(&state, (uint32_t)encoded.len) : encoded.len - 1 - 4 * (j - 30);
            encoded.data[at] ^= 0x10;
            assert_same("xz", index, &encoded, j);
            encoded.data[at] ^= 0x10;
        }
        codec_index_close(index);
    }
}

/* The index of another archive: nothing it says is true, and nothing is the worse for it. */
Test(parallel, an_index_that_lies_is_given_up)
{
    static const char *const others[] = {
        "xz -0 -T2 --block-size=50000 -c orig >sample",
        "xz -0 -T2 --block-size=60001 -c orig >sample",
        "head -c 300000 orig | xz -1 -T2 --block-size=60000 -c >sample",
    };
    run_shell("xz -0 -T2 --block-size=60000 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    for (size_t i = 0; i < COUNT(others); i++) {
        run_shell(others[i]);
        _cleanup_bytes_ struct bytes other = read_whole("sample");
        struct codec_index *index = index_of("xz", &other);
        assert_same("xz", index, &encoded, i);
        codec_index_close(index);
    }
}

Test(parallel, what_is_not_worth_it_is_left)
{
    struct codec_decoder *decoder = NULL;
    struct error err = {0};
    run_shell("xz -0 -T2 --block-size=100000 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    struct codec_index *index = index_of("xz", &encoded);
    const struct codec_limits *limits = &codec_limits_default;
    assert_ok(codec_open_parallel(codec_by_name("xz"), index, NULL, limits, 1, 64 * MIB, &decoder, &err),
              &err);
    cr_assert_null(decoder);
    assert_ok(codec_open_parallel(codec_by_name("xz"), index, NULL, limits, 4, 4 * MIB, &decoder, &err),
              &err);
    cr_assert_null(decoder);
    codec_index_close(index);
    run_shell("xz -0 -c orig >sample");
    _cleanup_bytes_ struct bytes single = read_whole("sample");
    index = index_of("xz", &single);
    assert_ok(codec_open_parallel(codec_by_name("xz"), index, NULL, limits, 4, 64 * MIB, &decoder, &err),
              &err);
    cr_assert_null(decoder);
    codec_index_close(index);
}

/* The window does not fit into a worker's share: each unit is decoded all the same. */
Test(parallel, what_workers_have_no_memory_for_is_decoded_in_turn)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell("xz --lzma2=preset=0,dict=32MiB --block-size=60000 -T2 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    _cleanup_bytes_ struct bytes orig = read_whole("orig");
    struct codec_index *index = index_of("xz", &encoded);
    struct decoding how = {.codec = "xz", .index = index, .threads = 2, .memory = 16 * MIB};
    decode(&how, encoded.data, encoded.len, &outcome);
    cr_assert_eq(outcome.result, 0, "%s", outcome.err.message);
    cr_assert_eq(outcome.len, orig.len);
    cr_assert_eq(memcmp(outcome.data, orig.data, orig.len), 0);
    codec_index_close(index);
}

Test(parallel, who_stops_half_way_leaves_nothing_behind)
{
    _cleanup_outcome_ struct outcome outcome;
    run_shell("xz -0 -T2 --block-size=20000 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    struct codec_index *index = index_of("xz", &encoded);
    struct decoding how = {
        .codec = "xz", .index = index, .threads = 3, .memory = 64 * MIB, .seed = 5, .stop = 70000};
    decode(&how, encoded.data, encoded.len, &outcome);
    cr_assert_eq(outcome.result, 0);
    codec_index_close(index);
}

/* The index of an archive of many streams is all over it. */
Test(parallel, an_index_in_too_many_places_is_not_read)
{
    struct codec_limits limits = codec_limits_default;
    struct codec_index *index = NULL;
    struct error err = {0};
    limits.reads_max = 3;
    run_shell("for i in 1 2 3 4 5 6; do head -c 40000 /dev/urandom | xz -0 -c; done >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    assert_refused(read_index("xz", encoded.data, encoded.len, &limits, &index, &err), E2BIG, &err, "places");
    limits.reads_max = 100;
    assert_ok(read_index("xz", encoded.data, encoded.len, &limits, &index, &err), &err);
    codec_index_close(index);
}
