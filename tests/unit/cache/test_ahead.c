/* Fetching ahead of sequential readers, and whole small objects before they are asked for. */
#include <errno.h>

#include "cache_test.h"

#define LONG_MS 600000
#define POOL    (16 * BLOCK)

static const struct wait patient = {.timeout_ms = LONG_MS};
static const struct wait at_once = {0};

static struct reader *reader;

static void set_up(void)
{
    cache_set_up();
    connections = 7; /* 14 blocks in memory ahead at most, so two in a request */
    cache_replace(POOL, 4 * BLOCK);
    reader = open_object("k", 100 * BLOCK + 10);
    fake.at_once = true;
}

static void tear_down(void)
{
    reader_close(reader);
    cache_tear_down();
}

TestSuite(ahead, .init = set_up, .fini = tear_down);

static void read_ok(uint64_t offset, size_t len)
{
    struct error err;
    assert_ok(read_range(reader, offset, len, &patient, &err), &err);
}

/* The block behind the last one that was fetched. */
static uint64_t fetched_to(void)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < fake_count(); i++) {
        uint64_t end = (fake.fetches[i].offset + fake.fetches[i].len + BLOCK - 1) / BLOCK;
        most = end > most ? end : most;
    }
    return most;
}

Test(ahead, a_first_read_fetches_its_own_blocks_only)
{
    read_ok(0, BLOCK);
    cr_assert_eq(fetched_to(), 1);
}

Test(ahead, sequential_reads_double_a_window_up_to_the_limit)
{
    uint64_t last = 0;
    for (uint64_t i = 0; i < 40; i++) {
        read_ok(i * BLOCK / 2, BLOCK / 2);
        uint64_t read_to = (i + 1) * BLOCK / 2;
        uint64_t ahead = fetched_to() * BLOCK > read_to ? fetched_to() * BLOCK - read_to : 0;
        cr_assert_leq(ahead, 4 * BLOCK + BLOCK, "at block %zu", (size_t)i / 2);
        cr_assert_geq(fetched_to(), last);
        last = fetched_to();
    }
    cr_assert_geq(last, 20 + 3);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < fake_count(); i++)
        bytes += fake.fetches[i].len;
    cr_assert_eq(bytes, last * BLOCK, "each block is fetched once");
}

Test(ahead, random_reads_fetch_single_blocks)
{
    static const uint64_t blocks[] = {50, 3, 90, 20, 70, 10};
    for (size_t i = 0; i < COUNT(blocks); i++)
        read_ok(blocks[i] * BLOCK, 4096);
    cr_assert_eq(fake_count(), COUNT(blocks));
    for (unsigned i = 0; i < COUNT(blocks); i++)
        cr_assert_eq(fake.fetches[i].len, BLOCK);
}

Test(ahead, nothing_is_fetched_past_the_end)
{
    struct reader *small = open_object("small", BLOCK + 10);
    struct error err;
    for (uint64_t i = 0; i < 5; i++)
        assert_ok(read_range(small, i * BLOCK / 4, BLOCK / 4, &patient, &err), &err);
    cr_assert_eq(fetched_to(), 2);
    cr_assert_eq(fake.fetches[1].len, 10);
    read_ok(99 * BLOCK, BLOCK / 2);
    read_ok(99 * BLOCK + BLOCK / 2, BLOCK / 2);
    read_ok(100 * BLOCK, 10);
    cr_assert_eq(fetched_to(), 101);
    reader_close(small);
}

Test(ahead, what_nobody_has_used_leaves_room_for_readers)
{
    reader_close(reader);
    cache_replace(4 * BLOCK, 100 * BLOCK);
    reader = open_object("k", 100 * BLOCK);
    for (uint64_t i = 0; i < 40; i++) {
        read_ok(i * BLOCK / 4, BLOCK / 4);
        cr_assert_leq(cache_used(), 4 * BLOCK);
        cr_assert_leq(fetched_to(), i / 4 + 1 + 3 + 1);
    }
}

/* The kernel reads ahead by itself, several reads at once and out of order. */
Test(ahead, reads_out_of_order_but_near_are_sequential)
{
    static const uint64_t quarters[] = {0, 2, 1, 3, 5, 4, 6, 7};
    for (size_t i = 0; i < COUNT(quarters); i++)
        read_ok(quarters[i] * BLOCK / 4, BLOCK / 4);
    cr_assert_geq(fetched_to(), 4);
}

