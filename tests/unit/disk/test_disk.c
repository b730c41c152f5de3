/* Blocks in the disk cache: kept, shared, and never given out wrong, whatever happens to their files. */
#include <errno.h>
#include <pthread.h>
#include <sys/mount.h>

#include "disk_test.h"

#define SIZE (2 * DISK_BLOCK + 300)

static struct disk *disk;
static struct disk_object *object;

static void set_up(void)
{
    scratch_open();
    disk = disk_here("cache");
    object = disk_object_of(disk, "key", SIZE);
}

static void tear_down(void)
{
    disk_object_free(object);
    disk_close(disk);
    scratch_close();
}

TestSuite(disk, .init = set_up, .fini = tear_down);

/* As another process would see it. */
static void reopen(void)
{
    disk_object_free(object);
    disk_close(disk);
    disk = disk_here("cache");
    object = disk_object_of(disk, "key", SIZE);
}

Test(disk, what_is_saved_is_loaded_and_nothing_else)
{
    cr_assert_not(load_block(object, 0));
    for (uint64_t i = 0; i < 3; i++) {
        cr_assert_eq(save_block(object, i), 0);
        for (uint64_t j = 0; j < 3; j++)
            cr_assert_eq(load_block(object, j), j <= i, "block %zu", (size_t)j);
    }
    cr_assert_eq(disk_object_bytes(object), SIZE);
    struct disk_object *other = disk_object_of(disk, "kex", SIZE);
    cr_assert_not(load_block(other, 0));
    disk_object_free(other);
}

Test(disk, another_process_finds_it)
{
    cr_assert_eq(save_block(object, 1), 0);
    reopen();
    cr_assert_not(disk_object_knows(object, 1), "nothing is looked at before it is needed");
    cr_assert(load_block(object, 1));
    cr_assert(disk_object_knows(object, 1));
    cr_assert_not(disk_object_knows(object, 0));
    cr_assert_not(load_block(object, 0));
    cr_assert_eq(disk_object_bytes(object), DISK_BLOCK);
}

Test(disk, the_first_use_of_what_was_fetched_ahead_is_told_once)
{
    char bytes[300] = {0};
    bool unused = false;
    struct hash128 hash = hash128(bytes, sizeof bytes);
    struct hash128 found;
    cr_assert_eq(disk_object_save(object, 2, bytes, sizeof bytes, &hash, true), 0);
    reopen();
    cr_assert_eq(disk_object_load(object, 2, bytes, sizeof bytes, &found, &unused), 0);
    cr_assert(unused);
    cr_assert_eq(disk_object_load(object, 2, bytes, sizeof bytes, &found, &unused), 0);
    cr_assert_not(unused);
}

/* From here on something happens to the files. Block 2 is the short one. */

Test(disk, every_wrong_byte_of_the_data_is_noticed)
{
    struct disk_stats stats;
    for (uint64_t i = 0; i < 300; i++) {
        cr_assert_eq(save_block(object, 2), 0);
        flip_byte(file_of("cache", object, ".data"), 2 * DISK_BLOCK + i);
        cr_assert_not(load_block(object, 2), "byte %zu", (size_t)i);
    }
    disk_stats(disk, &stats);
    cr_assert_eq(stats.blocks_bad, 300);
    cr_assert_eq(save_block(object, 2), 0);
    cr_assert(load_block(object, 2));
}

/* The last eight bytes say when the block was used last, and decide nothing but when it goes. */
Test(disk, every_wrong_byte_of_an_entry_costs_the_block)
{
    for (uint64_t i = 0; i < MAP_ENTRY; i++) {
        cr_assert_eq(save_block(object, 2), 0);
        flip_byte(file_of("cache", object, ".map"), map_entry_at(object->identity_len, 2) + i);
        cr_assert_eq(load_block(object, 2), i >= MAP_USED_AT, "byte %zu", (size_t)i);
    }
}

Test(disk, every_wrong_byte_of_a_head_costs_the_object)
{
    for (uint64_t i = 0; i < MAP_HEADER + object->identity_len; i++) {
        cr_assert_eq(save_block(object, 2), 0);
        flip_byte(file_of("cache", object, ".map"), i);
        reopen();
        cr_assert_not(load_block(object, 2), "byte %zu", (size_t)i);
    }
    cr_assert_eq(save_block(object, 2), 0);
    reopen();
    cr_assert(load_block(object, 2));
}

