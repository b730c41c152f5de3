/* The pool's limit: eviction, and waiting for room. */
#include <errno.h>

#include "base/clock.h"
#include "cache_test.h"

#define LONG_MS  600000
#define SHORT_MS 50

static const struct wait patient = {.timeout_ms = LONG_MS};
static const struct wait at_once = {0};

TestSuite(room, .init = cache_set_up, .fini = cache_tear_down);

Test(room, the_pool_never_grows_beyond_its_limit)
{
    struct reader *reader = open_object("k", 20 * BLOCK);
    struct error err;
    fake.at_once = true;
    for (uint64_t i = 0; i < 20; i++) {
        assert_ok(read_range(reader, i * BLOCK, BLOCK, &patient, &err), &err);
        cr_assert_leq(cache_used(), 4 * BLOCK);
    }
    assert_ok(read_range(reader, 0, 20 * BLOCK, &patient, &err), &err);
    cr_assert_leq(cache_used(), 4 * BLOCK);
    reader_close(reader);
}

Test(room, the_least_recently_used_block_goes_first)
{
    struct reader *reader = open_object("k", 6 * BLOCK);
    struct error err;
    fake.at_once = true;
    for (uint64_t i = 0; i < 4; i++)
        assert_ok(read_range(reader, i * BLOCK, 1, &patient, &err), &err);
    assert_ok(read_range(reader, 0, 1, &patient, &err), &err);
    assert_ok(read_range(reader, 4 * BLOCK, 1, &patient, &err), &err);
    cr_assert_eq(fake_count(), 5);
    cr_assert(block_in_table(0));
    cr_assert_null(block_in_table(1));
    assert_ok(read_range(reader, 0, 1, &at_once, &err), &err);
    cr_assert_eq(read_range(reader, BLOCK, 1, &at_once, &err), -EAGAIN);
    reader_close(reader);
}

Test(room, small_objects_count_by_their_size)
{
    struct error err;
    char key[32];
    fake.at_once = true;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "small%d", i);
        struct reader *reader = open_object(key, 1000);
        assert_ok(read_range(reader, 0, 2000, &patient, &err), &err);
        reader_close(reader);
    }
    cr_assert_eq(cache_used(), 100 * 1000);
}

Test(room, blocks_outlive_their_readers)
{
    struct error err;
    fake.at_once = true;
    for (int i = 0; i < 3; i++) {
        struct reader *reader = open_object("k", 1000);
        assert_ok(read_range(reader, 0, 1000, &patient, &err), &err);
        reader_close(reader);
    }
    cr_assert_eq(fake_count(), 1);
}

Test(room, a_pool_smaller_than_a_block_holds_one)
{
    struct error err;
    cache_replace(1, 0);
    struct reader *reader = open_object("k", 2 * BLOCK);
    fake.at_once = true;
    assert_ok(read_range(reader, 0, 2 * BLOCK, &patient, &err), &err);
    cr_assert_eq(cache_used(), BLOCK);
    reader_close(reader);
}

/* A pool of one block that is on its way for somebody else. */
static struct reader *other;
static struct reading holder;

static void fill_pool(void)
{
    cache_replace(BLOCK, 0);
    other = open_object("other", 2 * BLOCK);
    reading_start(&holder, other, BLOCK, 10, LONG_MS);
    wait_until(fake_count() == 1);
}

static void release_pool(void)
{
    fake_finish(0);
    assert_ok(reading_join(&holder), &holder.err);
    reader_close(other);
}

Test(room, a_reader_waits_until_there_is_room)
{
    struct reading reading;
    fill_pool();
    struct reader *reader = open_object("k", BLOCK);
    reading_start(&reading, reader, 0, 10, LONG_MS);
    (void)usleep(20000);
    cr_assert_eq(fake_count(), 1);
    release_pool();
    wait_until(fake_count() == 2);
    fake_finish(1);
    assert_ok(reading_join(&reading), &reading.err);
    cr_assert_eq(cache_used(), BLOCK);
    reader_close(reader);
}

Test(room, waiting_for_room_ends_by_the_timeout)
{
    struct wait short_wait = {.timeout_ms = SHORT_MS};
    struct error err = {0};
    fill_pool();
    struct reader *reader = open_object("k", BLOCK);
    assert_refused(read_range(reader, 0, 10, &short_wait, &err), ETIMEDOUT, &err, "k: ");
    cr_assert_eq(fake_count(), 1);
    reader_close(reader);
    release_pool();
}

Test(room, waiting_for_room_can_be_cancelled)
{
    struct reading reading;
    fill_pool();
    struct reader *reader = open_object("k", BLOCK);
    reading_start(&reading, reader, 0, 10, LONG_MS);
    cancel_request(&reading.cancelled);
    cr_assert_eq(reading_join(&reading), -EINTR);
    cr_assert_eq(fake_count(), 1);
    reader_close(reader);
    release_pool();
}

