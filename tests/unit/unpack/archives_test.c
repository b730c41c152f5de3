/* A store in memory and archives in it; see archives_test.h. */
#include "archives_test.h"

#include <errno.h>
#include <zstd.h>

#include "base/cleanup.h"

struct stored stored[STORED_MAX];
pthread_mutex_t stored_lock = PTHREAD_MUTEX_INITIALIZER;
struct archives *archives;
char noted[4096];

static const struct wait patient = {.timeout_ms = 10000};
static struct disk *disk;

struct memory_reader {
    struct reader reader;
    struct stored *object;
};

/* 0, or what the object's state makes of a read up to END; waits while it is stuck, or not sent so far. */
static int may_read(struct stored *object, uint64_t end, const struct wait *wait)
{
    for (;;) {
        (void)pthread_mutex_lock(&stored_lock);
        bool stuck = object->stuck || (object->sent && end > object->sent);
        int failure = object->failure;
        (void)pthread_mutex_unlock(&stored_lock);
        if (!stuck)
            return failure;
        if (wait_cancelled(wait))
            return -EINTR;
        (void)usleep(1000);
    }
}

static int memory_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                        size_t *ret_n, struct error *err)
{
    const struct memory_reader *reader = (const struct memory_reader *)r;
    int result = may_read(reader->object, offset + len, wait);
    if (result < 0)
        return error_set(err, -result, "reading fails");
    memcpy(buf, reader->object->bytes.data + offset, len);
    *ret_n = len;
    return 0;
}

static void memory_close(struct reader *r)
{
    free(r);
}

static const struct reader_ops memory_ops = {.pread = memory_pread, .close = memory_close};

static int open_object(void *context, const struct object *object, struct reader **ret_reader,
                       struct error *err)
{
    (void)context;
    struct stored *found = stored_as(object->key);
    if (!found || strcmp(found->etag, object->etag) != 0 || found->bytes.len != object->size)
        return error_set(err, ESTALE, "%s has been replaced", object->key);
    struct memory_reader *reader = calloc(1, sizeof *reader);
    reader->reader = (struct reader){&memory_ops, object->size};
    reader->object = found;
    found->opened++;
    *ret_reader = &reader->reader;
    return 0;
}

_Atomic uint64_t bounded;

static void bound(void *context, struct reader *reader, uint64_t end)
{
    (void)context, (void)reader;
    atomic_store(&bounded, end);
}

static void note(const char *what, const char *why)
{
    size_t used = strlen(noted);
    (void)snprintf(noted + used, sizeof noted - used, "%s: %s\n", what, why);
}

struct archives_config archives_config = {
    .open = open_object,
    .bound = bound,
    .note = note,
    .scope = {.endpoint = "test", .bucket = "b", .prefix = ""},
    .pool_bytes = 4U << 20,
    .timeout_ms = 10000,
};

void archives_again(void)
{
    struct error err = {0};
    archives_close(archives);
    assert_ok(archives_open(&archives_config, &archives, &err), &err);
}

void archives_set_up(void)
{
    scratch_open();
    archives_again();
}

void archives_tear_down(void)
{
    archives_close(archives);
    disk_close(disk);
    for (size_t i = 0; i < STORED_MAX; i++)
        strbuf_done(&stored[i].bytes);
    scratch_close();
}

void archives_on_disk(void)
{
    struct disk_config config = {
        .directory = scratch_path("cache"), .size_max = 100U << 20, .free_min = 1, .make = true};
    struct error err = {0};
    assert_ok(disk_open(&config, &disk, &err), &err);
    archives_config.disk = disk;
    archives_again();
}

struct stored *stored_as(const char *key)
{
    for (size_t i = 0; i < STORED_MAX; i++)
        if (stored[i].key && strcmp(stored[i].key, key) == 0)
            return &stored[i];
    return NULL;
}

struct stored *store(const char *key, const char *etag, struct strbuf bytes)
{
    struct stored *object = stored_as(key);
    for (size_t i = 0; !object && i < STORED_MAX; i++)
        if (!stored[i].key)
            object = &stored[i];
    cr_assert(object);
    strbuf_done(&object->bytes);
    object->key = key;
    object->etag = etag;
    object->bytes = bytes;
    object->mtime_ns = 5;
    return object;
}

void set_stuck(struct stored *object, bool stuck)
{
    (void)pthread_mutex_lock(&stored_lock);
    object->stuck = stuck;
    (void)pthread_mutex_unlock(&stored_lock);
}

void send_up_to(struct stored *object, size_t sent)
{
    (void)pthread_mutex_lock(&stored_lock);
    object->sent = sent;
    (void)pthread_mutex_unlock(&stored_lock);
}

static char content_at(unsigned seed, unsigned number, size_t offset)
{
    uint64_t x = (offset / 2 + number * 1000003U + seed * 104729U) * 0x9e3779b97f4a7c15;
    return (char)((x ^ x >> 32) * 0xd6e8feb86659fd93 >> 58);
}