/* From here on the test answers the fetches. Two reads in turn have started one of two blocks. */
static void start_flight(void)
{
    read_ok(0, BLOCK / 2);
    fake.at_once = false;
    read_ok(BLOCK / 2, BLOCK / 4);
    cr_assert_eq(fake_count(), 2);
    cr_assert_eq(fake.fetches[1].offset, BLOCK);
    cr_assert_eq(fake.fetches[1].len, 2 * BLOCK);
}

Test(ahead, a_block_is_ready_as_soon_as_its_own_bytes_are_there)
{
    struct error err = {0};
    struct reading reading;
    start_flight();
    struct reader *other = open_object("k", 100 * BLOCK + 10);
    reading_start(&reading, other, BLOCK, 1000, LONG_MS);
    wait_until(users_of(1) == 1);
    fake_send(1, BLOCK - 1);
    cr_assert_eq(read_range(other, BLOCK, 10, &at_once, &err), -EAGAIN);
    fake_send(1, 1);
    assert_ok(reading_join(&reading), &reading.err);
    cr_assert_eq(read_range(other, 2 * BLOCK, 10, &at_once, &err), -EAGAIN);
    fake_finish(1);
    assert_ok(read_range(other, 2 * BLOCK, 10, &at_once, &err), &err);
    reader_close(other);
}

Test(ahead, what_fails_for_nobody_is_fetched_anew)
{
    struct error err = {0};
    start_flight();
    fake_send(1, BLOCK + 5);
    fake_fail(1, -EIO, "k: broken");
    assert_ok(read_range(reader, BLOCK, 10, &at_once, &err), &err);
    fake.at_once = true;
    read_ok(2 * BLOCK, 10);
    cr_assert_leq(cache_used(), POOL);
}

Test(ahead, what_fails_while_a_reader_waits_fails_for_the_reader)
{
    struct reading reading;
    start_flight();
    reading_start(&reading, reader, 2 * BLOCK, 10, LONG_MS);
    wait_until(users_of(2) == 1);
    fake_fail(1, -EIO, "k: broken");
    assert_refused(reading_join(&reading), EIO, &reading.err, "k: broken");
}

Test(ahead, a_reader_that_gives_up_leaves_the_flight_alone)
{
    struct error err = {0};
    struct reading reading;
    start_flight();
    reading_start(&reading, reader, BLOCK, 10, LONG_MS);
    wait_until(users_of(1) == 1);
    cancel_request(&reading.cancelled);
    cr_assert_eq(reading_join(&reading), -EINTR);
    cr_assert_not(fake_cancelled(1));
    fake_finish(1);
    assert_ok(read_range(reader, BLOCK, 2 * BLOCK, &at_once, &err), &err);
}

Test(ahead, a_flight_that_cannot_be_started_leaves_nothing)
{
    read_ok(0, BLOCK / 2);
    fake.refusal = -EACCES;
    read_ok(BLOCK / 2, BLOCK / 4);
    cr_assert_eq(cache_used(), BLOCK);
    fake.refusal = 0;
    read_ok(BLOCK, 10);
}

Test(ahead, closing_the_reader_and_the_store_ends_flights)
{
    start_flight();
    reader_close(reader);
    fake.store.ops->close(&fake.store);
    cr_assert_eq(cache_used(), BLOCK);
    reader = open_object("k", 100 * BLOCK + 10);
}

static bool prefetch(const char *key, uint64_t size)
{
    struct object object = object_of(key, size);
    return cache_prefetch(cache, &object);
}

Test(ahead, a_small_object_is_fetched_before_it_is_opened)
{
    struct error err;
    cr_assert(prefetch("small", 500));
    cr_assert(prefetch("small", 500));
    cr_assert_eq(fake_count(), 1);
    struct reader *small = open_object("small", 500);
    assert_ok(read_range(small, 0, 500, &at_once, &err), &err);
    reader_close(small);
}

Test(ahead, prefetching_stops_where_there_is_no_room)
{
    char key[32];
    unsigned fetched = 0;
    reader_close(reader);
    cache_replace(8 * BLOCK, 8 * BLOCK);
    for (bool room = true; room && fetched < 100; fetched += room) {
        (void)snprintf(key, sizeof key, "small%u", fetched);
        room = prefetch(key, BLOCK);
    }
    cr_assert_eq(fetched, 7);
    struct reader *small = open_object("small0", BLOCK);
    struct error err;
    assert_ok(read_range(small, 0, 10, &at_once, &err), &err);
    cr_assert(prefetch("another", BLOCK), "what has been used makes room");
    reader_close(small);
    reader = open_object("k", BLOCK);
}
