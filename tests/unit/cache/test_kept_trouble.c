/* A cache over a disk that is full, or spoiled while it is used: what cannot be kept is done without. */
#include <sys/mount.h>

#include "cache_test.h"
#include "disk/disk_test.h"

#define LONG_MS 600000

static const struct wait patient = {.timeout_ms = LONG_MS};

static struct reader *reader;

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
}

static void tear_down(void)
{
    reader_close(reader);
    cache_tear_down();
    disk_close(cache_disk);
    scratch_close();
}

TestSuite(kept_trouble, .init = set_up, .fini = tear_down);

static void read_ok(uint64_t offset, size_t len)
{
    struct error err;
    assert_ok(read_range(reader, offset, len, &patient, &err), &err);
}

/* The pool goes on where the disk cannot. */
static void on_a_disk_of(const char *size)
{
    char options[64];
    reader_close(reader);
    cache_tear_down();
    disk_close(cache_disk);
    own_mounts();
    scratch_mkdir("small");
    (void)snprintf(options, sizeof options, "size=%s,mode=700", size);
    cr_assert_eq(mount("none", scratch_path("small"), "tmpfs", 0, options), 0);
    cache_disk = disk_here("small");
    cache = NULL;
    cache_set_up();
    open_reader();
}

Test(kept_trouble, a_full_disk_is_done_without)
{
    on_a_disk_of("64k");
    fake.at_once = true;
    for (int turn = 0; turn < 3; turn++)
        read_ok(0, 7 * BLOCK);
    wait_until(cache_saving() == 0);
    cr_assert_eq(disk_notes, 1, "said %u times, last: %s", disk_notes, disk_noted);
    cr_assert_leq(cache_used(), 4 * BLOCK);
    cr_assert_eq(cache->ahead, 0);
}

Test(kept_trouble, a_small_disk_keeps_what_it_can)
{
    on_a_disk_of("3m");
    fake.at_once = true;
    read_ok(0, 7 * BLOCK);
    reader_close(reader);
    cache_renew();
    open_reader();
    unsigned before = fake_count();
    read_ok(6 * BLOCK, 1000);
    cr_assert_eq(fake_count(), before);
    cr_assert_eq(disk_notes, 0, "%s", disk_noted);
}

struct stress {
    struct reader *reader;
    unsigned seed;
    unsigned wrong;
    struct error err;
};

static void *read_at_random(void *context)
{
    struct stress *stress = context;
    struct error err = {0};
    for (int i = 0; i < ROUNDS(25); i++) {
        uint64_t offset = (uint64_t)rand_r(&stress->seed) % (10 * BLOCK);
        size_t len = (size_t)rand_r(&stress->seed) % 100000 + (i % 7 ? 0 : BLOCK);
        if (read_range(stress->reader, offset, len, &patient, &err) < 0) {
            stress->wrong++;
            stress->err = err;
        }
    }
    return NULL;
}

static atomic_bool stop;

/* What another process would see and do. */
static struct disk *other_disk;
static struct disk_object *other;

/* Damages and removes what there is, again and again, and prunes. */
static void *trouble(void *context)
{
    unsigned seed = 5;
    uint64_t freed;
    (void)context;
    while (!atomic_load(&stop)) {
        const char *name = file_of("cache", other, rand_r(&seed) % 2 ? ".map" : ".data");
        switch (rand_r(&seed) % 4) {
        case 0:
            (void)unlink(scratch_path("%s", name));
            break;
        case 1:
            (void)!truncate(scratch_path("%s", name), rand_r(&seed) % 5000000);
            break;
        case 2:
            (void)disk_prune(other_disk, 2 * BLOCK, &freed, NULL);
            break;
        default:
            (void)disk_clear(other_disk, NULL);
            break;
        }
        (void)usleep(3000);
    }
    return NULL;
}

Test(kept_trouble, many_readers_over_a_disk_in_trouble_get_the_right_bytes)
{
    pthread_t threads[6];
    pthread_t troubler;
    struct stress stress[6];
    fake.at_once = true;
    reader_close(reader);
    cache_replace(3 * BLOCK, 2 * BLOCK);
    other_disk = disk_here("cache");
    other = disk_object_of(other_disk, "a", 11 * BLOCK + 5);
    cr_assert_eq(pthread_create(&troubler, NULL, trouble, NULL), 0);
    for (unsigned i = 0; i < COUNT(threads); i++) {
        stress[i] = (struct stress){.reader = open_object(i % 3 ? "a" : "b", 11 * BLOCK + 5), .seed = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, read_at_random, &stress[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(threads); i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_eq(stress[i].wrong, 0, "%s", stress[i].err.message);
        reader_close(stress[i].reader);
    }
    atomic_store(&stop, true);
    (void)pthread_join(troubler, NULL);
    wait_until(cache_saving() == 0);
    cr_assert_leq(cache_used(), 3 * BLOCK);
    cr_assert_eq(cache->ahead, 0);
    disk_object_free(other);
    disk_close(other_disk);
    open_reader();
}
