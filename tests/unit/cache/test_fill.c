/* Objects that no store has: readers wait for what their fill puts or refuses, and each block is kept once. */
#include <errno.h>

#include "base/cleanup.h"
#include "cache_test.h"
#include "disk/disk_internal.h"
#include "disk/disk_test.h"

#define BLOCKS 100
#define SIZE   (BLOCKS * BLOCK)

static const struct wait patient = {.timeout_ms = 10000};
static const struct wait at_once = {0};
static struct cached_object *object;
static struct reader *reader;
static struct error err;
static atomic_uint woken;
static int refusal;
static struct disk_object *other; /* as another process has it */
static struct disk *other_disk;

static int on_wake(void *context, struct error *ret_err)
{
    (void)context;
    (void)atomic_fetch_add(&woken, 1);
    return refusal ? error_set(ret_err, -refusal, "cannot be filled") : 0;
}

static void fill_block(uint64_t number, char *ret_bytes)
{
    for (uint64_t i = 0; i < BLOCK; i++)
        ret_bytes[i] = pattern_at(number * BLOCK + i);
}

static bool on_check(void *context, uint64_t number, const void *data, const struct hash128 *hash)
{
    _cleanup_free_ char *bytes = malloc(BLOCK);
    (void)context;
    fill_block(number, bytes);
    struct hash128 right = hash128(bytes, BLOCK);
    return memcmp(bytes, data, BLOCK) == 0 && memcmp(hash, &right, sizeof right) == 0;
}

static const char identity[] = "filled";

static void open_filled(void)
{
    static const struct cache_fill fill = {.wake = on_wake, .check = on_check};
    struct object named = object_of("k", 7);
    assert_ok(cached_object_open(cache, &named, SIZE, identity, sizeof identity, &fill, &object, &err), &err);
    assert_ok(cached_object_reader(object, SIZE, &reader, &err), &err);
}

static void close_filled(void)
{
    reader_close(reader);
    cached_object_close(object);
}

static void set_up(void)
{
    scratch_open();
    cache_set_up();
    open_filled();
}

static void tear_down(void)
{
    close_filled();
    cache_tear_down();
    disk_object_free(other);
    disk_close(other_disk);
    disk_close(cache_disk);
    scratch_close();
}

TestSuite(fill, .init = set_up, .fini = tear_down);

static void on_disk(uint64_t pool_bytes)
{
    close_filled();
    cache_disk = disk_here("cache");
    other_disk = disk_here("cache");
    other = disk_object_new(other_disk, identity, sizeof identity, SIZE);
    cache_replace(pool_bytes, 0);
    open_filled();
}

static void put(uint64_t number)
{
    _cleanup_free_ char *bytes = malloc(BLOCK);
    fill_block(number, bytes);
    struct hash128 hash = hash128(bytes, BLOCK);
    cached_object_put(object, number, bytes, &hash);
}

static bool wants(uint64_t number)
{
    uint64_t first;
    return cached_object_wants(object, number, number + 1, &first) && first == number;
}

static void start(struct reading *reading, uint64_t number)
{
    reading_start(reading, reader, number * BLOCK, 10, 10000);
    wait_until(wants(number));
}

static struct disk_stats disk_counts(void)
{
    struct disk_stats stats;
    cache_settle(cache);
    disk_stats(cache_disk, &stats);
    return stats;
}

Test(fill, a_block_that_is_put_wakes_its_reader)
{
    struct reading first;
    struct reading second;
    start(&first, 3);
    reading_start(&second, reader, 3 * BLOCK + 7, 10, 10000);
    wait_until(users_of(3) == 2);
    put(3);
    assert_ok(reading_join(&first), &first.err);
    assert_ok(reading_join(&second), &second.err);
    cr_assert_eq(woken, 1);
    cr_assert_not(wants(3));
    assert_ok(read_range(reader, 3 * BLOCK, BLOCK, &at_once, &err), &err);
}

