/* Fuzzes listings on disk. The first byte of the input says how the file is made: the rest as the records of a blob with a
   right checksum, so that the parser is reached, or all bytes as they come. Any bytes give objects that are sound, or an
   error; what is read can be written and is read again the same. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "check.h"
#include "disk/blob.h"
#include "disk/disk_internal.h"
#include "disk/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cache_scope scope = {"http://server", "bucket", "run/"};
static const struct cache_scope other_scope = {"http://server", "bucket", "again/"};
static struct disk *disk;
static char directory[64];

static void remove_directory(void)
{
    char command[128];
    disk_close(disk);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    (void)!system(command);
}

static void set_up(void)
{
    struct error err;
    (void)snprintf(directory, sizeof directory, "%s/runfs-fuzz-listing-%ld",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
    struct disk_config config = {.directory = directory, .size_max = 1ULL << 30, .free_min = 1, .make = true};
    CHECK(disk_open(&config, &disk, &err) == 0);
    (void)atexit(remove_directory);
}

/* The input as the records of a whole blob, or as a file of any bytes. */
static void write_file(const uint8_t *data, size_t size)
{
    struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    char scope_name[IDENTITY_NAME];
    char access_name[IDENTITY_NAME];
    char path[256];
    identity_of_listing(&scope, NULL, &identity);
    identity_name(strbuf_text(&identity), identity.len, scope_name);
    identity_name("me", 3, access_name);
    strbuf_add(&identity, "me", 3);
    const struct blob_id id = {BLOB_LISTING, strbuf_text(&identity), identity.len, 3};
    blob_write(disk, &id, 1000, data + (size > 0), size - (size > 0));
    (void)snprintf(path, sizeof path, "%s/listings/%s-%.16s", directory, scope_name, access_name);
    FILE *out = fopen(path, size && data[0] % 4 ? "r+e" : "w");
    CHECK(out);
    if (!size || data[0] % 4 == 0)
        CHECK(fwrite(data, 1, size, out) == size);
    CHECK(fclose(out) == 0);
    strbuf_done(&identity);
}

/* What came out, as a checksum, and to where it is written again. */
struct seen {
    uint64_t count;
    uint64_t hash;
    struct listing_writer *again;
};

static int see(void *context, const struct object *object, struct error *err)
{
    struct seen *seen = context;
    (void)err;
    CHECK(object->key[object->key_len] == '\0' && object->size <= INT64_MAX && object->mtime_ns >= 0);
    seen->count++;
    seen->hash = XXH3_64bits_withSeed(object->key, object->key_len, seen->hash + object->size);
    seen->hash =
        XXH3_64bits_withSeed(object->etag, strlen(object->etag), seen->hash ^ (uint64_t)object->mtime_ns);
    if (seen->again)
        listing_writer_add(seen->again, object);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct seen seen = {0};
    struct seen again = {0};
    uint64_t began;
    if (!disk)
        set_up();
    write_file(data, size);
    seen.again = listing_writer_open(disk, &other_scope, "me");
    CHECK(seen.again);
    int result = listing_read(disk, &scope, size % 2 ? "me" : NULL, 0, see, &seen, &began, &err);
    listing_writer_close(seen.again, result == 0 ? 5 : 0);
    if (result < 0) {
        CHECK(err.code == -result && is_plain_line(err.message));
        return 0;
    }
    CHECK(listing_read(disk, &other_scope, "me", 0, see, &again, &began, &err) == 0);
    CHECK(began == 5 && again.count == seen.count && again.hash == seen.hash);
    return 0;
}
