/* Parts of readers: stretches, and sparse files put together from several. */
#include "reader/slice.h"

#include <errno.h>

#include "testing.h"

#define WHOLE_SIZE 10000

static const struct wait patient = {.timeout_ms = 1000};

/* Holds the pattern; says what became of it. */
struct whole {
    struct reader reader;
    int result;
    unsigned closed;
};

static int whole_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                       size_t *ret_n, struct error *err)
{
    const struct whole *whole = (const struct whole *)r;
    (void)wait;
    if (whole->result < 0)
        return error_set(err, -whole->result, "the whole");
    for (size_t i = 0; i < len; i++)
        ((char *)buf)[i] = pattern_at(offset + i);
    *ret_n = len;
    return 0;
}

static void whole_close(struct reader *r)
{
    ((struct whole *)r)->closed++;
}

static const struct reader_ops whole_ops = {.pread = whole_pread, .close = whole_close};

static struct whole whole = {.reader = {&whole_ops, WHOLE_SIZE}};

static struct reader *slice_of(uint64_t offset, uint64_t size)
{
    struct reader *reader;
    struct error err = {0};
    assert_ok(reader_open_slice(&whole.reader, offset, size, &reader, &err), &err);
    cr_assert_eq(reader->size, size);
    return reader;
}

static size_t read_at(struct reader *reader, void *buf, size_t len, uint64_t offset)
{
    size_t n = 0;
    struct error err = {0};
    assert_ok(reader_pread(reader, buf, len, offset, &patient, &n, &err), &err);
    return n;
}

Test(slice, a_stretch_reads_from_its_beginning_to_its_end)
{
    char bytes[WHOLE_SIZE];
    struct reader *reader = slice_of(1000, 500);
    cr_assert_eq(read_at(reader, bytes, sizeof bytes, 0), 500);
    cr_assert_eq(pattern_check(bytes, 500, 1000), 500);
    cr_assert_eq(read_at(reader, bytes, 7, 400), 7);
    cr_assert_eq(pattern_check(bytes, 7, 1400), 7);
    cr_assert_eq(read_at(reader, bytes, 200, 499), 1);
    cr_assert_eq(read_at(reader, bytes, 200, 500), 0);
    reader_close(reader);
    cr_assert_eq(whole.closed, 1);
}

Test(slice, a_stretch_lends_what_it_reads)
{
    struct loan loan;
    struct error err = {0};
    struct reader *reader = slice_of(9000, 1000);
    assert_ok(reader_lend(reader, 2000, 990, &patient, &loan, &err), &err);
    cr_assert_eq(loan.len, 10);
    cr_assert_eq(pattern_check(loan.pieces[0].iov_base, 10, 9990), 10);
    loan_release(&loan);
    reader_close(reader);
}

Test(slice, an_empty_stretch_may_stand_at_the_end)
{
    char byte;
    struct reader *reader = slice_of(WHOLE_SIZE, 0);
    cr_assert_eq(read_at(reader, &byte, 1, 0), 0);
    reader_close(reader);
}

Test(slice, what_lies_beyond_the_end_is_refused_and_the_whole_closed)
{
    static const uint64_t stretches[][2] = {
        {0, WHOLE_SIZE + 1}, {WHOLE_SIZE, 1}, {WHOLE_SIZE + 1, 0}, {UINT64_MAX, 2}, {2, UINT64_MAX}};
    for (size_t i = 0; i < COUNT(stretches); i++) {
        struct reader *reader = NULL;
        struct error err = {0};
        assert_refused(reader_open_slice(&whole.reader, stretches[i][0], stretches[i][1], &reader, &err),
                       EINVAL, &err, "slice");
        cr_assert_null(reader);
        cr_assert_eq(whole.closed, i + 1);
    }
}