static void add_header(struct strbuf *out, const char *name, unsigned size)
{
    char header[512] = "";
    unsigned sum = 8 * ' ';
    (void)snprintf(header, 100, "%s", name);
    (void)snprintf(header + 100, 8, "0000644");
    (void)snprintf(header + 124, 12, "%011o", size);
    (void)snprintf(header + 136, 12, "%011o", 1500000000);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof header; i++)
        sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
    header[155] = ' ';
    strbuf_add(out, header, sizeof header);
}

static void add_member(struct strbuf *out, unsigned number, unsigned seed)
{
    char name[10];
    _cleanup_free_ char *content = calloc(1, FILE_SIZE + 512);
    (void)snprintf(name, sizeof name, "f%02u", number);
    add_header(out, name, FILE_SIZE);
    for (size_t i = 0; i < FILE_SIZE; i++)
        content[i] = content_at(seed, number, i);
    strbuf_add(out, content, (FILE_SIZE + 511U) / 512 * 512);
}

/* Of a content that packs to about half of its size. */
static void add_long_member(struct strbuf *out)
{
    uint64_t state = 1;
    add_header(out, "long", LONG_SIZE);
    for (size_t i = 0; i < LONG_SIZE; i += sizeof state) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t value = state & 0x0f0f0f0f0f0f0f0f;
        strbuf_add(out, &value, sizeof value);
    }
}

/* Packs STREAM, with the end of an archive, in frames of PIECE bytes. */
static struct strbuf pack(struct strbuf *stream, size_t piece)
{
    static const char end[1024];
    struct strbuf packed = STRBUF_INIT(SIZE_MAX / 2);
    strbuf_add(stream, end, sizeof end);
    for (size_t at = 0; at < stream->len; at += piece) {
        size_t len = stream->len - at < piece ? stream->len - at : piece;
        size_t max = ZSTD_compressBound(len);
        _cleanup_free_ char *frame = malloc(max);
        ZSTD_CCtx *context = ZSTD_createCCtx();
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        strbuf_add(&packed, frame, ZSTD_compress2(context, frame, max, stream->data + at, len));
        (void)ZSTD_freeCCtx(context);
    }
    return packed;
}

struct strbuf archive_bytes(unsigned seed, size_t piece)
{
    _cleanup_strbuf_ struct strbuf stream = STRBUF_INIT(SIZE_MAX / 2);
    for (unsigned i = 0; i < FILES; i++)
        add_member(&stream, i, seed);
    return pack(&stream, piece);
}

struct strbuf long_archive_bytes(unsigned seed, size_t piece)
{
    _cleanup_strbuf_ struct strbuf stream = STRBUF_INIT(SIZE_MAX / 2);
    for (unsigned i = 0; i < FILES; i++)
        add_member(&stream, i, seed);
    add_long_member(&stream);
    return pack(&stream, piece);
}

bool is_content(const char *bytes, unsigned number, unsigned seed)
{
    size_t i = 0;
    while (i < FILE_SIZE && bytes[i] == content_at(seed, number, i))
        i++;
    return i == FILE_SIZE;
}

static struct object object_of(const char *key, const char *ending, char name[100])
{
    (void)snprintf(name, 100, "%s%s", key, ending);
    const struct stored *found = stored_as(name);
    if (!found)
        return (struct object){0};
    return (struct object){.key = name,
                           .key_len = strlen(name),
                           .etag = found->etag,
                           .size = found->bytes.len,
                           .mtime_ns = found->mtime_ns};
}

struct archive *archive_at(const char *key)
{
    char names[3][100];
    struct archive *archive;
    struct error err = {0};
    struct archive_objects objects = {.archive = object_of(key, "", names[0]),
                                      .sha256sum = object_of(key, ".sha256sum", names[1]),
                                      .sidecar = object_of(key, ".runfs-toc", names[2])};
    cr_assert(objects.archive.key, "%s", key);
    assert_ok(archives_get(archives, &objects, &archive, &err), &err);
    return archive;
}

int table(struct archive *archive, const struct toc **ret_toc, struct error *err)
{
    return archive_table(archive, &patient, ret_toc, err);
}

int check_file(struct archive *archive, unsigned number, unsigned seed, struct error *err)
{
    const struct toc *toc;
    struct reader *reader;
    size_t n = 0;
    _cleanup_free_ char *bytes = malloc(FILE_SIZE);
    int result = table(archive, &toc, err);
    if (result == 0)
        result = archive_open_file(archive, toc->members->members[number + 1].file, &reader, err);
    if (result < 0)
        return result;
    result = reader_pread(reader, bytes, FILE_SIZE, 0, &patient, &n, err);
    reader_close(reader);
    if (result < 0)
        return result;
    if (n != FILE_SIZE || !is_content(bytes, number, seed))
        return error_set(err, EILSEQ, "file %u is wrong, or cut to %zu bytes", number, n);
    return 0;
}

void check_all(struct archive *archive, unsigned seed)
{
    struct error err = {0};
    for (unsigned i = 0; i < FILES; i++)
        assert_ok(check_file(archive, i, seed, &err), &err);
}
