/* What the tests of the disk cache share; see disk_test.h. */
#include "disk_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>

#include "base/cleanup.h"

char disk_noted[512];
unsigned disk_notes;

static void note(const char *what, const char *why)
{
    disk_notes++;
    (void)snprintf(disk_noted, sizeof disk_noted, "%s: %s", what, why);
}

static int try_of_size(const char *path, uint64_t size_max, struct disk **ret_disk, struct error *err)
{
    struct disk_config config = {
        .directory = path, .size_max = size_max, .free_min = 1, .make = true, .note = note};
    return disk_open(&config, ret_disk, err);
}

int disk_try(const char *path, struct disk **ret_disk, struct error *err)
{
    return try_of_size(path, UINT64_MAX / 2, ret_disk, err);
}

struct disk *disk_of_size(const char *name, uint64_t size_max)
{
    struct disk *disk;
    struct error err;
    assert_ok(try_of_size(scratch_path("%s", name), size_max, &disk, &err), &err);
    return disk;
}

struct disk *disk_here(const char *name)
{
    return disk_of_size(name, UINT64_MAX / 2);
}

struct disk_object *disk_object_of(struct disk *disk, const char *key, uint64_t size)
{
    static const struct cache_scope scope = {"http://server", "bucket", "run/"};
    struct object object = {.key = key, .key_len = strlen(key), .etag = "e", .size = size};
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    identity_build(&scope, &object, &identity);
    struct disk_object *made = disk_object_new(disk, strbuf_text(&identity), identity.len, size);
    cr_assert(made);
    return made;
}

int save_block(struct disk_object *object, uint64_t number)
{
    size_t len = map_block_len(object->size, number);
    _cleanup_free_ char *bytes = malloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern_at(number * DISK_BLOCK + i);
    struct hash128 hash = hash128(bytes, len);
    return disk_object_save(object, number, bytes, len, &hash, false);
}

bool load_block(struct disk_object *object, uint64_t number)
{
    size_t len = map_block_len(object->size, number);
    _cleanup_free_ char *bytes = malloc(len);
    bool unused;
    struct hash128 hash;
    if (disk_object_load(object, number, bytes, len, &hash, &unused) < 0)
        return false;
    cr_assert_eq(pattern_check(bytes, len, number * DISK_BLOCK), len, "wrong bytes were given out");
    return true;
}

const char *file_of(const char *name, const struct disk_object *object, const char *suffix)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];
    (void)snprintf(path, sizeof paths[0], "%s/objects/%.2s/%s%s", name, object->name, object->name, suffix);
    return path;
}

void flip_byte(const char *name, uint64_t offset)
{
    char byte;
    int fd = open(scratch_path("%s", name), O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(pread(fd, &byte, 1, (off_t)offset), 1, "%s at %zu", name, (size_t)offset);
    byte ^= 0x10;
    cr_assert_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
    (void)close(fd);
}

uint64_t size_of_file(const char *name)
{
    struct stat st;
    cr_assert_eq(stat(scratch_path("%s", name), &st), 0, "%s", name);
    return (uint64_t)st.st_size;
}

bool exists(const char *name)
{
    struct stat st;
    return lstat(scratch_path("%s", name), &st) == 0;
}

static uint64_t taken;

static int add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path, (void)ftw;
    if (type == FTW_F)
        taken += (uint64_t)st->st_blocks * 512;
    return 0;
}

uint64_t taken_below(const char *name)
{
    taken = 0;
    (void)nftw(scratch_path("%s", name), add_file, 16, FTW_PHYS);
    return taken;
}

unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    cr_assert(dir);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}
