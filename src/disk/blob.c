/* Blobs of the disk cache: one file each, written and read whole; see blob.h. */
#include "disk/blob.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "disk/disk_internal.h"

#define MAGIC     "runfsblb"
#define NAME_MAX_ (IDENTITY_NAME + 17) /* bytes of NAME-VARIANT with its NUL */

struct head {
    char magic[8];
    XXH128_canonical_t hash;
    uint64_t made_ms;
    uint32_t identity_len;
    uint32_t nothing;
};

static void blob_name(const struct blob_id *id, char ret_name[NAME_MAX_])
{
    char variant[IDENTITY_NAME];
    size_t len = id->identity_len - id->variant_len;
    identity_name(id->identity, len, ret_name);
    if (!id->variant_len)
        return;
    identity_name(id->identity + len, id->variant_len, variant);
    (void)snprintf(ret_name + IDENTITY_NAME - 1, NAME_MAX_ - IDENTITY_NAME + 1, "-%.16s", variant);
}

static XXH128_canonical_t hash_of(const struct head *head, const char *identity, const void *bytes,
                                  size_t len)
{
    XXH3_state_t state;
    XXH128_canonical_t hash;
    size_t hashed = offsetof(struct head, made_ms);
    XXH3_INITSTATE(&state);
    (void)XXH3_128bits_reset(&state);
    (void)XXH3_128bits_update(&state, (const char *)head + hashed, sizeof *head - hashed);
    (void)XXH3_128bits_update(&state, identity, le32toh(head->identity_len));
    (void)XXH3_128bits_update(&state, bytes, len);
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(&state));
    return hash;
}

static int write_file(int fd, const struct blob_id *id, uint64_t made_ms, const void *bytes, size_t len)
{
    struct head head = {
        .magic = MAGIC, .made_ms = htole64(made_ms), .identity_len = htole32((uint32_t)id->identity_len)};
    head.hash = hash_of(&head, id->identity, bytes, len);
    int result = disk_write_all(fd, &head, sizeof head, 0);
    if (result == 0)
        result = disk_write_all(fd, id->identity, id->identity_len, sizeof head);
    return result < 0 ? result : disk_write_all(fd, bytes, len, sizeof head + id->identity_len);
}

/* Writes the file under another name, then gives it NAME. *RET_BEFORE is what it has replaced. */
static int put_in_place(struct disk *disk, const struct blob_id *id, uint64_t made_ms, const void *bytes,
                        size_t len, uint64_t *ret_before)
{
    char name[NAME_MAX_];
    char temporary[DISK_TEMPORARY];
    int directory = disk->blob_fds[id->kind];
    blob_name(id, name);
    disk_temporary_name(disk, temporary);
    _cleanup_close_ int fd = disk_open_file(directory, temporary, O_WRONLY | O_CREAT | O_EXCL);
    int result = fd < 0 ? fd : write_file(fd, id, made_ms, bytes, len);
    *ret_before = disk_allocated_by(directory, name);
    if (result == 0 && renameat(directory, temporary, directory, name) < 0)
        result = -errno;
    if (result < 0 && fd >= 0)
        (void)unlinkat(directory, temporary, 0);
    return result;
}

void blob_write(struct disk *disk, const struct blob_id *id, uint64_t made_ms, const void *bytes, size_t len)
{
    uint64_t taken = disk_pages(sizeof(struct head) + id->identity_len + len);
    uint64_t before = 0;
    if (!disk_may_write(disk) || id->identity_len > IDENTITY_MAX || len > BLOB_BYTES_MAX)
        return;
    int result = space_reserve(&disk->space, taken);
    if (result == 0) {
        result = put_in_place(disk, id, made_ms, bytes, len, &before);
        space_return(&disk->space, result < 0 ? taken : before);
    }
    if (result < 0)
        disk_write_failed(
            disk, id->kind == BLOB_LISTING ? "cannot keep a listing" : "cannot keep a table of contents",
            -result);
}

/* One from the future is not to be trusted for longer than others. */
static bool is_new_enough(uint64_t made_ms, uint64_t since_ms)
{
    return !since_ms || (made_ms >= since_ms && made_ms <= clock_real_ms());
}

