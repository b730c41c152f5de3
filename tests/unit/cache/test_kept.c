/* A cache over a disk: what is on disk is not fetched again, and what another process is fetching is waited for. */
#include <errno.h>

#include "base/clock.h"
#include "base/wait.h"
#include "cache/fetch.h"
#include "cache_test.h"
#include "disk/disk_test.h"

#define LONG_MS 600000

static const struct wait patient = {.timeout_ms = LONG_MS};
static const struct wait at_once = {0};

static struct reader *reader;

/* What another process would see and do. */
static struct disk *other_disk;
static struct disk_object *other;

static void open_reader(void)
{
    reader = open_object("k", 6 * BLOCK + 1000);
}

static void set_up(void)
{
    scratch_open();
    cache_disk = disk_here("cache");
    cache_set_up();
    open_reader();
    other_disk = disk_here("cache");
    other = disk_object_of(other_disk, "k", 6 * BLOCK + 1000);
}

static void tear_down(void)
{
    reader_close(reader);
    cache_tear_down();
    disk_close(cache_disk);
    disk_object_free(other);
    disk_close(other_disk);
    scratch_close();
}

TestSuite(kept, .init = set_up, .fini = tear_down);

static void read_ok(uint64_t offset, size_t len)
{
    struct error err;
    assert_ok(read_range(reader, offset, len, &patient, &err), &err);
}

/* Another mount of the same cache directory, later. */
static void remount(void)
{
    reader_close(reader);
    cache_renew();
    open_reader();
}

Test(kept, blocks_on_disk_are_not_fetched_again)
{
    fake.at_once = true;
    read_ok(0, 7 * BLOCK);
    unsigned fetched = fake_count();
    cr_assert_eq(fetched, 7);
    read_ok(0, 7 * BLOCK);
    remount();
    read_ok(0, 7 * BLOCK);
    cr_assert_eq(fake_count(), fetched);
    struct object object = object_of("k", 6 * BLOCK + 1000);
    cr_assert_eq(cache_bytes_here(cache, &object), 6 * BLOCK + 1000);
}

Test(kept, what_is_not_to_be_kept_is_neither_written_nor_claimed)
{
    struct reading reading;
    fake.at_once = true;
    read_ok(0, 10);
    cache_no_keep = true;
    remount();
    read_ok(0, 10);
    cr_assert_eq(fake_count(), 1, "but what is there is used");
    fake.at_once = false;
    reading_start(&reading, reader, BLOCK, 10, LONG_MS);
    wait_until(fake_count() == 2);
    cr_assert_eq(disk_object_claim(other, 1), DISK_CLAIMED);
    disk_object_release(other, 1);
    fake_finish(1);
    assert_ok(reading_join(&reading), &reading.err);
    cache_settle(cache);
    cr_assert_not(disk_object_knows(other, 1));
}

Test(kept, another_version_is_fetched)
{
    struct error err;
    struct object object = object_of("k", 6 * BLOCK + 1000);
    fake.at_once = true;
    read_ok(0, 10);
    reader_close(reader);
    cache_renew();
    object.etag = "new";
    assert_ok(cache_reader_open(cache, &object, &reader, &err), &err);
    read_ok(0, 10);
    cr_assert_eq(fake_count(), 2);
}

Test(kept, damaged_blocks_are_fetched_again)
{
    struct disk_stats stats;
    fake.at_once = true;
    read_ok(0, 3 * BLOCK);
    remount();
    flip_byte(file_of("cache", other, ".data"), BLOCK + 7);
    read_ok(0, 3 * BLOCK);
    cr_assert_eq(fake_count(), 4);
    cr_assert_eq(fake.fetches[3].offset, BLOCK);
    disk_stats(cache_disk, &stats);
    cr_assert_eq(stats.blocks_bad, 1);
    remount();
    read_ok(0, 3 * BLOCK);
    cr_assert_eq(fake_count(), 4, "and are kept again");
}

Test(kept, a_read_that_may_not_wait_does_not_look_on_disk)
{
    struct error err = {0};
    fake.at_once = true;
    read_ok(0, 10);
    remount();
    cr_assert_eq(read_range(reader, 0, 10, &at_once, &err), -EAGAIN);
    read_ok(0, 10);
    assert_ok(read_range(reader, 0, 10, &at_once, &err), &err);
    cr_assert_eq(fake_count(), 1);
}

Test(kept, a_block_is_claimed_until_it_is_on_disk)
{
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    cr_assert_eq(disk_object_claim(other, 0), DISK_FOREIGN);
    cr_assert_eq(disk_object_claim(other, 1), DISK_CLAIMED);
    disk_object_release(other, 1);
    fake_finish(0);
    assert_ok(reading_join(&reading), &reading.err);
    wait_until(cache_saving() == 0);
    cr_assert_eq(disk_object_claim(other, 0), DISK_THERE);
    cr_assert(load_block(other, 0));
}

Test(kept, a_claim_ends_with_a_fetch_that_fails)
{
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    fake_fail(0, -EIO, "k: broken");
    cr_assert_eq(reading_join(&reading), -EIO);
    wait_until(cache_saving() == 0);
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    disk_object_release(other, 0);
}

Test(kept, a_claim_ends_with_a_fetch_that_cannot_be_started)
{
    struct error err = {0};
    fake.refusal = -EACCES;
    cr_assert_eq(read_range(reader, 0, 10, &patient, &err), -EACCES);
    wait_until(cache_saving() == 0);
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    disk_object_release(other, 0);
}

