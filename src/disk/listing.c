/* Listings on disk: the records of a blob; see listing.h. */
#include "disk/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "disk/blob.h"
#include "disk/disk_internal.h"

#define FIELDS   4            /* of an identity: endpoint, bucket, prefix, access; each ends in a NUL */
#define TEXT_MAX (64U * 1024) /* bytes of a key or an ETag */

struct listing_writer {
    struct disk *disk;
    struct blob_id id; /* of the identity below */
    struct strbuf identity;
    struct strbuf previous; /* the key before */
    struct strbuf records;
};

/* The blob of SCOPE as ACCESS sees it; IDENTITY holds its identity. ACCESS may be NULL: of all variants. */
static struct blob_id listing_id(const struct cache_scope *scope, const char *access, struct strbuf *identity)
{
    identity_of_listing(scope, access, identity);
    return (struct blob_id){.kind = BLOB_LISTING,
                            .identity = strbuf_text(identity),
                            .identity_len = identity->len,
                            .variant_len = access ? strlen(access) + 1 : 0};
}

struct listing_writer *listing_writer_open(struct disk *disk, const struct cache_scope *scope,
                                           const char *access)
{
    struct listing_writer *writer = disk && disk_may_write(disk) ? calloc(1, sizeof *writer) : NULL;
    if (!writer)
        return NULL;
    writer->disk = disk;
    writer->identity.max = IDENTITY_MAX;
    writer->previous.max = TEXT_MAX;
    writer->records.max = BLOB_BYTES_MAX;
    writer->id = listing_id(scope, access, &writer->identity);
    return writer;
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
    struct strbuf *records = &writer->records;
    size_t shared = shared_bytes(&writer->previous, object->key, object->key_len);
    size_t etag_len = strlen(object->etag);
    add_number(records, shared);
    add_number(records, object->key_len - shared);
    strbuf_add(records, object->key + shared, object->key_len - shared);
    add_number(records, etag_len);
    strbuf_add(records, object->etag, etag_len);
    add_number(records, object->size);
    add_number(records, object->mtime_ns > 0 ? (uint64_t)object->mtime_ns : 0);
    if (etag_len > TEXT_MAX)
        records->failed = E2BIG;
    writer->previous.len = shared;
    strbuf_add(&writer->previous, object->key + shared, object->key_len - shared);
}

void listing_writer_close(struct listing_writer *writer, uint64_t began_ms)
{
    if (!writer)
        return;
    const struct strbuf *records = &writer->records;
    if (began_ms && !writer->identity.failed && !writer->previous.failed && !records->failed)
        blob_write(writer->disk, &writer->id, began_ms, strbuf_text(records), records->len);
    strbuf_done(&writer->identity);
    strbuf_done(&writer->previous);
    strbuf_done(&writer->records);
    free(writer);
}

struct input {
    const char *at;
    const char *end;
    struct strbuf key;
    struct strbuf etag;
    bool bad;
};

static uint64_t read_number(struct input *input)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && input->at < input->end; shift += 7) {
        unsigned char byte = (unsigned char)*input->at++;
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
    if (shared > text->len || len > (uint64_t)(input->end - input->at)) {
        input->bad = true;
        return;
    }
    text->len = shared;
    strbuf_add(text, input->at, len);
    input->at += len;
    input->bad = input->bad || text->failed;
}

/* The next object, whose strings last until the next call. The checksum of the blob is right, but nothing is taken for
   granted. */
static bool read_object(struct input *input, struct object *ret_object)
{
    uint64_t shared = read_number(input);
    read_text(input, &input->key, shared, read_number(input));
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

static int give_out(const struct blob *blob, list_fn fn, void *context, struct error *err)
{
    struct input input = {
        .at = blob->bytes, .key.max = TEXT_MAX, .etag.max = TEXT_MAX, .end = (char *)blob->bytes + blob->len};
    struct object object;
    int result = 0;
    while (result == 0 && input.at < input.end)
        result = read_object(&input, &object) ? fn(context, &object, err)
                                              : error_set(err, EIO, "a listing in the cache is malformed");
    strbuf_done(&input.key);
    strbuf_done(&input.etag);
    return result;
}

int listing_read(struct disk *disk, const struct cache_scope *scope, const char *access, uint64_t since_ms,
                 list_fn fn, void *context, uint64_t *ret_began_ms, struct error *err)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct blob blob;
    struct blob_id id = listing_id(scope, access, &identity);
    if (identity.failed ||
        !(access ? blob_read(disk, &id, since_ms, &blob) : blob_read_newest(disk, &id, since_ms, &blob)))
        return error_errno(err, ENOENT, "listing");
    int result = give_out(&blob, fn, context, err);
    free(blob.bytes);
    if (result == 0)
        *ret_began_ms = blob.made_ms;
    return result;
}

struct each {
    const char *access; /* NULL: all */
    listing_scope_fn fn;
    void *context;
};

static void each_listing(void *context, const char *identity, size_t len, uint64_t made_ms)
{
    const struct each *each = context;
    const char *fields[FIELDS];
    const char *end = identity_fields(identity, len, fields, FIELDS);
    if (end != identity + len || (each->access && strcmp(each->access, fields[3]) != 0))
        return;
    const struct cache_scope scope = {fields[0], fields[1], fields[2]};
    each->fn(each->context, &scope, made_ms);
}

void listing_each(struct disk *disk, const char *access, listing_scope_fn fn, void *context)
{
    struct each each = {access, fn, context};
    blob_each(disk, BLOB_LISTING, access, each_listing, &each);
}