/* Reads the head and the identity behind it, which the caller owns; NULL where the file begins otherwise. */
static char *read_head(int fd, struct head *ret_head)
{
    if (!disk_read_all(fd, ret_head, sizeof *ret_head, 0) || memcmp(ret_head->magic, MAGIC, 8) != 0 ||
        le32toh(ret_head->identity_len) > IDENTITY_MAX)
        return NULL;
    size_t len = le32toh(ret_head->identity_len);
    _cleanup_free_ char *identity = malloc(len + 1);
    return identity && disk_read_all(fd, identity, len, sizeof *ret_head) ? TAKE_PTR(identity) : NULL;
}

/* Reads what follows IDENTITY; false where the file is not whole. */
static bool read_bytes(int fd, const struct head *head, const char *identity, struct blob *ret_blob)
{
    struct stat st;
    uint64_t before = sizeof *head + le32toh(head->identity_len);
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < before || (uint64_t)st.st_size - before > BLOB_BYTES_MAX)
        return false;
    size_t len = (size_t)st.st_size - before;
    _cleanup_free_ void *bytes = malloc(len + 1);
    if (!bytes || !disk_read_all(fd, bytes, len, before))
        return false;
    XXH128_canonical_t hash = hash_of(head, identity, bytes, len);
    if (memcmp(&hash, &head->hash, sizeof hash) != 0)
        return false;
    *ret_blob = (struct blob){TAKE_PTR(bytes), len, le64toh(head->made_ms)};
    return true;
}

/* Reads the file NAME, whose identity may have a variant after that of ID where ANY_VARIANT. */
static bool read_named(struct disk *disk, const char *name, const struct blob_id *id, bool any_variant,
                       uint64_t since_ms, struct blob *ret_blob)
{
    struct head head;
    _cleanup_close_ int fd = disk_open_file(disk->blob_fds[id->kind], name, O_RDONLY);
    _cleanup_free_ char *identity = fd < 0 ? NULL : read_head(fd, &head);
    size_t len = identity ? le32toh(head.identity_len) : 0;
    if (!identity || len < id->identity_len || (!any_variant && len != id->identity_len) ||
        memcmp(identity, id->identity, id->identity_len) != 0 ||
        !is_new_enough(le64toh(head.made_ms), since_ms) || !read_bytes(fd, &head, identity, ret_blob))
        return false;
    if (disk->writable) /* it was used, so others go before it */
        (void)futimens(fd, NULL);
    return true;
}

bool blob_read(struct disk *disk, const struct blob_id *id, uint64_t since_ms, struct blob *ret_blob)
{
    char name[NAME_MAX_];
    if (id->identity_len > IDENTITY_MAX)
        return false;
    blob_name(id, name);
    return read_named(disk, name, id, false, since_ms, ret_blob);
}

bool blob_read_newest(struct disk *disk, const struct blob_id *id, uint64_t since_ms, struct blob *ret_blob)
{
    char name[NAME_MAX_];
    struct blob best = {0};
    struct blob blob;
    _cleanup_dir_ DIR *dir = disk_list_directory(disk->blob_fds[id->kind]);
    blob_name(id, name);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, name, IDENTITY_NAME - 1) != 0 || entry->d_name[IDENTITY_NAME - 1] != '-' ||
            !read_named(disk, entry->d_name, id, true, since_ms, &blob))
            continue;
        if (!best.bytes || blob.made_ms > best.made_ms) {
            struct blob worse = best;
            best = blob;
            blob = worse;
        }
        free(blob.bytes);
    }
    if (best.bytes)
        *ret_blob = best;
    return best.bytes;
}

void blob_each(struct disk *disk, enum blob_kind kind, const char *variant, blob_fn fn, void *context)
{
    char end[IDENTITY_NAME] = "";
    _cleanup_dir_ DIR *dir = disk_list_directory(disk->blob_fds[kind]);
    if (variant)
        identity_name(variant, strlen(variant) + 1, end);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct head head;
        const char *name = entry->d_name;
        if (strlen(name) != NAME_MAX_ - 1 || strncmp(name + IDENTITY_NAME, end, variant ? 16 : 0) != 0)
            continue;
        _cleanup_close_ int fd = disk_open_file(disk->blob_fds[kind], name, O_RDONLY);
        _cleanup_free_ char *identity = fd < 0 ? NULL : read_head(fd, &head);
        if (identity)
            fn(context, identity, le32toh(head.identity_len), le64toh(head.made_ms));
    }
}
