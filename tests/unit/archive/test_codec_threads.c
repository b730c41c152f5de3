/* Decoding in threads: the same bytes, checks and restart points as without, or -EAGAIN. */
#include <errno.h>

#include "base/cleanup.h"
#include "codec_test.h"

#define MIB (1024ULL * 1024)

TestSuite(parallel, .init = samples_open, .fini = scratch_close);

static struct codec_limits limits_of(unsigned threads, uint64_t memory)
{
    struct codec_limits limits = codec_limits_default;
    limits.threads = threads;
    limits.threads_max = memory;
    return limits;
}

static const char threadable[] = "xz -0 -T2 --block-size=30000 -c orig >sample";

/* Decodes ENCODED both ways; what threads make of it is the result. */
static int compare(const char *codec, const struct bytes *encoded, uint64_t seed)
{
    _cleanup_outcome_ struct outcome serial;
    _cleanup_outcome_ struct outcome threads;
    struct codec_limits limits = limits_of(3, 64 * MIB);
    decode(&(struct decoding){.codec = codec, .seed = seed}, encoded->data, encoded->len, &serial);
    decode(&(struct decoding){.codec = codec, .limits = &limits, .seed = seed}, encoded->data, encoded->len,
           &threads);
    size_t len = threads.len < serial.len ? threads.len : serial.len;
    cr_assert(!len || memcmp(threads.data, serial.data, len) == 0);
    cr_assert_leq(threads.progress.verified, serial.progress.verified);
    if (threads.result != -EAGAIN) {
        cr_assert_eq(threads.result, serial.result, "%s; %s", threads.err.message, serial.err.message);
        cr_assert_eq(threads.progress.unchecked, serial.progress.unchecked);
        cr_assert(serial.result < 0 || threads.len == serial.len);
    }
    return threads.result;
}

/* Each restart point that threads report leads to the rest. */
static void assert_points(const struct bytes *encoded, size_t count)
{
    _cleanup_outcome_ struct outcome whole;
    struct codec_limits limits = limits_of(2, 64 * MIB);
    decode(&(struct decoding){.codec = "xz", .limits = &limits, .seed = 9}, encoded->data, encoded->len,
           &whole);
    cr_assert_eq(whole.result, 0, "%s", whole.err.message);
    cr_assert_geq(whole.point_count, count);
    for (size_t i = 0; i < whole.point_count; i++) {
        _cleanup_outcome_ struct outcome rest;
        size_t from = (size_t)whole.points[i].decoded;
        decode(&(struct decoding){.codec = "xz", .at = &whole.points[i]}, encoded->data, encoded->len, &rest);
        cr_assert_eq(rest.result, 0, "point %zu: %s", i, rest.err.message);
        cr_assert_eq(from + rest.len, whole.len);
        cr_assert(!rest.len || memcmp(rest.data, whole.data + from, rest.len) == 0);
    }
}

Test(parallel, any_sample_is_as_without)
{
    for (size_t i = 0; i < sample_count; i++) {
        _cleanup_bytes_ struct bytes encoded = {0};
        _cleanup_bytes_ struct bytes decoded = {0};
        sample_make(&samples[i], &encoded, &decoded);
        for (uint64_t seed = 0; seed < 3; seed++)
            cr_assert_eq(compare(samples[i].codec, &encoded, seed), 0, "%s", samples[i].name);
    }
}

Test(parallel, restart_points_are_met)
{
    run_shell(threadable);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    assert_points(&encoded, 14);
    run_shell(
        "{ head -c 150000 orig | xz -0 -T2 --block-size=20000 -c; head -c 8 /dev/zero; printf '' | xz -c; "
        "tail -c +150001 orig | xz -T2 -C sha256 --block-size=90000 -c; } >sample");
    _cleanup_bytes_ struct bytes streams = read_whole("sample");
    assert_points(&streams, 11);
}