Test(fill, what_is_wanted_is_told_from_a_place_on_and_then_from_the_beginning)
{
    struct reading readings[3];
    uint64_t number = 77;
    for (unsigned i = 0; i < 3; i++)
        start(&readings[i], 2 * i + 1);
    cr_assert(cached_object_wants(object, 2, UINT64_MAX, &number));
    cr_assert_eq(number, 3);
    cr_assert(cached_object_wants(object, 6, UINT64_MAX, &number));
    cr_assert_eq(number, 1);
    cr_assert(cached_object_wants(object, 2, 3, &number));
    cr_assert_eq(number, 1, "below the limit there is no other");
    cr_assert_not(cached_object_wants(object, 0, 1, &number));
    for (unsigned i = 0; i < 3; i++) {
        put(2 * i + 1);
        assert_ok(reading_join(&readings[i]), &readings[i].err);
    }
}

Test(fill, a_block_that_is_refused_fails_alone)
{
    struct reading broken;
    struct reading sound;
    struct error damage = {0};
    start(&broken, 1);
    start(&sound, 2);
    (void)error_set(&damage, EIO, "k: damaged");
    cached_object_refuse(object, 1, 1, -EIO, &damage);
    assert_refused(reading_join(&broken), EIO, &broken.err, "k: damaged");
    put(2);
    assert_ok(reading_join(&sound), &sound.err);
}

Test(fill, a_fill_that_cannot_begin_fails_the_read)
{
    refusal = -ENOMEM;
    assert_refused(read_range(reader, 0, 10, &patient, &err), ENOMEM, &err, "cannot be filled");
    cr_assert_not(wants(0));
}

Test(fill, a_reader_gives_up_when_nothing_makes_progress)
{
    struct wait impatient = {.timeout_ms = 50};
    assert_refused(read_range(reader, 0, 10, &impatient, &err), ETIMEDOUT, &err, "no progress");
    cr_assert_not(wants(0), "its block is forgotten");
    cr_assert_eq(cache_used(), 0);
}

Test(fill, a_block_that_nobody_waits_for_any_more_is_not_wanted)
{
    struct reading reading;
    start(&reading, 5);
    cancel_request(&reading.cancelled);
    cr_assert_eq(reading_join(&reading), -EINTR);
    cr_assert_not(wants(5));
    cr_assert_eq(cache_used(), 0);
    put(5);
    assert_ok(read_range(reader, 5 * BLOCK, 10, &at_once, &err), &err);
}

/* More than the pool holds: what was put is written once, and what is still in memory is not read from disk. */
Test(fill, what_is_put_ahead_of_readers_is_written_once)
{
    on_disk(4 * BLOCK);
    for (uint64_t i = 0; i < 20; i++)
        put(i);
    struct disk_stats before = disk_counts();
    cr_assert_eq(before.bytes_written, 20 * BLOCK);
    assert_ok(read_range(reader, 17 * BLOCK, 3 * BLOCK, &patient, &err), &err);
    cr_assert_eq(disk_counts().bytes_read, before.bytes_read);
    assert_ok(read_range(reader, 0, 20 * BLOCK, &patient, &err), &err);
    for (uint64_t i = 0; i < 20; i++)
        put(i);
    cr_assert_eq(disk_counts().bytes_written, 20 * BLOCK);
    cr_assert_eq(woken, 0);
}

Test(fill, a_wanted_block_is_written_once)
{
    struct reading reading;
    on_disk(4 * BLOCK);
    start(&reading, 0);
    put(0);
    assert_ok(reading_join(&reading), &reading.err);
    put(0);
    cr_assert_eq(disk_counts().bytes_written, BLOCK);
    cr_assert_eq(disk_object_claim(other, 0), DISK_THERE, "and its claim has ended");
}

Test(fill, without_a_disk_the_last_blocks_are_in_memory)
{
    for (uint64_t i = 0; i < 20; i++)
        put(i);
    assert_ok(read_range(reader, 16 * BLOCK, 4 * BLOCK, &at_once, &err), &err);
    cr_assert_eq(read_range(reader, 0, 10, &at_once, &err), -EAGAIN);
    cr_assert_leq(cache_used(), 4 * BLOCK);
}

/* What readers hold cannot make room: the block is not kept, and nothing waits for that. */
Test(fill, a_block_without_room_is_not_kept)
{
    struct reading readings[4];
    for (unsigned i = 0; i < 4; i++)
        start(&readings[i], i);
    put(9);
    cr_assert_eq(read_range(reader, 9 * BLOCK, 10, &at_once, &err), -EAGAIN);
    for (unsigned i = 0; i < 4; i++) {
        put(i);
        assert_ok(reading_join(&readings[i]), &readings[i].err);
    }
}

