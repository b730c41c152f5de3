/* Looking after the disk cache: what was used longest ago goes first, what is broken or left over goes, what is there is
   told. */
#include <errno.h>
#include <sys/time.h>

#include "disk/blob.h"
#include "disk/listing.h"
#include "disk_test.h"

#define MIB  (1024ULL * 1024)
#define HOUR 3600

#define SPACE_FILE 4096 /* the count itself is not counted */

static struct disk *disk;

static void set_up(void)
{
    scratch_open();
    disk = disk_here("cache");
}

static void tear_down(void)
{
    disk_close(disk);
    scratch_close();
}

TestSuite(evict, .init = set_up, .fini = tear_down);

static struct disk_object *numbered(unsigned i, uint64_t size)
{
    char key[32];
    (void)snprintf(key, sizeof key, "object%u", i);
    return disk_object_of(disk, key, size);
}

/* Makes block NUMBER one that was used AGO milliseconds before now. */
static void set_age(struct disk_object *object, uint64_t number, uint64_t ago)
{
    char bytes[8];
    map_used_write(bytes, clock_real_ms() - ago, false);
    int fd = open(scratch_path("%s", file_of("cache", object, ".map")), O_RDWR | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, bytes, 8, (off_t)map_entry_at(object->identity_len, number) + MAP_USED_AT), 8);
    (void)close(fd);
}

static uint64_t prune(uint64_t size_max)
{
    uint64_t freed = 0;
    struct error err;
    assert_ok(disk_prune(disk, size_max, &freed, &err), &err);
    return freed;
}

Test(evict, the_least_recently_used_blocks_go_first)
{
    struct disk_object *object = numbered(0, 10 * MIB);
    for (uint64_t i = 0; i < 10; i++) {
        cr_assert_eq(save_block(object, i), 0);
        set_age(object, i, (i * 7 % 10 + 1) * 100000);
    }
    uint64_t before = taken_below("cache");
    cr_assert_geq(prune(before - 3 * MIB), 3 * MIB);
    cr_assert_leq(taken_below("cache"), before - 3 * MIB);
    for (uint64_t i = 0; i < 10; i++)
        cr_assert_eq(load_block(object, i), i * 7 % 10 < 7, "block %zu", (size_t)i);
    disk_object_free(object);
}

Test(evict, a_use_is_remembered)
{
    struct disk_object *object = numbered(0, 4 * MIB);
    for (uint64_t i = 0; i < 4; i++) {
        cr_assert_eq(save_block(object, i), 0);
        set_age(object, i, 1000000 - i * 1000);
    }
    cr_assert(load_block(object, 0));
    (void)prune(taken_below("cache") - 2 * MIB);
    cr_assert(load_block(object, 0));
    cr_assert_not(load_block(object, 1));
    cr_assert_not(load_block(object, 2));
    disk_object_free(object);
}

/* Small files take more than their bytes. */
Test(evict, small_objects_go_in_their_turn_too)
{
    struct disk_object *objects[200];
    for (unsigned i = 0; i < COUNT(objects); i++) {
        objects[i] = numbered(i, 100);
        cr_assert_eq(save_block(objects[i], 0), 0);
        set_age(objects[i], 0, (i % 2 ? 10000000 : 1000000) + i);
    }
    uint64_t before = taken_below("cache");
    (void)prune(before / 2 + before / 10);
    unsigned old = 0;
    for (unsigned i = 0; i < COUNT(objects); i++) {
        bool here = load_block(objects[i], 0);
        old += here && i % 2;
        if (i % 2 == 0)
            cr_assert(here, "object %u, used later than others that are left", i);
        disk_object_free(objects[i]);
    }
    cr_assert_leq(old, 30);
    cr_assert_leq(taken_below("cache"), before / 2 + before / 10 + SPACE_FILE);
}

Test(evict, objects_without_blocks_are_unlinked)
{
    struct disk_object *object = numbered(0, 2 * MIB);
    struct disk_object *other = numbered(1, 2 * MIB);
    cr_assert_eq(save_block(object, 0), 0);
    cr_assert_eq(save_block(object, 1), 0);
    cr_assert_eq(save_block(other, 0), 0);
    set_age(object, 0, 1000000);
    set_age(object, 1, 1000000);
    (void)prune(taken_below("cache") - 2 * MIB);
    cr_assert_not(exists(file_of("cache", object, ".map")));
    cr_assert_not(exists(file_of("cache", object, ".data")));
    cr_assert(load_block(other, 0));
    cr_assert_eq(save_block(object, 0), 0, "who has it open goes on");
    struct disk *second = disk_here("cache");
    struct disk_object *seen = disk_object_of(second, "object0", 2 * MIB);
    cr_assert(load_block(seen, 0), "and others see it");
    disk_object_free(seen);
    disk_close(second);
    disk_object_free(object);
    disk_object_free(other);
}