/* Wherever a byte is wrong: in blocks, between them, behind them. */
Test(parallel, damage_is_left_to_one_thread)
{
    static const char *const commands[] = {
        threadable,
        "{ head -c 150000 orig | xz -0 -T2 --block-size=70000 -c; tail -c +150001 orig | xz -0 -T2 -c; } "
        ">sample",
    };
    uint64_t state = 7;
    for (size_t i = 0; i < COUNT(commands); i++) {
        run_shell(commands[i]);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        cr_assert_eq(compare("xz", &encoded, 1), 0);
        for (unsigned j = 0; j < 60; j++) {
            size_t at = j < 30 ? random_below(&state, (uint32_t)encoded.len) : encoded.len - 1 - 4 * (j - 30);
            encoded.data[at] ^= 0x10;
            cr_assert_lt(compare("xz", &encoded, j), 0, "byte %zu", at);
            encoded.data[at] ^= 0x10;
        }
        for (unsigned j = 0; j < 20; j++) {
            struct bytes cut = {encoded.data, random_below(&state, (uint32_t)encoded.len)};
            cr_assert_lt(compare("xz", &cut, j), 0, "cut at %zu", cut.len);
        }
    }
}

/* Blocks without sizes, or checks, behind some with them. */
Test(parallel, what_threads_cannot_decode_comes_behind_them)
{
    static const char *const others[] = {"xz -0 -T1 -c", "xz -0 -T2 -C none -c"};
    for (size_t i = 0; i < COUNT(others); i++) {
        _cleanup_free_ char *command = NULL;
        cr_assert_gt(asprintf(&command,
                              "{ head -c 150000 orig | xz -0 -T2 -c; tail -c +150001 orig | %s; } >sample",
                              others[i]),
                     0);
        run_shell(command);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        for (uint64_t seed = 0; seed < 3; seed++)
            cr_assert_eq(compare("xz", &encoded, seed), 0);
        assert_points(&encoded, 2);
    }
}

/* The window does not fit into the memory for threads: each block is decoded all the same. */
Test(parallel, what_threads_have_no_memory_for_is_decoded_in_turn)
{
    _cleanup_outcome_ struct outcome outcome;
    struct codec_limits limits = limits_of(2, 16 * MIB);
    run_shell("xz --lzma2=preset=0,dict=32MiB --block-size=60000 -T2 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    decode(&(struct decoding){.codec = "xz", .limits = &limits}, encoded.data, encoded.len, &outcome);
    cr_assert_eq(outcome.result, 0, "%s", outcome.err.message);
    cr_assert_eq(outcome.len, ORIGINAL_SIZE);
}

Test(parallel, limits_hold)
{
    struct codec_limits limits = limits_of(2, 64 * MIB);
    run_shell(threadable);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    for (unsigned i = 0; i < 3; i++) {
        _cleanup_outcome_ struct outcome outcome;
        limits.decoded_max = i == 0 ? 100000 : UINT64_MAX;
        limits.window_max = i == 1 ? 4096 : 64 * MIB;
        limits.memory_max = i == 2 ? 4096 : 64 * MIB;
        decode(&(struct decoding){.codec = "xz", .limits = &limits}, encoded.data, encoded.len, &outcome);
        cr_assert_eq(outcome.result, i == 0 ? -EFBIG : -EAGAIN, "%u: %s", i, outcome.err.message);
        cr_assert_eq(outcome.len, i == 0 ? 100000 : 0);
    }
}

/* Threads end, and memory is freed. */
Test(parallel, a_decoder_can_be_closed_on_its_way)
{
    _cleanup_outcome_ struct outcome outcome;
    struct codec_limits limits = limits_of(3, 64 * MIB);
    run_shell(threadable);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    decode(&(struct decoding){.codec = "xz", .limits = &limits, .seed = 5, .stop = 70000}, encoded.data,
           encoded.len, &outcome);
    cr_assert_eq(outcome.result, 0);
}