Test(kept, a_claim_ends_with_a_fetch_that_nobody_waits_for)
{
    struct reading reading;
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(fake_count() == 1);
    cancel_request(&reading.cancelled);
    cr_assert_eq(reading_join(&reading), -EINTR);
    cr_assert(fake_cancelled(0));
    fake_fail(0, -ECANCELED, "");
    wait_until(cache_used() == 0);
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    disk_object_release(other, 0);
}

Test(kept, what_another_process_fetches_is_waited_for)
{
    struct reading reading;
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(users_of(0) == 1);
    (void)usleep(30000);
    cr_assert_eq(fake_count(), 0);
    cr_assert_eq(save_block(other, 0), 0);
    disk_object_release(other, 0);
    assert_ok(reading_join(&reading), &reading.err);
    cr_assert_eq(fake_count(), 0);
}

Test(kept, what_another_process_gives_up_is_fetched_here)
{
    struct reading reading;
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(users_of(0) == 1);
    disk_object_release(other, 0);
    wait_until(fake_count() == 1);
    fake_finish(0);
    assert_ok(reading_join(&reading), &reading.err);
}

Test(kept, waiting_for_another_process_can_be_cancelled)
{
    struct reading reading;
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    reading_start(&reading, reader, 0, 10, LONG_MS);
    wait_until(users_of(0) == 1);
    cancel_request(&reading.cancelled);
    cr_assert_eq(reading_join(&reading), -EINTR);
    cr_assert_leq(fake_count(), 1);
    disk_object_release(other, 0);
}

/* A process that was stopped: it holds what it has claimed, and gives nothing. It costs a wait, but one only. */
Test(kept, a_claim_that_is_held_for_too_long_is_done_without)
{
    fake.at_once = true;
    for (uint64_t i = 0; i < 6; i++)
        cr_assert_eq(disk_object_claim(other, i), DISK_CLAIMED);
    uint64_t began = clock_ms();
    read_ok(0, BLOCK);
    uint64_t first = clock_ms() - began;
    cr_assert_eq(fake_count(), 1);
    began = clock_ms();
    for (uint64_t i = 1; i < 6; i++)
        read_ok(i * BLOCK, BLOCK);
    cr_assert_leq(clock_ms() - began, first, "and not once more for each block");
    cr_assert_eq(fake_count(), 6);
    for (uint64_t i = 0; i < 6; i++)
        disk_object_release(other, i);
    remount();
    read_ok(0, 6 * BLOCK);
    cr_assert_eq(fake_count(), 6, "and it is kept all the same");
}

Test(kept, what_another_process_fetches_is_not_fetched_ahead)
{
    reader_close(reader);
    cache_replace(16 * BLOCK, 4 * BLOCK);
    open_reader();
    fake.at_once = true;
    cr_assert_eq(disk_object_claim(other, 2), DISK_CLAIMED);
    read_ok(0, BLOCK / 2);
    read_ok(BLOCK / 2, BLOCK / 2);
    read_ok(BLOCK, BLOCK);
    for (unsigned i = 0; i < fake_count(); i++)
        cr_assert(fake.fetches[i].offset + fake.fetches[i].len <= 2 * BLOCK ||
                      fake.fetches[i].offset >= 3 * BLOCK,
                  "fetch %u of %zu", i, (size_t)fake.fetches[i].offset);
    wait_until(cache_saving() == 0);
    cr_assert_eq(cache->ahead, 0);
    cr_assert_eq(save_block(other, 2), 0);
    disk_object_release(other, 2);
    read_ok(2 * BLOCK, BLOCK);
}

Test(kept, what_is_on_disk_is_not_fetched_ahead)
{
    struct error err;
    fake.at_once = true;
    read_ok(0, 7 * BLOCK);
    unsigned fetched = fake_count();
    reader_close(reader);
    cache_replace(16 * BLOCK, 4 * BLOCK);
    open_reader();
    for (uint64_t i = 0; i < 14; i++)
        read_ok(i * BLOCK / 2, BLOCK / 2);
    struct object object = object_of("k", 6 * BLOCK + 1000);
    cr_assert(cache_prefetch(cache, &object));
    cr_assert_eq(fake_count(), fetched);
    assert_ok(read_range(reader, 0, 10, &patient, &err), &err);
}

/* A reader that comes while it is still looked whether the block is on disk must not wait in the queue of those that
   nobody waits for. */
Test(kept, a_reader_that_came_before_the_flight_makes_it_urgent)
{
    struct flight *flight = flight_new(cache, FETCH_READAHEAD);
    struct object object = object_of("k", 6 * BLOCK + 1000);
    struct cached_object *source = source_get(cache, &object);
    lock_take(&cache->lock);
    struct block *block = pool_add(cache, source, 0);
    source_put(source);
    block_use(block);
    flight_add(flight, block);
    lock_drop(&cache->lock);
    cr_assert(atomic_load(&flight->sink.urgent));
    flight_start(flight);
    fake_finish(0);
    block_release(block);
}

Test(kept, offline_works_from_the_disk_alone)
{
    struct error err = {0};
    fake.at_once = true;
    read_ok(0, 2 * BLOCK);
    reader_close(reader);
    cache_offline = true;
    cache_renew();
    open_reader();
    read_ok(0, 2 * BLOCK);
    assert_refused(read_range(reader, 2 * BLOCK, 10, &patient, &err), EIO, &err,
                   "s3://bucket/run/k: offline, and block 2 of it is not in the cache");
    assert_refused(read_range(reader, 2 * BLOCK, 10, &at_once, &err), EIO, &err, "offline");
    read_ok(0, 2 * BLOCK);
    cr_assert_eq(fake_count(), 2);
    cache_offline = false;
}
