/* Indexes: units as they are decoded from, and what happens to those that lie. */
#include <errno.h>

#include "base/cleanup.h"
#include "codec_test.h"

TestSuite(codec_index, .init = samples_open, .fini = scratch_close);

/* Whether a unit that an index tells of is found, and decodes to what it says, when decoding begins there. */
static void assert_unit(const char *codec, const struct codec_index *index, size_t number,
                        const struct bytes *encoded, const struct bytes *decoded)
{
    _cleanup_outcome_ struct outcome outcome;
    struct codec_stretch unit;
    size_t found;
    codec_index_get(index, number, &unit);
    if (unit.decoded_len > 0) {
        cr_assert(codec_index_find(index, unit.point.decoded, &found));
        cr_assert_eq(found, number);
        cr_assert(codec_index_find(index, unit.point.decoded + unit.decoded_len - 1, &found));
        cr_assert_eq(found, number);
    }
    struct decoding how = {.codec = codec, .at = &unit.point, .index = index, .seed = number};
    decode(&how, encoded->data, encoded->len, &outcome);
    cr_assert_eq(outcome.result, 0, "unit %zu: %s", number, outcome.err.message);
    cr_assert_eq(unit.point.decoded + outcome.len, decoded->len);
    cr_assert(!outcome.len || memcmp(outcome.data, decoded->data + unit.point.decoded, outcome.len) == 0);
    cr_assert_eq(outcome.points[0].decoded, unit.point.decoded + unit.decoded_len);
    cr_assert_eq(outcome.points[0].encoded, unit.point.encoded + unit.encoded_len);
}

static void assert_indexed(const char *codec, const struct codec_index *index, const struct bytes *encoded,
                           const struct bytes *decoded)
{
    _cleanup_outcome_ struct outcome outcome;
    struct decoding how = {.codec = codec, .index = index, .seed = 9};
    size_t found;
    cr_assert_eq(codec_index_decoded_size(index), decoded->len);
    cr_assert(!codec_index_find(index, decoded->len, &found));
    decode(&how, encoded->data, encoded->len, &outcome);
    cr_assert_eq(outcome.result, 0, "%s", outcome.err.message);
    cr_assert_eq(outcome.len, decoded->len);
    for (size_t i = 0; i < codec_index_count(index); i++)
        assert_unit(codec, index, i, encoded, decoded);
}

Test(codec_index, of_xz_has_every_block_of_every_stream)
{
    for (size_t i = 0; i < sample_count; i++) {
        if (strcmp(samples[i].codec, "xz") != 0)
            continue;
        _cleanup_bytes_ struct bytes encoded = {0};
        _cleanup_bytes_ struct bytes decoded = {0};
        struct codec_index *index = NULL;
        struct error err = {0};
        sample_make(&samples[i], &encoded, &decoded);
        assert_ok(read_index("xz", encoded.data, encoded.len, NULL, &index, &err), &err);
        cr_assert_geq(codec_index_count(index), samples[i].units_min, "%s", samples[i].name);
        assert_indexed("xz", index, &encoded, &decoded);
        codec_index_close(index);
    }
}

Test(codec_index, of_a_seekable_zstd_has_every_frame)
{
    for (unsigned i = 0; i < 4; i++) {
        bool table_sums = i & 1;
        bool frame_sums = i & 2;
        struct codec_index *index = NULL;
        struct error err = {0};
        write_seekable(30000, table_sums, frame_sums);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        _cleanup_bytes_ struct bytes decoded = read_whole("orig");
        assert_ok(read_index("zstd", encoded.data, encoded.len, NULL, &index, &err), &err);
        cr_assert_eq(codec_index_count(index), (ORIGINAL_SIZE + 29999) / 30000);
        assert_indexed("zstd", index, &encoded, &decoded);
        codec_index_close(index);
    }
}

/* The table's checksums are as good as those in the frames. */
Test(codec_index, checksums_of_a_seek_table_verify)
{
    _cleanup_outcome_ struct outcome followed;
    _cleanup_outcome_ struct outcome plain;
    struct codec_index *index = NULL;
    struct error err = {0};
    write_seekable(30000, true, false);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    assert_ok(read_index("zstd", encoded.data, encoded.len, NULL, &index, &err), &err);
    decode(&(struct decoding){.codec = "zstd", .index = index}, encoded.data, encoded.len, &followed);
    cr_assert(!followed.progress.unchecked && followed.progress.verified == ORIGINAL_SIZE);
    decode(&(struct decoding){.codec = "zstd"}, encoded.data, encoded.len, &plain);
    cr_assert(plain.progress.unchecked && plain.progress.verified == 0);
    codec_index_close(index);
}

