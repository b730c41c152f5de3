/* How full the disk cache is, what is in it, and whether it is right. */
#include "disk/disk.h"

#include <errno.h>

#include "disk/identity.h"
#include "testing.h"

#define BLOCK (1024U * 1024)

static struct disk *disk;
static char block[BLOCK];

static int open_disk(bool make, struct error *err)
{
    struct disk_config config = {.directory = scratch_path("cache"), .size_max = 64U << 20, .make = make};
    return disk_open(&config, &disk, err);
}

static void set_up(void)
{
    scratch_open();
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = pattern_at(i);
}

static void tear_down(void)
{
    disk_close(disk);
    scratch_close();
}

TestSuite(disk_usage, .init = set_up, .fini = tear_down);

static void open_new(void)
{
    struct error err = {0};
    assert_ok(open_disk(true, &err), &err);
}

static void identity_of(const char *key, uint64_t size, struct strbuf *out)
{
    struct cache_scope scope = {"http://h", "b", "run/"};
    struct object object = {.key = key, .key_len = strlen(key), .etag = "e", .size = size};
    identity_build(&scope, &object, out);
}

/* Keeps the first COUNT blocks of an object of SIZE bytes. */
static void keep(const char *key, uint64_t size, uint64_t count)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    identity_of(key, size, &identity);
    struct disk_object *kept = disk_object_new(disk, identity.data, identity.len, size);
    cr_assert(kept);
    for (uint64_t i = 0; i < count; i++) {
        size_t len = size - i * BLOCK < BLOCK ? (size_t)(size - i * BLOCK) : BLOCK;
        struct hash128 hash = hash128(block, len);
        cr_assert_eq(disk_object_save(kept, i, block, len, &hash, false), 0);
        (void)usleep(2000); /* their order is told by the millisecond */
    }
    disk_object_free(kept);
}

static struct disk_usage usage(void)
{
    struct disk_usage now;
    struct error err = {0};
    assert_ok(disk_usage(disk, &now, &err), &err);
    return now;
}

Test(disk_usage, an_empty_cache_has_nothing)
{
    open_new();
    struct disk_usage now = usage();
    cr_assert_eq(now.objects + now.blocks + now.bytes + now.taken + now.listings, 0);
    cr_assert_gt(now.free, 0);
}

Test(disk_usage, objects_blocks_bytes_and_listings_are_counted)
{
    open_new();
    keep("small", 100, 1);
    keep("big", 3 * BLOCK + 5, 4);
    keep("part", 3 * BLOCK, 2);
    keep("none", 3 * BLOCK, 0);
    scratch_write("cache/listings/one", "listing");
    struct disk_usage now = usage();
    cr_assert_eq(now.objects, 3);
    cr_assert_eq(now.blocks, 7);
    cr_assert_eq(now.bytes, 100 + 3 * BLOCK + 5 + 2 * BLOCK);
    cr_assert_eq(now.listings, 1);
    cr_assert_geq(now.taken, now.bytes);
}

/* Small ones above all: their maps take as much as their blocks. */
Test(disk_usage, pruning_keeps_the_limit)
{
    char key[16];
    struct error err = {0};
    uint64_t freed;
    open_new();
    keep("big", 3 * BLOCK, 3);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof key, "small%d", i);
        keep(key, 100, 1);
    }
    assert_ok(disk_prune(disk, 500000, &freed, &err), &err);
    cr_assert_leq(usage().taken, 500000);
    cr_assert_gt(usage().objects, 0);
}

/* The map of an object stays as long as one of its blocks does, though each block has a share in it. */
Test(disk_usage, pruning_keeps_the_limit_of_large_objects_to_the_byte)
{
    struct error err = {0};
    uint64_t freed;
    open_new();
    keep("big", 3 * BLOCK, 3);
    uint64_t map = usage().taken - 3 * BLOCK;
    assert_ok(disk_prune(disk, BLOCK + map / 2, &freed, &err), &err);
    cr_assert_leq(usage().taken, BLOCK + map / 2);
}

Test(disk_usage, a_cache_that_is_not_there_is_not_made)
{
    struct error err = {0};
    assert_refused(open_disk(false, &err), ENOENT, &err, "/cache: No such file");
    scratch_mkdir("cache");
    assert_refused(open_disk(false, &err), ENOENT, &err, "/cache: No such file");
    cr_assert_eq(rmdir(scratch_path("cache")), 0, "something was made in it");
}

static unsigned bad;

static void on_bad(void *context, const struct disk_item *item, uint64_t number)
{
    (void)context, (void)item;
    cr_assert_eq(number, 1);
    bad++;
}

static void on_progress(void *bytes, uint64_t checked)
{
    *(uint64_t *)bytes = checked;
}

/* Changes a byte of what is kept of an object. */
static void flip(const char *key, uint64_t size, off_t at)
{
    char name[IDENTITY_NAME];
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    identity_of(key, size, &identity);
    identity_name(identity.data, identity.len, name);
    int fd = open(scratch_path("cache/objects/%.2s/%s.data", name, name), O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    char byte = (char)(pattern_at((uint64_t)at % BLOCK) ^ 1);
    cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

Test(disk_usage, verify_finds_and_drops_the_block_that_is_wrong)
{
    struct error err = {0};
    struct disk_verified verified;
    uint64_t checked = 0;
    open_new();
    keep("big", 3 * BLOCK, 3);
    assert_ok(disk_verify(disk, on_bad, on_progress, &checked, &verified, &err), &err);
    cr_assert_eq(bad + verified.bad, 0);
    cr_assert_eq(verified.blocks, 3);
    cr_assert_eq(checked, 3 * BLOCK);
    flip("big", 3 * BLOCK, BLOCK + 77);
    assert_ok(disk_verify(disk, on_bad, on_progress, &checked, &verified, &err), &err);
    cr_assert_eq(bad, 1);
    cr_assert_eq(verified.bad, 1);
    cr_assert_eq(usage().blocks, 2);
    assert_ok(disk_verify(disk, on_bad, on_progress, &checked, &verified, &err), &err);
    cr_assert_eq(verified.blocks, 2);
    cr_assert_eq(verified.bad, 0);
}