/* A block in the place of another one has a right checksum, but not for that place. */
Test(disk, a_block_does_not_pass_for_another_one)
{
    char bytes[MAP_ENTRY];
    cr_assert_eq(save_block(object, 0), 0);
    cr_assert_eq(save_block(object, 1), 0);
    int fd = open(scratch_path("%s", file_of("cache", object, ".map")), O_RDWR | O_CLOEXEC);
    cr_assert_eq(pread(fd, bytes, MAP_ENTRY, (off_t)map_entry_at(object->identity_len, 0)), MAP_ENTRY);
    cr_assert_eq(pwrite(fd, bytes, MAP_ENTRY, (off_t)map_entry_at(object->identity_len, 1)), MAP_ENTRY);
    (void)close(fd);
    cr_assert_not(load_block(object, 1));
    cr_assert(load_block(object, 0));
}

enum harm { TRUNCATED, ZEROED, REMOVED, REPLACED, HARMS };

static void do_harm(const char *name, enum harm harm)
{
    uint64_t size = size_of_file(name);
    const char *path = scratch_path("%s", name);
    if (harm == REMOVED)
        cr_assert_eq(unlink(path), 0);
    else
        cr_assert_eq(truncate(path, 0), 0);
    if (harm == ZEROED)
        cr_assert_eq(truncate(path, (off_t)size), 0);
    if (harm == REPLACED)
        scratch_write(name, "something else");
}

/* Whether the files are open meanwhile or not, the worst is that blocks are fetched again. */
Test(disk, damaged_files_cost_blocks_and_no_more)
{
    static const char *const suffixes[] = {".map", ".data"};
    for (size_t i = 0; i < COUNT(suffixes); i++)
        for (int harm = 0; harm < HARMS; harm++)
            for (int closed = 0; closed < 2; closed++) {
                cr_assert_eq(save_block(object, 0), 0);
                cr_assert_eq(save_block(object, 2), 0);
                do_harm(file_of("cache", object, suffixes[i]), (enum harm)harm);
                if (closed)
                    reopen();
                (void)load_block(object, 0);
                cr_assert_eq(save_block(object, 0), 0, "%s, harm %d", suffixes[i], harm);
                cr_assert(load_block(object, 0), "%s, harm %d", suffixes[i], harm);
                reopen();
                (void)load_block(object, 0);
                cr_assert_eq(save_block(object, 0), 0);
                reopen();
                cr_assert(load_block(object, 0), "%s, harm %d: kept for others", suffixes[i], harm);
            }
}

Test(disk, what_is_saved_to_removed_files_is_kept_in_new_ones)
{
    cr_assert_eq(save_block(object, 0), 0);
    do_harm(file_of("cache", object, ".map"), REMOVED);
    do_harm(file_of("cache", object, ".data"), REMOVED);
    cr_assert_eq(save_block(object, 1), 0);
    reopen();
    cr_assert(load_block(object, 1));
    cr_assert_not(load_block(object, 0));
}

Test(disk, a_cache_that_was_removed_altogether_is_done_without)
{
    cr_assert_eq(save_block(object, 0), 0);
    char command[512];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", scratch_path("cache"));
    cr_assert_eq(system(command), 0);
    (void)load_block(object, 0);
    (void)save_block(object, 1);
    (void)load_block(object, 1);
    struct disk_object *other = disk_object_of(disk, "other", 10);
    cr_assert_lt(save_block(other, 0), 0);
    cr_assert_not(load_block(other, 0));
    disk_object_free(other);
    reopen();
    cr_assert_not(load_block(object, 0));
    cr_assert_eq(save_block(object, 0), 0);
}

/* A process that was stopped while it counted costs the blocks, and writing goes on after it. */
Test(disk, where_others_hold_the_count_blocks_are_not_kept)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(scratch_path("cache/space"), O_RDWR | O_CLOEXEC);
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    for (uint64_t i = 0; i < 2; i++)
        cr_assert_eq(save_block(object, i), -EAGAIN);
    cr_assert_eq(disk_notes, 0, "%s", disk_noted);
    (void)close(fd);
    cr_assert_eq(save_block(object, 0), 0);
}