Test(codec_index, there_is_none_where_the_archive_has_none)
{
    for (size_t i = 0; i < sample_count; i++) {
        if (strcmp(samples[i].codec, "xz") == 0)
            continue;
        char untouched;
        struct codec_index *index = (struct codec_index *)&untouched;
        struct error err = {0};
        run_shell(samples[i].command);
        _cleanup_bytes_ struct bytes encoded = read_whole("sample");
        assert_ok(read_index(samples[i].codec, encoded.data, encoded.len, NULL, &index, &err), &err);
        cr_assert_null(index, "%s", samples[i].name);
    }
}

Test(codec_index, entries_are_limited)
{
    struct codec_limits limits = codec_limits_default;
    struct codec_index *index = NULL;
    struct error err = {0};
    limits.entries_max = 13;
    run_shell("xz -T2 --block-size=30000 -c orig >sample");
    _cleanup_bytes_ struct bytes xz = read_whole("sample");
    assert_refused(read_index("xz", xz.data, xz.len, &limits, &index, &err), E2BIG, &err, "limit of 13");
    write_seekable(30000, false, true);
    _cleanup_bytes_ struct bytes zstd = read_whole("sample");
    assert_refused(read_index("zstd", zstd.data, zstd.len, &limits, &index, &err), E2BIG, &err,
                   "limit is 13");
    cr_assert_null(index);
    limits.entries_max = 14;
    assert_ok(read_index("xz", xz.data, xz.len, &limits, &index, &err), &err);
    codec_index_close(index);
    assert_ok(read_index("zstd", zstd.data, zstd.len, &limits, &index, &err), &err);
    codec_index_close(index);
}

/* Streams without blocks cost memory, too. */
Test(codec_index, empty_xz_streams_are_limited)
{
    struct codec_limits limits = codec_limits_default;
    struct codec_index *index = NULL;
    struct error err = {0};
    limits.entries_max = 1000;
    run_shell("xz -c /dev/null >one && for i in 1 2 3 4 5 6 7 8 9 10; do cat one one >two; mv two one; done");
    _cleanup_bytes_ struct bytes encoded = read_whole("one");
    assert_refused(read_index("xz", encoded.data, encoded.len, &limits, &index, &err), E2BIG, &err,
                   "streams");
    cr_assert_null(index);
}

static void assert_table_refused(const uint8_t *encoded, size_t len, int code, const char *why)
{
    struct codec_index *index = NULL;
    struct error err = {0};
    assert_refused(read_index("zstd", encoded, len, NULL, &index, &err), code, &err, why);
    cr_assert_null(index);
}

Test(codec_index, a_seek_table_that_does_not_add_up_is_refused)
{
    write_seekable(200000, false, true);
    _cleanup_bytes_ struct bytes file = read_whole("sample");
    uint8_t *table = file.data + file.len - 9 - 2 * 8;
    uint8_t *count = file.data + file.len - 9;
    uint32_t first = get_le32(table);
    put_le32(table, first + 1);
    assert_table_refused(file.data, file.len, EIO, "cannot be");
    put_le32(table, first - 1);
    assert_table_refused(file.data, file.len, EIO, "add up");
    put_le32(table, 7);
    assert_table_refused(file.data, file.len, EIO, "cannot be");
    put_le32(table, UINT32_MAX);
    assert_table_refused(file.data, file.len, EIO, "cannot be");
    put_le32(table, first);
    put_le32(count, 3);
    assert_table_refused(file.data, file.len, EIO, "where its length says");
    put_le32(count, UINT32_MAX);
    assert_table_refused(file.data, file.len, EIO, "longer than the file");
    put_le32(count, UINT32_MAX / 8);
    assert_table_refused(file.data, file.len, EIO, "longer than the file");
    put_le32(count, 2);
    count[4] = 0x04;
    assert_table_refused(file.data, file.len, ENOTSUP, "not known");
    count[4] = 0x80;
    assert_table_refused(file.data, file.len, EIO, "where its length says");
    count[4] = 0;
    put_le32(table - 4, 26);
    assert_table_refused(file.data, file.len, EIO, "where its length says");
}