/* Bytes that no entry speaks of, as after a crash between the two or with a map that was zeroed, must not stay for ever. */
Test(evict, data_without_entries_goes_too)
{
    static const char nothing[MAP_ENTRY];
    struct disk_object *object = numbered(0, 4 * MIB);
    for (uint64_t i = 0; i < 4; i++)
        cr_assert_eq(save_block(object, i), 0);
    int fd = open(scratch_path("%s", file_of("cache", object, ".map")), O_RDWR | O_CLOEXEC);
    for (uint64_t i = 0; i < 4; i++)
        (void)!pwrite(fd, nothing, MAP_ENTRY, (off_t)map_entry_at(object->identity_len, i));
    const struct timespec old[2] = {{.tv_sec = time(NULL) - 2 * HOUR}, {.tv_sec = time(NULL) - 2 * HOUR}};
    cr_assert_eq(futimens(fd, old), 0);
    (void)close(fd);
    disk_object_free(object);
    (void)prune(1);
    cr_assert_leq(taken_below("cache/objects"), MIB);
}

/* What is not there cannot be freed. */
Test(evict, only_what_was_freed_counts)
{
    struct disk_object *hollow = numbered(0, 8 * MIB);
    struct disk_object *object = numbered(1, 8 * MIB);
    for (uint64_t i = 0; i < 8; i++) {
        cr_assert_eq(save_block(hollow, i), 0);
        cr_assert_eq(save_block(object, i), 0);
        set_age(hollow, i, 2000000);
        set_age(object, i, 1000000);
    }
    cr_assert_eq(truncate(scratch_path("%s", file_of("cache", hollow, ".data")), 0), 0);
    (void)prune(4 * MIB);
    cr_assert_leq(taken_below("cache"), 4 * MIB);
    disk_object_free(hollow);
    disk_object_free(object);
}

Test(evict, bytes_that_others_need_are_left_free)
{
    struct disk_config config = {
        .directory = scratch_path("cache"), .size_max = UINT64_MAX / 2, .free_min = UINT64_MAX / 4};
    struct disk *tight;
    struct error err;
    struct disk_object *object = numbered(0, 2 * MIB);
    cr_assert_eq(save_block(object, 0), 0);
    disk_object_free(object);
    assert_ok(disk_open(&config, &tight, &err), &err);
    object = disk_object_of(tight, "object1", 2 * MIB);
    cr_assert_lt(save_block(object, 0), 0);
    disk_object_free(object);
    disk_close(tight);
    cr_assert_lt(taken_below("cache/objects"), MIB);
}

static void make_old(const char *name)
{
    const struct timeval old[2] = {{.tv_sec = time(NULL) - 2 * HOUR}, {.tv_sec = time(NULL) - 2 * HOUR}};
    cr_assert_eq(utimes(scratch_path("%s", name), old), 0, "%s", name);
}

Test(evict, what_killed_processes_left_is_cleared_away)
{
    static const char *const left[] = {
        "cache/objects/ab/new-1-2", "cache/objects/ab/ab345678901234567890123456789012.data",
        "cache/objects/ab/ab345678901234567890123456789013.map", "cache/listings/new-1-3"};
    scratch_mkdir("cache/objects/ab");
    cr_assert_eq(chmod(scratch_path("cache/objects/ab"), 0700), 0);
    for (size_t i = 0; i < COUNT(left); i++) {
        scratch_write(left[i], "left over");
        make_old(left[i]);
    }
    scratch_write("cache/objects/ab/new-1-4", "in the making");
    scratch_write("cache/listings/new-1-5", "in the making");
    (void)prune(UINT64_MAX);
    for (size_t i = 0; i < COUNT(left); i++)
        cr_assert_not(exists(left[i]), "%s", left[i]);
    cr_assert(exists("cache/objects/ab/new-1-4"));
    cr_assert(exists("cache/listings/new-1-5"));
}

