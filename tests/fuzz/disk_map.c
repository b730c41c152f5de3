/* Fuzzes the maps of cached objects: any bytes in the place of a map, over data that is right, give blocks that are right or
   none, to those who load, list, verify and prune; and what is saved then can be loaded. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/cache.h"
#include "check.h"
#include "disk/disk_internal.h"

#define IDENTITY "server\0bucket\0etag\0002097652\0000\0run/key\0"
#define SIZE     (2ULL * CACHE_BLOCK_SIZE + 500)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct disk *disk;
static char directory[64];
static char block[CACHE_BLOCK_SIZE];

static void remove_directory(void)
{
    char command[128];
    disk_close(disk);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    (void)!system(command);
}

/* In memory where there is a file system for it: each input writes some files. */
static void set_up(void)
{
    struct error err;
    (void)snprintf(directory, sizeof directory, "%s/runfs-fuzz-map-%ld",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
    struct disk_config config = {.directory = directory, .size_max = 1ULL << 30, .free_min = 1, .make = true};
    CHECK(disk_open(&config, &disk, &err) == 0);
    (void)atexit(remove_directory);
}

/* Only the short block has bytes, the others are holes: a fuzzer that sees checksums being compared can forge an entry. */
static char byte_at(uint64_t number, size_t i)
{
    return number == 2 ? (char)(i * 7 + i / 251 + 62) : 0;
}

static void fill(uint64_t number)
{
    for (size_t i = 0; i < map_block_len(SIZE, number); i++)
        block[i] = byte_at(number, i);
}

static void write_file(const struct disk_object *object, const char *suffix, const void *bytes, size_t len)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/objects/%.2s", directory, object->name);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/objects/%.2s/%s%s", directory, object->name, object->name, suffix);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    (void)close(fd);
}

static void write_data(const struct disk_object *object)
{
    char path[256];
    size_t len = map_block_len(SIZE, 2);
    fill(2);
    write_file(object, ".data", "", 0);
    (void)snprintf(path, sizeof path, "%s/objects/%.2s/%s.data", directory, object->name, object->name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && pwrite(fd, block, len, 2 * CACHE_BLOCK_SIZE) == (ssize_t)len);
    (void)close(fd);
}

/* Writes the input as the map: some of it with the checksum of its head made right, so that the numbers and the identity in
   it are believed. */
static void write_map(const struct disk_object *object, const uint8_t *data, size_t size)
{
    uint64_t object_size;
    size_t len;
    char *copy = malloc(size + 1);
    CHECK(copy);
    memcpy(copy, data, size);
    if (size % 3 == 0 && size >= MAP_HEADER && map_head_read(copy, &object_size, &len) == 0 &&
        size >= map_entry_at(len, 0)) {
        char *identity = malloc(len);
        CHECK(identity);
        memcpy(identity, copy + MAP_HEADER, len);
        map_head_write(copy, object_size, identity, len);
        free(identity);
    }
    write_file(object, ".map", copy, size);
    free(copy);
}

static bool load(struct disk_object *object, uint64_t number)
{
    bool unused;
    size_t len = map_block_len(SIZE, number);
    struct hash128 hash;
    if (disk_object_load(object, number, block, len, &hash, &unused) < 0)
        return false;
    for (size_t i = 0; i < len; i++)
        CHECK(block[i] == byte_at(number, i));
    return true;
}

static int look_at(void *context, const struct disk_item *item)
{
    unsigned *items = context;
    struct identity_parts parts;
    (*items)++;
    (void)identity_split(item->identity, item->identity_len, &parts);
    CHECK(item->here <= item->size && item->blocks <= map_blocks(item->size));
    return 0;
}

static void on_bad(void *context, const struct disk_item *item, uint64_t number)
{
    (void)context;
    CHECK(number < map_blocks(item->size));
}

static void on_progress(void *context, uint64_t bytes)
{
    (void)context, (void)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk_verified verified;
    struct error err = {0};
    unsigned items = 0;
    uint64_t freed;
    if (!disk)
        set_up();
    struct disk_object *object = disk_object_new(disk, IDENTITY, sizeof IDENTITY - 1, SIZE);
    CHECK(object);
    write_data(object);
    write_map(object, data, size);
    CHECK(disk_each(disk, look_at, &items, &err) == 0 && items <= 1);
    for (uint64_t number = 0; number < 3; number++)
        (void)load(object, number);
    CHECK(disk_object_bytes(object) <= SIZE);
    CHECK(disk_verify(disk, on_bad, on_progress, NULL, &verified, &err) == 0 && verified.objects <= 1);
    if (size % 2)
        CHECK(disk_prune(disk, 0, &freed, &err) == 0);
    fill(2);
    struct hash128 hash = hash128(block, map_block_len(SIZE, 2));
    CHECK(disk_object_save(object, 2, block, map_block_len(SIZE, 2), &hash, true) == 0 && load(object, 2));
    disk_object_free(object);
    CHECK(disk_clear(disk, &err) == 0);
    return 0;
}