/* Decodes with a table whose entries were tampered with but add up to the file's size. */
static void assert_lie_is_found(const struct bytes *file, size_t begin, uint64_t wrong_from)
{
    _cleanup_outcome_ struct outcome outcome;
    _cleanup_bytes_ struct bytes orig = read_whole("orig");
    struct codec_index *index = NULL;
    struct codec_stretch unit;
    struct error err = {0};
    assert_ok(read_index("zstd", file->data, file->len, NULL, &index, &err), &err);
    codec_index_get(index, begin, &unit);
    decode(&(struct decoding){.codec = "zstd", .at = &unit.point, .index = index, .seed = 5}, file->data,
           file->len, &outcome);
    cr_assert_eq(outcome.result, -EIO);
    cr_assert_leq(outcome.progress.verified, wrong_from);
    cr_assert_leq(outcome.progress.decoded, wrong_from + 100000);
    cr_assert(!outcome.len || memcmp(outcome.data, orig.data + unit.point.decoded, outcome.len) == 0);
    codec_index_close(index);
}

Test(codec_index, a_seek_table_that_lies_is_found_out)
{
    write_seekable(100000, true, true);
    _cleanup_bytes_ struct bytes file = read_whole("sample");
    uint8_t *table = file.data + file.len - 9 - 4 * 12;
    uint32_t len1 = get_le32(table + 12);
    uint32_t len2 = get_le32(table + 24);
    put_le32(table + 12 + 4, 99999); /* a frame decodes to less, the next one to more */
    put_le32(table + 24 + 4, 100001);
    assert_lie_is_found(&file, 0, 100000);
    assert_lie_is_found(&file, 1, 100000);
    put_le32(table + 12 + 4, 100001);
    put_le32(table + 24 + 4, 99999);
    assert_lie_is_found(&file, 0, 100000);
    put_le32(table + 12 + 4, 100000);
    put_le32(table + 24 + 4, 100000);
    put_le32(table + 12, len1 + 1); /* a frame is longer, the next one shorter */
    put_le32(table + 24, len2 - 1);
    assert_lie_is_found(&file, 0, 100000);
    put_le32(table + 12, len1);
    put_le32(table + 24, len2);
    table[12 + 8] ^= 1; /* a checksum */
    assert_lie_is_found(&file, 0, 100000);
    assert_lie_is_found(&file, 1, 100000);
    table[12 + 8] ^= 1;
    put_le32(table + 36 + 4, 100001); /* the last frame, behind which nothing comes */
    assert_lie_is_found(&file, 0, 300000);
}

/* An index of one archive held against another of the same sizes but for one block. */
Test(codec_index, an_xz_index_of_another_file_is_found_out)
{
    _cleanup_outcome_ struct outcome outcome;
    struct codec_index *index = NULL;
    struct error err = {0};
    run_shell(
        "xz --block-list=100000,100000,0 -c orig >sample && xz --block-list=100000,99999,0 -c orig >other");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    _cleanup_bytes_ struct bytes other = read_whole("other");
    _cleanup_bytes_ struct bytes orig = read_whole("orig");
    assert_ok(read_index("xz", other.data, other.len, NULL, &index, &err), &err);
    decode(&(struct decoding){.codec = "xz", .index = index, .seed = 2}, encoded.data, encoded.len, &outcome);
    cr_assert_eq(outcome.result, -EIO);
    cr_assert(strstr(outcome.err.message, "index"), "%s", outcome.err.message);
    cr_assert_leq(outcome.len, 199999);
    cr_assert_eq(outcome.progress.verified, 100000);
    cr_assert_eq(memcmp(outcome.data, orig.data, outcome.len), 0);
    codec_index_close(index);
}

