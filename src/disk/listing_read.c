/* Reading listings from disk; see listing.h. The checksum of the whole file is looked at before anything is believed, and
   even then nothing is taken for granted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "disk/disk_internal.h"
#include "disk/listing.h"
#include "disk/listing_format.h"

#define CHUNK (64U * 1024)

struct input {
    FILE *file;
    struct strbuf key;
    struct strbuf etag;
    bool bad;
};

/* Hashes all that follows the head. */
static bool verify(FILE *file, const char head[LISTING_HEAD])
{
    _cleanup_free_ char *chunk = malloc(CHUNK);
    XXH3_state_t *state = XXH3_createState();
    size_t n = 0;
    bool right = chunk && state;
    if (right)
        (void)XXH3_128bits_reset(state);
    while (right && (n = fread(chunk, 1, CHUNK, file)) > 0)
        (void)XXH3_128bits_update(state, chunk, n);
    right = right && !ferror(file) && listing_head_verify(head, state);
    (void)XXH3_freeState(state);
    return right;
}

static uint64_t read_number(struct input *input)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        int byte = getc_unlocked(input->file);
        if (byte == EOF)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    input->bad = true;
    return 0;
}

/* Puts LEN bytes of input behind the first SHARED bytes of TEXT. */
static void read_text(struct input *input, struct strbuf *text, uint64_t shared, uint64_t len)
{
    char bytes[512];
    if (shared > text->len || len > LISTING_TEXT_MAX) {
        input->bad = true;
        return;
    }
    text->len = shared;
    strbuf_add(text, "", 0);
    while (len && !input->bad) {
        size_t n = len < sizeof bytes ? (size_t)len : sizeof bytes;
        input->bad = fread(bytes, 1, n, input->file) != n;
        strbuf_add(text, bytes, n);
        len -= n;
    }
    input->bad = input->bad || text->failed;
}

/* The next object, whose strings last until the next call. */
static bool read_object(struct input *input, struct object *ret_object)
{
    uint64_t shared = read_number(input);
    read_text(input, &input->key, shared, read_number(input));
    strbuf_clear(&input->etag);
    read_text(input, &input->etag, 0, read_number(input));
    uint64_t size = read_number(input);
    uint64_t time = read_number(input);
    *ret_object = (struct object){
        .key = strbuf_text(&input->key),
        .key_len = input->key.len,
        .etag = strbuf_text(&input->etag),
        .size = size,
        .mtime_ns = (int64_t)time,
    };
    return !input->bad && size <= INT64_MAX && time <= INT64_MAX &&
           strlen(ret_object->etag) == input->etag.len;
}

static int give_out(FILE *file, const struct listing_head *head, list_fn fn, void *context, struct error *err)
{
    struct input input = {.file = file, .key.max = LISTING_TEXT_MAX, .etag.max = LISTING_TEXT_MAX};
    struct object object;
    int result = 0;
    for (uint64_t i = 0; result == 0 && i < head->count; i++)
        result = read_object(&input, &object) ? fn(context, &object, err)
                                              : error_set(err, EIO, "a listing in the cache is malformed");
    strbuf_done(&input.key);
    strbuf_done(&input.etag);
    return result;
}

/* Whether what stands in the file is the identity it must have; steps over it. Whoever listed may be anybody. */
static bool is_of(FILE *file, const struct listing_head *head, const struct cache_scope *scope,
                  const char *access)
{
    _cleanup_strbuf_ struct strbuf expected = STRBUF_INIT(IDENTITY_MAX);
    _cleanup_free_ char *found = malloc(head->identity_len + 1);
    identity_of_listing(scope, access ? access : "", &expected);
    if (!found || expected.failed || fread(found, 1, head->identity_len, file) != head->identity_len)
        return false;
    size_t len = access ? expected.len : expected.len - 1;
    return head->identity_len >= len && (!access || head->identity_len == len) &&
           memcmp(found, strbuf_text(&expected), len) == 0;
}

/* Which listing is wanted. */
struct wanted {
    const struct cache_scope *scope;
    const char *access; /* NULL: anybody's */
    uint64_t since_ms;  /* it began then or later; 0: ever */
};

/* One from the future is not to be trusted for longer than others. */
static bool is_new_enough(const struct listing_head *head, const struct wanted *wanted)
{
    return !wanted->since_ms || (head->began_ms >= wanted->since_ms && head->began_ms <= clock_real_ms());
}

/* Opens the listing NAME at its first object; NULL where it is not the one that is wanted, or not whole. */
static FILE *open_listing(struct disk *disk, const char *name, const struct wanted *wanted,
                          struct listing_head *ret_head)
{
    char bytes[LISTING_HEAD];
    int fd = disk_open_file(disk->listings_fd, name, O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file && fd >= 0)
        (void)close(fd);
    if (file && fread(bytes, 1, LISTING_HEAD, file) == LISTING_HEAD && listing_head_read(bytes, ret_head) &&
        is_new_enough(ret_head, wanted) && verify(file, bytes) && fseeko(file, LISTING_HEAD, SEEK_SET) == 0 &&
        is_of(file, ret_head, wanted->scope, wanted->access))
        return file;
    if (file)
        (void)fclose(file);
    return NULL;
}

/* The name of the newest listing that is wanted, whoever made it. False where there is none. */
static bool find_newest(struct disk *disk, const struct wanted *wanted, char ret_name[LISTING_NAME])
{
    char any[LISTING_NAME];
    struct listing_head head;
    uint64_t newest = 0;
    listing_name(wanted->scope, "", any);
    int fd = openat(disk->listings_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, any, IDENTITY_NAME) != 0)
            continue;
        FILE *file = open_listing(disk, entry->d_name, wanted, &head);
        if (file && head.began_ms > newest) {
            newest = head.began_ms;
            (void)snprintf(ret_name, LISTING_NAME, "%.49s", entry->d_name);
        }
        if (file)
            (void)fclose(file);
    }
    if (dir)
        (void)closedir(dir);
    return newest > 0;
}

int listing_read(struct disk *disk, const struct cache_scope *scope, const char *access, uint64_t since_ms,
                 list_fn fn, void *context, uint64_t *ret_began_ms, struct error *err)
{
    char name[LISTING_NAME];
    struct listing_head head;
    const struct wanted wanted = {scope, access, since_ms};
    if (access)
        listing_name(scope, access, name);
    else if (!find_newest(disk, &wanted, name))
        return error_errno(err, ENOENT, "listing");
    _cleanup_fclose_ FILE *file = open_listing(disk, name, &wanted, &head);
    if (!file)
        return error_errno(err, ENOENT, "listing");
    int result = give_out(file, &head, fn, context, err);
    if (result < 0)
        return result;
    *ret_began_ms = head.began_ms;
    if (disk->writable) /* it was used, so others go before it */
        (void)utimensat(disk->listings_fd, name, NULL, AT_SYMLINK_NOFOLLOW);
    return 0;
}
