/* Writing listings to disk; see listing.h. */
#include "disk/listing.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "disk/disk_internal.h"
#include "disk/listing_format.h"

struct listing_writer {
    struct disk *disk;
    FILE *out; /* owned */
    char name[LISTING_NAME];
    char temporary[64];
    struct listing_head head;
    struct strbuf identity;
    struct strbuf previous; /* the key before */
    struct strbuf record;
    XXH3_state_t *hash; /* owned */
    bool failed;
};

void listing_name(const struct cache_scope *scope, const char *access, char ret_name[LISTING_NAME])
{
    char place[IDENTITY_NAME];
    char who[IDENTITY_NAME];
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    identity_of_listing(scope, "", &identity);
    identity_name(strbuf_text(&identity), identity.len, place);
    identity_name(access, strlen(access), who);
    (void)snprintf(ret_name, LISTING_NAME, "%s-%.16s", place, who);
}

static void emit(struct listing_writer *writer, const void *bytes, size_t len)
{
    if (fwrite(bytes, 1, len, writer->out) != len)
        writer->failed = true;
    (void)XXH3_128bits_update(writer->hash, bytes, len);
}

static void add_number(struct strbuf *out, uint64_t value)
{
    unsigned char byte;
    do {
        byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        strbuf_add(out, &byte, 1);
        value >>= 7;
    } while (value);
}

/* Opens a file of its own name, and leaves room for the head. */
static int open_file(struct listing_writer *writer)
{
    struct disk *disk = writer->disk;
    (void)snprintf(writer->temporary, sizeof writer->temporary, "new-%ld-%" PRIu64, (long)getpid(),
                   atomic_fetch_add(&disk->temporaries, 1));
    int fd = disk_open_file(disk->listings_fd, writer->temporary, O_RDWR | O_CREAT | O_EXCL);
    writer->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!writer->out) {
        if (fd >= 0)
            (void)close(fd);
        return -EIO;
    }
    char head[LISTING_HEAD] = {0};
    return fwrite(head, 1, sizeof head, writer->out) == sizeof head ? 0 : -EIO;
}

static void free_writer(struct listing_writer *writer)
{
    if (writer->out) {
        (void)fclose(writer->out);
        (void)unlinkat(writer->disk->listings_fd, writer->temporary, 0);
    }
    (void)XXH3_freeState(writer->hash);
    strbuf_done(&writer->identity);
    strbuf_done(&writer->previous);
    strbuf_done(&writer->record);
    free(writer);
}

struct listing_writer *listing_writer_open(struct disk *disk, const struct cache_scope *scope,
                                           const char *access)
{
    struct listing_writer *writer = disk && disk_may_write(disk) ? calloc(1, sizeof *writer) : NULL;
    if (!writer)
        return NULL;
    writer->disk = disk;
    writer->identity.max = writer->previous.max = writer->record.max = LISTING_TEXT_MAX;
    writer->hash = XXH3_createState();
    listing_name(scope, access, writer->name);
    identity_of_listing(scope, access, &writer->identity);
    if (!writer->hash || writer->identity.failed || open_file(writer) < 0) {
        free_writer(writer);
        return NULL;
    }
    (void)XXH3_128bits_reset(writer->hash);
    emit(writer, strbuf_text(&writer->identity), writer->identity.len);
    return writer;
}

static size_t shared_bytes(const struct strbuf *previous, const char *key, size_t len)
{
    size_t most = previous->len < len ? previous->len : len;
    size_t n = 0;
    while (n < most && previous->data[n] == key[n])
        n++;
    return n;
}

void listing_writer_add(struct listing_writer *writer, const struct object *object)
{
    struct strbuf *record = &writer->record;
    size_t shared = shared_bytes(&writer->previous, object->key, object->key_len);
    size_t etag_len = strlen(object->etag);
    strbuf_clear(record);
    add_number(record, shared);
    add_number(record, object->key_len - shared);
    strbuf_add(record, object->key + shared, object->key_len - shared);
    add_number(record, etag_len);
    strbuf_add(record, object->etag, etag_len);
    add_number(record, object->size);
    add_number(record, object->mtime_ns > 0 ? (uint64_t)object->mtime_ns : 0);
    strbuf_clear(&writer->previous);
    strbuf_add(&writer->previous, object->key, object->key_len);
    if (record->failed || writer->previous.failed)
        writer->failed = true;
    emit(writer, strbuf_text(record), record->len);
    writer->head.count++;
}

/* What the file NAME takes; 0 where there is none. */
static uint64_t allocated_by(const struct disk *disk, const char *name)
{
    struct stat st;
    return fstatat(disk->listings_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (uint64_t)st.st_blocks * 512;
}

/* Gives the file its name, and the room of the one before back. */
static int put_in_place(struct listing_writer *writer)
{
    struct disk *disk = writer->disk;
    uint64_t bytes = allocated_by(disk, writer->temporary);
    uint64_t before = allocated_by(disk, writer->name);
    int result = space_reserve(&disk->space, bytes);
    if (result < 0)
        return result;
    if (renameat(disk->listings_fd, writer->temporary, disk->listings_fd, writer->name) < 0) {
        result = -errno;
        before = bytes;
    }
    space_return(&disk->space, before);
    return result;
}

/* The checksum covers the head as well, which is known only now: it is hashed last. */
static int finish(struct listing_writer *writer, uint64_t began_ms)
{
    char bytes[LISTING_HEAD];
    writer->head.began_ms = began_ms;
    writer->head.identity_len = writer->identity.len;
    listing_head_write(bytes, &writer->head, writer->hash);
    errno = 0;
    if (writer->failed || fflush(writer->out) == EOF ||
        pwrite(fileno(writer->out), bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return errno ? -errno : -ENOSPC;
    return put_in_place(writer);
}

void listing_writer_close(struct listing_writer *writer, uint64_t began_ms)
{
    if (!writer)
        return;
    int result = began_ms ? finish(writer, began_ms) : 0;
    if (result < 0)
        disk_write_failed(writer->disk, "cannot keep a listing", -result);
    free_writer(writer);
}