/* Any damage to index and footer is seen by reading the index, by checksums at the latest. */
Test(codec_index, a_damaged_xz_index_is_refused)
{
    run_shell("xz --block-size=20000 -c orig >sample");
    _cleanup_bytes_ struct bytes file = read_whole("sample");
    uint32_t index_len = (get_le32(file.data + file.len - 8) + 1) * 4;
    for (size_t i = file.len - 12 - index_len; i < file.len; i++) {
        struct codec_index *index = NULL;
        file.data[i] ^= 0x10;
        int result = read_index("xz", file.data, file.len, NULL, &index, NULL);
        cr_assert(result == -EIO || result == -ENOTSUP, "byte %zu: %d", i, result);
        cr_assert_null(index);
        file.data[i] ^= 0x10;
    }
}

Test(codec_index, a_cut_xz_file_has_no_valid_index)
{
    run_shell("xz --block-size=20000 -c orig >sample");
    _cleanup_bytes_ struct bytes file = read_whole("sample");
    static const size_t cuts[] = {0, 1, 11, 12, 24, 32, 1000, 50000};
    for (size_t i = 0; i < COUNT(cuts) + 40; i++) {
        struct codec_index *index = NULL;
        struct error err = {0};
        size_t len = i < COUNT(cuts) ? cuts[i] : file.len - 1 - (i - COUNT(cuts));
        assert_refused(read_index("xz", file.data, len, NULL, &index, &err), EIO, &err, "xz index");
    }
}

/* Longer than what is read at once. */
Test(codec_index, of_thousands_of_xz_blocks)
{
    _cleanup_outcome_ struct outcome outcome;
    struct codec_limits limits = codec_limits_default;
    struct codec_index *index = NULL;
    struct error err = {0};
    run_shell("xz --lzma2=preset=0,dict=4KiB --block-size=30 -c orig >sample");
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    _cleanup_bytes_ struct bytes orig = read_whole("orig");
    assert_ok(read_index("xz", encoded.data, encoded.len, NULL, &index, &err), &err);
    cr_assert_eq(codec_index_count(index), (ORIGINAL_SIZE + 29) / 30);
    assert_unit("xz", index, 13000, &encoded, &orig);
    decode(&(struct decoding){.codec = "xz", .index = index}, encoded.data, encoded.len, &outcome);
    cr_assert_eq(outcome.result, 0, "%s", outcome.err.message);
    cr_assert_eq(outcome.len, orig.len);
    codec_index_close(index);
    index = NULL;
    limits.memory_max = 50000;
    assert_refused(read_index("xz", encoded.data, encoded.len, &limits, &index, &err), E2BIG, &err, "blocks");
}

struct failing_reader {
    struct reader reader;
    const uint8_t *data;
    unsigned good; /* reads before the first that fails */
};

static int failing_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                         size_t *ret_n, struct error *err)
{
    struct failing_reader *failing = (struct failing_reader *)r;
    if (wait->timeout_ms == 0)
        return -EAGAIN;
    if (failing->good == 0)
        return error_set(err, ESTALE, "the object changed");
    failing->good--;
    memcpy(buf, failing->data + offset, len);
    *ret_n = len;
    return 0;
}

/* What reading the archive fails with is what reading its index fails with. */
static void assert_failures_pass(const char *name, unsigned reads)
{
    static const struct reader_ops ops = {.pread = failing_pread};
    static const struct wait patient = {.timeout_ms = 10000};
    static const struct wait at_once = {0};
    const struct codec *codec = codec_by_name(name);
    _cleanup_bytes_ struct bytes encoded = read_whole("sample");
    struct failing_reader failing = {{&ops, encoded.len}, encoded.data, 0};
    struct codec_index *index = NULL;
    struct error err = {0};
    cr_assert_eq(codec_read_index(codec, &failing.reader, &codec_limits_default, &at_once, &index, &err),
                 -EAGAIN);
    for (unsigned good = 0; good < reads; good++) {
        failing.good = good;
        assert_refused(
            codec_read_index(codec, &failing.reader, &codec_limits_default, &patient, &index, &err), ESTALE,
            &err, "changed");
    }
    cr_assert_null(index);
    failing.good = reads;
    assert_ok(codec_read_index(codec, &failing.reader, &codec_limits_default, &patient, &index, &err), &err);
    codec_index_close(index);
}

Test(codec_index, failing_reads_are_passed_on)
{
    run_shell("xz --block-size=30000 -c orig >sample");
    assert_failures_pass("xz", 2);
    write_seekable(30000, true, true);
    assert_failures_pass("zstd", 3);
}