Test(slice, what_fails_below_fails_above)
{
    char byte;
    size_t n = 5;
    struct error err = {0};
    struct reader *reader = slice_of(0, 10);
    whole.result = -ESTALE;
    assert_refused(reader_pread(reader, &byte, 1, 0, &patient, &n, &err), ESTALE, &err, "the whole");
    cr_assert_eq(n, 5);
    reader_close(reader);
}

/* Two parts, a hole before, between and behind them. */
static const struct reader_extent extents[] = {{100, 50, 2000}, {300, 200, 5000}};

static struct reader *sparse_of(const struct reader_extent *parts, size_t count, uint64_t size)
{
    struct reader *reader;
    struct error err = {0};
    assert_ok(reader_open_sparse(&whole.reader, parts, count, size, &reader, &err), &err);
    cr_assert_eq(reader->size, size);
    return reader;
}

static char wanted_at(uint64_t offset)
{
    for (size_t i = 0; i < COUNT(extents); i++)
        if (offset >= extents[i].offset && offset < extents[i].offset + extents[i].size)
            return pattern_at(extents[i].at + (offset - extents[i].offset));
    return 0;
}

/* Every beginning and many lengths, so that reads begin and end in, at and between all parts. */
Test(slice, a_sparse_file_has_zeros_between_its_parts)
{
    char bytes[600];
    struct reader *reader = sparse_of(extents, COUNT(extents), sizeof bytes);
    for (size_t offset = 0; offset < sizeof bytes; offset++) {
        for (size_t len = 1; len <= sizeof bytes; len += 37) {
            size_t left = sizeof bytes - offset;
            size_t n = read_at(reader, bytes, len, offset);
            cr_assert_eq(n, len < left ? len : left);
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(bytes[i], wanted_at(offset + i), "byte %zu", offset + i);
        }
    }
    reader_close(reader);
    cr_assert_eq(whole.closed, 1);
}

Test(slice, a_file_may_be_one_hole_or_nothing)
{
    char bytes[8] = "nothing";
    struct reader *reader = sparse_of(NULL, 0, 1ULL << 62);
    cr_assert_eq(read_at(reader, bytes, sizeof bytes, (1ULL << 62) - 8), 8);
    cr_assert_arr_eq(bytes, "\0\0\0\0\0\0\0\0", 8);
    reader_close(reader);
    reader = sparse_of(NULL, 0, 0);
    cr_assert_eq(read_at(reader, bytes, sizeof bytes, 0), 0);
    reader_close(reader);
}

Test(slice, maps_that_make_no_sense_are_refused)
{
    static const struct reader_extent maps[][2] = {
        {{100, 50, 0}, {149, 10, 500}},        /* overlapping */
        {{100, 50, 0}, {50, 10, 500}},         /* descending */
        {{100, 50, 0}, {590, 11, 500}},        /* beyond the file's end */
        {{100, 50, 0}, {UINT64_MAX, 2, 500}},  /* beyond all numbers */
        {{100, 50, 0}, {300, 10, 9991}},       /* beyond the whole's end */
        {{100, 50, 0}, {300, UINT64_MAX, 10}}, /* longer than anything */
    };
    for (size_t i = 0; i < COUNT(maps); i++) {
        struct reader *reader = NULL;
        struct error err = {0};
        assert_refused(reader_open_sparse(&whole.reader, maps[i], 2, 600, &reader, &err), EINVAL, &err,
                       "sparse");
        cr_assert_null(reader, "map %zu", i);
        cr_assert_eq(whole.closed, i + 1);
    }
}

Test(slice, a_sparse_file_over_a_whole_that_fails_fails)
{
    char bytes[600];
    size_t n = 5;
    struct error err = {0};
    struct reader *reader = sparse_of(extents, COUNT(extents), sizeof bytes);
    whole.result = -EIO;
    assert_refused(reader_pread(reader, bytes, sizeof bytes, 0, &patient, &n, &err), EIO, &err, "the whole");
    cr_assert_eq(n, 5);
    cr_assert_eq(read_at(reader, bytes, 100, 0), 100); /* a hole needs nothing of the whole */
    reader_close(reader);
}
