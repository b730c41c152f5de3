/* Blocks on their way: one fetch for all who wait, what a failure and a cancellation do. */
#include <errno.h>

#include "cache_test.h"

#define LONG_MS 600000

static const struct wait patient = {.timeout_ms = LONG_MS};
static const struct wait at_once = {0};

static struct reader *reader;

static void set_up(void)
{
    cache_set_up();
    reader = open_object("k", 3 * BLOCK + 1000);
}

static void tear_down(void)
{
    reader_close(reader);
    cache_tear_down();
}

TestSuite(pool, .init = set_up, .fini = tear_down);

Test(pool, a_read_fetches_the_blocks_that_it_touches)
{
    struct error err;
    fake.at_once = true;
    assert_ok(read_range(reader, BLOCK - 10, 20, &patient, &err), &err);
    cr_assert_eq(fake_count(), 2);
    cr_assert_eq(fake.fetches[0].offset, 0);
    cr_assert_eq(fake.fetches[0].len, BLOCK);
    cr_assert_eq(fake.fetches[1].offset, BLOCK);
    assert_ok(read_range(reader, 3 * BLOCK + 999, 100, &patient, &err), &err);
    cr_assert_eq(fake.fetches[2].offset, 3 * BLOCK);
    cr_assert_eq(fake.fetches[2].len, 1000);
    assert_ok(read_range(reader, 0, 4 * BLOCK, &patient, &err), &err);
    cr_assert_eq(fake_count(), 4);
    assert_ok(read_range(reader, 0, 4 * BLOCK, &patient, &err), &err);
    cr_assert_eq(fake_count(), 4);
}

Test(pool, readers_of_one_block_share_its_fetch)
{
    struct reading readings[6];
    for (size_t i = 0; i < COUNT(readings); i++)
        reading_start(&readings[i], reader, BLOCK + i * 1000, 5000, LONG_MS);
    wait_until(users_of(1) == COUNT(readings) && fake_count() == 1);
    fake_finish(0);
    for (size_t i = 0; i < COUNT(readings); i++)
        assert_ok(reading_join(&readings[i]), &readings[i].err);
    cr_assert_eq(fake_count(), 1);
    cr_assert_eq(users_of(1), 0);
}

Test(pool, readers_of_the_same_object_share_its_blocks_and_those_of_another_do_not)
{
    struct error err;
    struct object object = object_of("k", 3 * BLOCK + 1000);
    fake.at_once = true;
    assert_ok(read_range(reader, 0, 1, &patient, &err), &err);
    struct reader *same = open_object("k", 3 * BLOCK + 1000);
    assert_ok(read_range(same, 0, 1, &patient, &err), &err);
    cr_assert_eq(fake_count(), 1);
    reader_close(same);
    object.mtime_ns++; /* the ETag says that it is the same all the same */
    assert_ok(cache_reader_open(cache, &object, &same, &err), &err);
    assert_ok(read_range(same, 0, 1, &patient, &err), &err);
    cr_assert_eq(fake_count(), 1);
    reader_close(same);
    struct object others[] = {object, object, object, object, object};
    others[0].etag = "f";
    others[1].etag = "";
    others[2].etag = "";
    others[2].mtime_ns++;
    others[3].size++;
    others[4].key = "l";
    for (unsigned i = 0; i < COUNT(others); i++) {
        struct reader *other;
        assert_ok(cache_reader_open(cache, &others[i], &other, &err), &err);
        assert_ok(read_range(other, 0, 1, &patient, &err), &err);
        cr_assert_eq(fake_count(), 2 + i);
        reader_close(other);
    }
}

Test(pool, a_read_that_may_not_wait_starts_nothing)
{
    struct error err = {0};
    cr_assert_eq(read_range(reader, 0, 1, &at_once, &err), -EAGAIN);
    cr_assert_eq(fake_count(), 0);
    struct reading reading;
    reading_start(&reading, reader, 0, 1, LONG_MS);
    wait_until(fake_count() == 1);
    cr_assert_eq(read_range(reader, 0, 1, &at_once, &err), -EAGAIN);
    fake_finish(0);
    assert_ok(reading_join(&reading), &reading.err);
    assert_ok(read_range(reader, 0, BLOCK, &at_once, &err), &err);
    cr_assert_eq(read_range(reader, 0, BLOCK + 1, &at_once, &err), -EAGAIN);
    cr_assert_eq(fake_count(), 1);
}

Test(pool, a_failed_fetch_fails_all_who_wait_with_its_own_words)
{
    struct reading readings[3];
    for (size_t i = 0; i < COUNT(readings); i++)
        reading_start(&readings[i], reader, 0, 10, LONG_MS);
    wait_until(users_of(0) == COUNT(readings) && fake_count() == 1);
    fake_send(0, 100);
    fake_fail(0, -EACCES, "k: access denied");
    for (size_t i = 0; i < COUNT(readings); i++)
        assert_refused(reading_join(&readings[i]), EACCES, &readings[i].err, "k: access denied");
}