/* Keeps a listing of COUNT objects of the bucket NAME. */
static void keep_listing(const char *name, unsigned count)
{
    char key[64];
    const struct cache_scope scope = {"http://server", name, "run/"};
    struct listing_writer *writer = listing_writer_open(disk, &scope, "me");
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(key, sizeof key, "%x%x", i * 2654435761U, i * 40503);
        struct object object = {.key = key, .key_len = strlen(key), .etag = "e", .size = 1};
        listing_writer_add(writer, &object);
    }
    listing_writer_close(writer, clock_real_ms());
}

static unsigned listings(void)
{
    unsigned count = 0;
    char command[512];
    (void)snprintf(command, sizeof command, "ls '%s' | wc -l", scratch_path("cache/listings"));
    FILE *out = popen(command, "re");
    cr_assert_eq(fscanf(out, "%u", &count), 1);
    (void)pclose(out);
    return count;
}

/* Listings of runs that nobody looks at any more must not fill the cache. */
Test(evict, old_listings_go_in_their_turn_too)
{
    char command[512];
    for (unsigned i = 0; i < 10; i++) {
        char bucket[16];
        (void)snprintf(bucket, sizeof bucket, "bucket%u", i);
        keep_listing(bucket, 10000);
    }
    (void)snprintf(command, sizeof command, "touch -d '2 days ago' '%s'/*", scratch_path("cache/listings"));
    cr_assert_eq(system(command), 0);
    keep_listing("fresh", 10000);
    struct disk_object *object = numbered(0, MIB);
    cr_assert_eq(save_block(object, 0), 0);
    cr_assert_eq(listings(), 11);
    uint64_t limit = taken_below("cache") / 2 + MIB / 2;
    (void)prune(limit);
    cr_assert_leq(taken_below("cache"), limit + SPACE_FILE);
    cr_assert_geq(listings(), 1);
    cr_assert(load_block(object, 0));
    (void)prune(0);
    cr_assert_eq(listings(), 0);
    disk_object_free(object);
}

/* Keeps a table of MIB bytes for NAME. */
static void keep_table(const char *name)
{
    char *bytes = malloc(MIB);
    memset(bytes, 't', MIB);
    const struct blob_id id = blob_table(name, strlen(name));
    blob_write(disk, &id, 1000, bytes, MIB);
    free(bytes);
}

/* Tables that nobody reads any more make room for objects, and not the other way round. */
Test(evict, old_tables_go_before_newer_blocks)
{
    char name[16];
    char command[512];
    struct disk_stats stats;
    disk_close(disk);
    disk = disk_of_size("cache", 100 * MIB);
    for (unsigned i = 0; i < 95; i++) {
        (void)snprintf(name, sizeof name, "table%u", i);
        keep_table(name);
    }
    (void)snprintf(command, sizeof command, "touch -d '2 days ago' '%s'/*", scratch_path("cache/tables"));
    cr_assert_eq(system(command), 0);
    struct disk_object *object = numbered(0, 48 * MIB);
    for (uint64_t number = 0; number < 48; number++)
        cr_assert_eq(save_block(object, number), 0, "block %zu: %s", (size_t)number, disk_noted);
    for (uint64_t number = 0; number < 48; number++)
        cr_assert(load_block(object, number), "block %zu", (size_t)number);
    disk_stats(disk, &stats);
    cr_assert_eq(stats.blocks_evicted, 0);
    cr_assert_leq(taken_below("cache"), 100 * MIB + SPACE_FILE);
    cr_assert_geq(taken_below("cache/tables"), 10 * MIB, "no more go than have to");
    disk_object_free(object);
}

/* Its writer would find it missing, and take that for a broken disk. */
Test(evict, a_blob_that_another_process_writes_is_not_evicted)
{
    char command[512];
    uint64_t freed;
    struct error err = {0};
    keep_table("table");
    (void)snprintf(command, sizeof command, "echo half > '%s'", scratch_path("cache/tables/new-1-1"));
    cr_assert_eq(system(command), 0);
    assert_ok(disk_prune(disk, 0, &freed, &err), &err);
    cr_assert_eq(access(scratch_path("cache/tables/new-1-1"), F_OK), 0);
    (void)snprintf(command, sizeof command, "test \"$(ls '%s')\" = new-1-1", scratch_path("cache/tables"));
    cr_assert_eq(system(command), 0);
}