Test(room, a_read_that_may_not_wait_evicts_nothing)
{
    struct error err = {0};
    cache_replace(BLOCK, 0);
    struct reader *reader = open_object("k", 2 * BLOCK);
    fake.at_once = true;
    assert_ok(read_range(reader, 0, 10, &patient, &err), &err);
    cr_assert_eq(read_range(reader, BLOCK, 10, &at_once, &err), -EAGAIN);
    assert_ok(read_range(reader, 0, 10, &at_once, &err), &err);
    reader_close(reader);
}

Test(room, readers_that_waited_for_room_share_a_fetch)
{
    struct reading readings[3];
    fill_pool();
    struct reader *reader = open_object("k", BLOCK);
    for (size_t i = 0; i < COUNT(readings); i++)
        reading_start(&readings[i], reader, 0, 10, LONG_MS);
    release_pool();
    wait_until(users_of(0) == COUNT(readings) && fake_count() == 2);
    fake_finish(1);
    for (size_t i = 0; i < COUNT(readings); i++)
        assert_ok(reading_join(&readings[i]), &readings[i].err);
    cr_assert_eq(fake_count(), 2);
    reader_close(reader);
}

/* The store ends a fetch by the time that its reader has waited in all, or since progress. */
Test(room, a_fetch_counts_its_time_from_the_arrival_of_its_reader)
{
    struct reading readings[2];
    struct reader *reader = open_object("k", 2 * BLOCK);
    uint64_t arrival = clock_ms() - 1000;
    atomic_store(cache->progress_at, arrival - 1);
    for (unsigned i = 0; i < 2; i++) {
        reading_start_since(&readings[i], reader, i * BLOCK, 10, LONG_MS, arrival);
        wait_until(fake_count() == i + 1);
        cr_assert_eq(fake.fetches[i].sink->since_ms, arrival + i);
        atomic_store(cache->progress_at, arrival + 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        fake_finish(i);
        assert_ok(reading_join(&readings[i]), &readings[i].err);
    }
    reader_close(reader);
}

/* As the kernel does with what failed in a read-ahead. */
Test(room, a_second_read_of_what_timed_out_does_not_wait_again)
{
    struct wait short_wait = {.timeout_ms = SHORT_MS};
    struct error err = {0};
    fill_pool();
    struct reader *reader = open_object("k", 2 * BLOCK);
    cr_assert_eq(read_range(reader, 0, 10, &short_wait, &err), -ETIMEDOUT);
    cr_assert_eq(read_range(reader, 0, 10, &patient, &err), -ETIMEDOUT);
    assert_refused(read_range(reader, 0, 10, &patient, &err), ETIMEDOUT, &err, "k: timed out");
    release_pool();
    fake.at_once = true;
    assert_ok(read_range(reader, 0, 10, &patient, &err), &err);
    reader_close(reader);
}

/* Readers behind these wait for longer than their timeout, as long as the store answers. */
Test(room, small_blocks_and_refusals_are_progress_and_timeouts_are_not)
{
    static const int results[] = {0, -ESTALE, -EACCES, -ETIMEDOUT, -EIO};
    for (unsigned i = 0; i < COUNT(results); i++) {
        char key[16];
        struct reading reading;
        (void)snprintf(key, sizeof key, "k%u", i);
        struct reader *reader = open_object(key, 10);
        reading_start(&reading, reader, 0, 10, LONG_MS);
        wait_until(fake_count() == i + 1);
        atomic_store(cache->progress_at, 0);
        if (results[i])
            fake_fail(i, results[i], "failed");
        else
            fake_finish(i);
        cr_assert_eq(reading_join(&reading), results[i]);
        cr_assert_eq(atomic_load(cache->progress_at) != 0, i < 3, "%d", results[i]);
        reader_close(reader);
    }
}

struct stress {
    struct reader *reader;
    unsigned seed;
    unsigned wrong;
};

static void *read_at_random(void *context)
{
    struct stress *stress = context;
    struct error err;
    for (int i = 0; i < ROUNDS(100); i++) {
        uint64_t offset = (uint64_t)rand_r(&stress->seed) % (10 * BLOCK);
        size_t len = (size_t)rand_r(&stress->seed) % 100000;
        stress->wrong += read_range(stress->reader, offset, len, &patient, &err) < 0;
    }
    return NULL;
}

Test(room, many_readers_of_a_small_pool_get_the_right_bytes)
{
    pthread_t threads[6];
    struct stress stress[6];
    fake.at_once = true;
    cache_replace(2 * BLOCK, 0);
    for (unsigned i = 0; i < COUNT(threads); i++) {
        stress[i] = (struct stress){.reader = open_object(i % 2 ? "a" : "b", 10 * BLOCK), .seed = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, read_at_random, &stress[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(threads); i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_eq(stress[i].wrong, 0);
        reader_close(stress[i].reader);
    }
    cr_assert_leq(cache_used(), 2 * BLOCK);
}