/* Makes the failure of block NUMBER recent or old, whatever the time is. */
static void set_failed_at(uint64_t number, uint64_t when)
{
    struct block *block = block_in_table(number);
    cr_assert(block);
    lock_take(&cache->lock);
    block->failed_at = when;
    lock_drop(&cache->lock);
}

Test(pool, a_failure_is_kept_for_a_while_and_then_fetched_anew)
{
    struct error err = {0};
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    fake_fail(0, -EIO, "k: broken");
    cr_assert_eq(reading_join(&reading), -EIO);
    set_failed_at(0, clock_ms() + LONG_MS);
    assert_refused(read_range(reader, 0, 10, &patient, &err), EIO, &err, "k: broken");
    assert_refused(read_range(reader, 5, 10, &at_once, &err), EIO, &err, "k: broken");
    cr_assert_eq(fake_count(), 1);
    set_failed_at(0, 0);
    cr_assert_eq(read_range(reader, 0, 10, &at_once, &err), -EAGAIN);
    fake.at_once = true;
    assert_ok(read_range(reader, 0, 10, &patient, &err), &err);
    cr_assert_eq(fake_count(), 2);
}

Test(pool, a_fetch_that_cannot_be_started_is_a_failure)
{
    struct error err = {0};
    fake.refusal = -EACCES;
    assert_refused(read_range(reader, 0, 10, &patient, &err), EACCES, &err, "k: refused");
    set_failed_at(0, 0);
    fake.refusal = 0;
    fake.at_once = true;
    assert_ok(read_range(reader, 0, 10, &patient, &err), &err);
}

/* Bytes that only trickle are no progress. */
Test(pool, progress_is_noticed_by_the_kilobyte)
{
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    fake_send(0, PROGRESS_BYTES - 1);
    cr_assert_eq(atomic_load(cache->progress_at), 0);
    fake_send(0, 1);
    cr_assert_neq(atomic_load(cache->progress_at), 0);
    fake_finish(0);
    assert_ok(reading_join(&reading), &reading.err);
}

/* A read that waited for a worker for too long has waited. */
Test(pool, the_time_before_a_read_counts)
{
    struct wait wait = {.timeout_ms = LONG_MS / 10, .since_ms = 1};
    struct error err = {0};
    if (clock_ms() < LONG_MS)
        cr_skip_test("the system's clock has just started");
    fake.at_once = true;
    assert_refused(read_range(reader, 0, 10, &wait, &err), ETIMEDOUT, &err, "k: timed out");
    cr_assert_eq(fake_count(), 0);
    atomic_store(cache->progress_at, clock_ms());
    assert_ok(read_range(reader, 0, 10, &wait, &err), &err);
}

Test(pool, a_waiter_that_gives_up_leaves_the_fetch_to_the_others)
{
    struct reading gives_up;
    struct reading stays;
    reading_start(&gives_up, reader, 0, 10, LONG_MS);
    reading_start(&stays, reader, 0, 10, LONG_MS);
    wait_until(users_of(0) == 2 && fake_count() == 1);
    cancel_request(&gives_up.cancelled);
    cr_assert_eq(reading_join(&gives_up), -EINTR);
    cr_assert_not(fake_cancelled(0));
    fake_finish(0);
    assert_ok(reading_join(&stays), &stays.err);
    cr_assert_eq(fake_count(), 1);
}

Test(pool, the_end_of_the_session_ends_a_wait)
{
    struct cancel ending = CANCEL_INIT;
    struct wait wait = {.timeout_ms = LONG_MS, .shutdown = &ending};
    cancel_request(&ending);
    struct error err = {0};
    assert_refused(read_range(reader, 0, 10, &wait, &err), EINTR, &err, "k");
}

/* The bytes of an abandoned fetch may still come while the block is fetched anew. */
Test(pool, an_abandoned_fetch_is_cancelled_and_disturbs_nobody)
{
    struct reading first;
    struct reading second;
    reading_start(&first, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    fake_send(0, 1000);
    cancel_request(&first.cancelled);
    cr_assert_eq(reading_join(&first), -EINTR);
    cr_assert(fake_cancelled(0));
    reading_start(&second, reader, 0, 1000, LONG_MS);
    wait_until(fake_count() == 2);
    fake_send(0, 5000);
    fake_send(1, 700);
    fake_fail(0, -ECANCELED, "");
    fake_finish(1);
    assert_ok(reading_join(&second), &second.err);
    cr_assert_eq(cache_used(), BLOCK);
}

Test(pool, an_abandoned_fetch_that_ends_well_is_dropped)
{
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    cancel_request(&reading.cancelled);
    cr_assert_eq(reading_join(&reading), -EINTR);
    fake_finish(0);
    cr_assert_eq(cache_used(), 0);
    cr_assert_null(block_in_table(0));
}

Test(pool, closing_the_store_ends_the_waits)
{
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    fake.store.ops->close(&fake.store);
    cr_assert_eq(reading_join(&reading), -ECANCELED);
}