Test(evict, a_cache_that_is_read_only_is_not_pruned)
{
    uint64_t freed;
    struct error err = {0};
    disk->writable = false;
    cr_assert_lt(disk_clear(disk, &err), 0);
    disk->writable = true;
    assert_ok(disk_prune(disk, 0, &freed, &err), &err);
}

Test(evict, clearing_removes_everything_and_users_go_on)
{
    struct error err;
    struct disk_object *object = numbered(0, 2 * MIB);
    cr_assert_eq(save_block(object, 0), 0);
    keep_listing("bucket", 10);
    assert_ok(disk_clear(disk, &err), &err);
    cr_assert_eq(listings(), 0);
    cr_assert_leq(taken_below("cache"), 8192);
    cr_assert_eq(save_block(object, 1), 0);
    cr_assert(load_block(object, 1));
    cr_assert_not(load_block(object, 0));
    disk_object_free(object);
}

/* What is told of the objects. */
static struct {
    unsigned items;
    unsigned bad;
    uint64_t here;
    uint64_t blocks;
    uint64_t size;
} told;

static int tell(void *context, const struct disk_item *item)
{
    struct identity_parts parts;
    cr_assert_eq(identity_split(item->identity, item->identity_len, &parts), 0);
    cr_assert_eq(strncmp(parts.key, "run/object", 10), 0);
    cr_assert_geq(item->allocated, item->here);
    cr_assert_leq(item->used_ms, clock_real_ms());
    told.items++;
    told.here += item->here;
    told.blocks += item->blocks;
    told.size += item->size;
    return context ? 7 : 0;
}

static void tell_bad(void *context, const struct disk_item *item, uint64_t number)
{
    (void)context, (void)item;
    told.bad++;
    cr_assert_eq(number, 1);
}

static void tell_progress(void *context, uint64_t bytes)
{
    (void)context;
    cr_assert_leq(bytes, 5 * MIB);
}

static void fill_some(void)
{
    for (unsigned i = 0; i < 3; i++) {
        struct disk_object *object = numbered(i, 2 * MIB);
        for (uint64_t number = 0; number < 1 + i % 2; number++)
            cr_assert_eq(save_block(object, number), 0);
        disk_object_free(object);
    }
}

Test(evict, each_object_is_told)
{
    struct error err;
    fill_some();
    assert_ok(disk_each(disk, tell, NULL, &err), &err);
    cr_assert_eq(told.items, 3);
    cr_assert_eq(told.blocks, 4);
    cr_assert_eq(told.here, 4 * MIB);
    cr_assert_eq(told.size, 6 * MIB);
    told.items = 0;
    (void)disk_each(disk, tell, disk, &err);
    cr_assert_eq(told.items, 1, "it ends when it is told to");
}

Test(evict, verifying_finds_and_drops_what_is_wrong)
{
    struct error err;
    struct disk_verified verified;
    fill_some();
    assert_ok(disk_verify(disk, tell_bad, tell_progress, NULL, &verified, &err), &err);
    cr_assert_eq(verified.objects, 3);
    cr_assert_eq(verified.blocks, 4);
    cr_assert_eq(verified.bytes, 4 * MIB);
    cr_assert_eq(verified.bad, 0);
    struct disk_object *object = numbered(1, 2 * MIB);
    flip_byte(file_of("cache", object, ".data"), MIB + 5);
    assert_ok(disk_verify(disk, tell_bad, tell_progress, NULL, &verified, &err), &err);
    cr_assert_eq(verified.bad, 1);
    cr_assert_eq(told.bad, 1);
    cr_assert_not(load_block(object, 1));
    cr_assert(load_block(object, 0));
    assert_ok(disk_verify(disk, tell_bad, tell_progress, NULL, &verified, &err), &err);
    cr_assert_eq(verified.bad, 0);
    cr_assert_eq(verified.blocks, 3);
    disk_object_free(object);
}

Test(evict, the_limit_is_kept_while_writing)
{
    disk_close(disk);
    disk = disk_of_size("cache", 16 * MIB);
    for (unsigned i = 0; i < 20; i++) {
        struct disk_object *object = numbered(i, 4 * MIB);
        for (uint64_t number = 0; number < 4; number++) {
            cr_assert_eq(save_block(object, number), 0, "object %u: %s", i, disk_noted);
            cr_assert(load_block(object, number));
            cr_assert_leq(taken_below("cache"), 17 * MIB);
        }
        disk_object_free(object);
    }
    cr_assert_geq(taken_below("cache"), 8 * MIB);
    cr_assert_eq(disk_notes, 0);
}