Test(disk, a_disk_without_room_for_a_map_is_spoken_of)
{
    struct disk_stats stats;
    own_mounts();
    scratch_mkdir("small");
    cr_assert_eq(mount("none", scratch_path("small"), "tmpfs", 0, "size=64k,mode=700"), 0);
    struct disk *small = disk_here("small");
    struct disk_object *one = disk_object_of(small, "key", SIZE);
    int fd = open(scratch_path("small/full"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, "x", 1) == 1)
        (void)lseek(fd, 4095, SEEK_CUR);
    (void)close(fd);
    for (uint64_t i = 0; i < 3; i++)
        cr_assert_lt(save_block(one, i), 0);
    cr_assert_eq(disk_notes, 1);
    cr_assert(strstr(disk_noted, "No space left on device"), "%s", disk_noted);
    disk_stats(small, &stats);
    cr_assert_eq(stats.writes_failed, 1, "and not tried again for each block");
    disk_object_free(one);
    disk_close(small);
}

/* Descriptors. */

static struct disk_object *objects[3 * DISK_OPEN_MAX];

static void open_objects(void)
{
    char key[32];
    for (size_t i = 0; i < COUNT(objects); i++) {
        (void)snprintf(key, sizeof key, "object%zu", i);
        objects[i] = disk_object_of(disk, key, 100);
    }
}

static void free_objects(void)
{
    for (size_t i = 0; i < COUNT(objects); i++)
        disk_object_free(objects[i]);
}

Test(disk, descriptors_are_bounded_whatever_the_number_of_objects)
{
    unsigned before = open_descriptors();
    open_objects();
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < COUNT(objects); i++) {
            if (!turn)
                cr_assert_eq(save_block(objects[i], 0), 0);
            cr_assert(load_block(objects[i], 0));
            cr_assert_leq(open_descriptors(), before + 2 * DISK_OPEN_MAX);
        }
    free_objects();
    disk_tidy(disk);
    cr_assert_leq(open_descriptors(), before);
}

Test(disk, what_is_claimed_stays_open_and_the_rest_goes_on_without)
{
    unsigned before = open_descriptors();
    unsigned claimed = 0;
    open_objects();
    for (size_t i = 0; i < COUNT(objects); i++)
        claimed += disk_object_claim(objects[i], 0) == DISK_CLAIMED;
    cr_assert_eq(claimed, DISK_OPEN_MAX);
    cr_assert_leq(open_descriptors(), before + 2 * DISK_OPEN_MAX);
    cr_assert_eq(disk_object_claim(objects[COUNT(objects) - 1], 0), DISK_UNUSABLE);
    cr_assert_lt(save_block(objects[COUNT(objects) - 1], 0), 0);
    cr_assert_eq(disk_notes, 0, "%s", disk_noted);
    disk_object_release(objects[0], 0);
    cr_assert_eq(save_block(objects[COUNT(objects) - 1], 0), 0);
    for (size_t i = 1; i < DISK_OPEN_MAX; i++)
        disk_object_release(objects[i], 0);
    free_objects();
}

/* The cache frees objects under its lock. */
Test(disk, freeing_an_object_closes_nothing)
{
    static struct lock cache = LOCK_INIT(LOCK_CACHE);
    open_objects();
    cr_assert_eq(save_block(objects[0], 0), 0);
    unsigned before = open_descriptors();
    lock_take(&cache);
    free_objects();
    lock_drop(&cache);
    cr_assert_eq(open_descriptors(), before);
    disk_tidy(disk);
    cr_assert_eq(open_descriptors(), before - 2);
}

struct crowd {
    unsigned seed;
    unsigned loaded;
};

static void *save_and_load(void *context)
{
    struct crowd *crowd = context;
    for (int i = 0; i < 400; i++) {
        struct disk_object *one = objects[(size_t)rand_r(&crowd->seed) % COUNT(objects)];
        if (rand_r(&crowd->seed) % 2)
            (void)save_block(one, 0);
        else
            crowd->loaded += load_block(one, 0);
    }
    return NULL;
}

Test(disk, many_threads_share_many_objects)
{
    pthread_t threads[8];
    struct crowd crowds[COUNT(threads)];
    unsigned before = open_descriptors();
    unsigned loaded = 0;
    open_objects();
    for (size_t i = 0; i < COUNT(objects); i++)
        cr_assert_eq(save_block(objects[i], 0), 0);
    for (unsigned i = 0; i < COUNT(threads); i++) {
        crowds[i] = (struct crowd){.seed = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, save_and_load, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(threads); i++) {
        (void)pthread_join(threads[i], NULL);
        loaded += crowds[i].loaded;
    }
    cr_assert_gt(loaded, 0);
    free_objects();
    disk_tidy(disk);
    cr_assert_leq(open_descriptors(), before);
}
