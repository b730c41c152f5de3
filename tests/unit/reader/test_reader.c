/* The reading interface: what reaches a reader of any kind. */
#include "reader/reader.h"

#include <errno.h>

#include "testing.h"

/* Notes what it was asked for and fails on demand. */
struct probe {
    struct reader reader;
    unsigned calls;
    size_t len;
    uint64_t offset;
    int result;
    bool closed;
};

static int probe_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                       size_t *ret_n, struct error *err)
{
    struct probe *probe = (struct probe *)r;
    (void)buf, (void)wait;
    probe->calls++;
    probe->len = len;
    probe->offset = offset;
    if (probe->result < 0)
        return error_set(err, -probe->result, "probe");
    *ret_n = len;
    return 0;
}

static void probe_close(struct reader *r)
{
    ((struct probe *)r)->closed = true;
}

static const struct reader_ops probe_ops = {.pread = probe_pread, .close = probe_close};

static const struct wait patient = {.timeout_ms = 1000};

Test(reader, a_read_is_cut_at_the_end_of_the_data)
{
    struct probe probe = {.reader = {&probe_ops, 100}};
    size_t n = 0;
    cr_assert_eq(reader_pread(&probe.reader, NULL, 40, 20, &patient, &n, NULL), 0);
    cr_assert_eq(n, 40);
    cr_assert_eq(reader_pread(&probe.reader, NULL, 40, 90, &patient, &n, NULL), 0);
    cr_assert_eq(n, 10);
    cr_assert_eq(probe.offset, 90);
    cr_assert_eq(reader_pread(&probe.reader, NULL, SIZE_MAX, 1, &patient, &n, NULL), 0);
    cr_assert_eq(n, 99);
}

Test(reader, nothing_is_asked_past_the_end_or_for_nothing)
{
    struct probe probe = {.reader = {&probe_ops, 100}};
    static const uint64_t offsets[] = {100, 101, UINT64_MAX};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        size_t n = 5;
        cr_assert_eq(reader_pread(&probe.reader, NULL, 10, offsets[i], &patient, &n, NULL), 0);
        cr_assert_eq(n, 0);
    }
    size_t n = 5;
    cr_assert_eq(reader_pread(&probe.reader, NULL, 0, 0, &patient, &n, NULL), 0);
    cr_assert_eq(n, 0);
    cr_assert_eq(probe.calls, 0);
}

Test(reader, a_failure_leaves_the_count_untouched)
{
    struct probe probe = {.reader = {&probe_ops, 100}, .result = -EIO};
    struct error err = {0};
    size_t n = 5;
    assert_refused(reader_pread(&probe.reader, NULL, 10, 0, &patient, &n, &err), EIO, &err, "probe");
    cr_assert_eq(n, 5);
}

Test(reader, closing_closes_and_takes_null)
{
    struct probe probe = {.reader = {&probe_ops, 1}};
    reader_close(&probe.reader);
    cr_assert(probe.closed);
    reader_close(NULL);
}

static int take(void *context, const void *bytes, size_t len, struct error *err)
{
    uint64_t *taken = context;
    (void)bytes;
    *taken += len;
    return *taken > 2000000 ? error_set(err, ENOSPC, "full") : 0;
}

Test(reader, a_pass_gives_all_from_an_offset_on)
{
    struct probe probe = {.reader = {&probe_ops, 1500000}};
    uint64_t taken = 0;
    cr_assert_eq(reader_pass(&probe.reader, 5, &patient, take, &taken, NULL), 0);
    cr_assert_eq(taken, 1499995);
    cr_assert_eq(probe.offset, 1048576, "whole blocks but for the first");
    cr_assert_eq(reader_pass(&probe.reader, 1500000, &patient, take, &taken, NULL), 0);
    cr_assert_eq(probe.calls, 2);
}

Test(reader, a_pass_ends_with_a_failure_of_either_side)
{
    struct probe probe = {.reader = {&probe_ops, 100000000}};
    struct error err = {0};
    uint64_t taken = 0;
    assert_refused(reader_pass(&probe.reader, 0, &patient, take, &taken, &err), ENOSPC, &err, "full");
    cr_assert_eq(probe.calls, 2);
    probe.result = -EIO;
    assert_refused(reader_pass(&probe.reader, 0, &patient, take, &taken, &err), EIO, &err, "probe");
    cr_assert_eq(probe.calls, 3);
}