/* It is being brought by another process, which may take its time: what comes in this one is not waited for twice. */
Test(fill, a_block_that_is_put_while_it_is_looked_for_on_disk_is_read)
{
    struct reading reading;
    on_disk(4 * BLOCK);
    cr_assert_eq(disk_object_claim(other, 0), DISK_CLAIMED);
    reading_start(&reading, reader, 0, 10, 100000);
    wait_until(users_of(0) == 1);
    put(0);
    assert_ok(reading_join(&reading), &reading.err);
    disk_object_release(other, 0);
    wait_until(cache_saving() == 0);
    cr_assert_eq(woken, 0);
}

/* Holds up whoever looks for a block on disk, from the one barrier to the other. */
static void *hold_disk(void *context)
{
    pthread_barrier_t *barrier = context;
    lock_take(&cache_disk->lock);
    (void)pthread_barrier_wait(barrier);
    (void)pthread_barrier_wait(barrier);
    lock_drop(&cache_disk->lock);
    return NULL;
}

Test(fill, a_block_that_is_put_while_it_is_looked_for_ahead_of_readers_is_read)
{
    struct reading reading;
    pthread_t holder;
    pthread_barrier_t barrier;
    on_disk(16 * BLOCK);
    close_filled();
    cache_replace(16 * BLOCK, 4 * BLOCK);
    open_filled();
    put(0);
    assert_ok(read_range(reader, 0, BLOCK / 2, &patient, &err), &err);
    cache_settle(cache);
    (void)pthread_barrier_init(&barrier, NULL, 2);
    cr_assert_eq(pthread_create(&holder, NULL, hold_disk, &barrier), 0);
    (void)pthread_barrier_wait(&barrier);
    reading_start(&reading, reader, BLOCK / 2, BLOCK / 2, 10000);
    wait_until(block_in_table(1));
    put(1);
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_join(holder, NULL);
    assert_ok(reading_join(&reading), &reading.err);
    wait_until(cache_saving() == 0);
    cr_assert_not(wants(1));
    assert_ok(read_range(reader, BLOCK, 10, &patient, &err), &err);
    cr_assert_eq(disk_object_claim(other, 1), DISK_THERE, "it is on disk, and claimed by no other");
    (void)pthread_barrier_destroy(&barrier);
}

Test(fill, blocks_on_disk_that_do_not_pass_the_check_are_brought_again)
{
    struct reading reading;
    _cleanup_free_ char *zeros = calloc(1, BLOCK);
    on_disk(4 * BLOCK);
    struct hash128 hash = hash128(zeros, BLOCK);
    cr_assert_eq(disk_object_save(other, 0, zeros, BLOCK, &hash, false), 0);
    start(&reading, 0);
    put(0);
    assert_ok(reading_join(&reading), &reading.err);
    cr_assert_eq(disk_counts().bytes_written, BLOCK);
}

/* Of an archive that turns out to be damaged the last chunk is cut. */
Test(fill, other_bytes_take_the_place_of_those_in_memory)
{
    _cleanup_free_ char *zeros = calloc(1, BLOCK);
    struct loan loan;
    struct hash128 hash = hash128(zeros, BLOCK);
    cached_object_put(object, 2, zeros, &hash);
    assert_ok(reader_lend(reader, 10, 2 * BLOCK, &patient, &loan, &err), &err);
    put(2);
    assert_ok(read_range(reader, 2 * BLOCK, BLOCK, &at_once, &err), &err);
    cr_assert_eq(memcmp(loan.pieces[0].iov_base, zeros, 10), 0, "who has them keeps them");
    loan_release(&loan);
    cr_assert_eq(cache_used(), BLOCK);
}

Test(fill, closing_forgets_what_was_fetched_ahead_and_what_is_in_memory)
{
    close_filled();
    cache_replace(16 * BLOCK, 4 * BLOCK);
    open_filled();
    put(0);
    assert_ok(read_range(reader, 0, BLOCK / 2, &patient, &err), &err);
    assert_ok(read_range(reader, BLOCK / 2, BLOCK / 2, &patient, &err), &err);
    wait_until(wants(1));
    close_filled();
    cr_assert_eq(cache_used(), 0);
    open_filled();
    cr_assert_eq(read_range(reader, 0, 10, &at_once, &err), -EAGAIN);
}
