/* Decoding on demand: chunks of an archive that left the cache, or never were in it, are decoded anew from the nearest place
   before them. A thread an archive, as long as somebody waits; see archives_internal.h. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive/codec.h"
#include "base/cleanup.h"
#include "run/archives_internal.h"

#define PIECE        (256U * 1024)
#define WORTH_A_JUMP (4U * 1024 * 1024) /* decoded bytes, which take about as long as a new request */
#define PAUSE_MS     5000               /* a decoder waits so long for the next request before it is freed */

/* One decoder and where it stands. */
struct decoding {
    struct archive *archive;
    const struct codec *codec;
    struct codec_decoder *decoder; /* NULL: none is open */
    struct reader *encoded;
    uint64_t encoded_at; /* the next encoded byte to take */
    uint64_t decoded_at;
    char *chunk;  /* being filled */
    bool partial; /* the chunk's beginning is missing, since decoding began within it */
};

static uint64_t chunk_of(uint64_t offset)
{
    return offset / TOC_CHUNK_SIZE;
}

/* The first chunk that will be whole where decoding goes on from here; at the end, where the last chunk may be a short one,
   there is none. */
static uint64_t first_ahead(const struct decoding *d)
{
    return d->decoded_at < d->archive->toc->decoded_size ? chunk_of(d->decoded_at) + d->partial : UINT64_MAX;
}

/* Ends requests that nobody wants any more. The lock is held, but not while they are told. */
static void drop_cancelled(struct archive *archive)
{
    struct decode_request *request;
    struct decode_request *next;
    for (request = TAILQ_FIRST(&archive->requests); request; request = next) {
        next = TAILQ_NEXT(request, link);
        if (!atomic_load(&request->sink->cancelled))
            continue;
        TAILQ_REMOVE(&archive->requests, request, link);
        (void)pthread_mutex_unlock(&archive->lock);
        struct error err = {0};
        (void)error_errno(&err, ECANCELED, "%s", archive->objects.archive.key);
        request->sink->done(request->sink, -ECANCELED, &err);
        free(request);
        (void)pthread_mutex_lock(&archive->lock);
        next = TAILQ_FIRST(&archive->requests); /* others may have come and gone meanwhile */
    }
}

/* The chunk to decode next: what lies ahead first, so that the way back is gone once only. The lock is held. */
static bool choose(struct archive *archive, uint64_t from, uint64_t *ret_chunk)
{
    struct decode_request *request;
    uint64_t ahead = UINT64_MAX;
    uint64_t lowest = UINT64_MAX;
    TAILQ_FOREACH(request, &archive->requests, link)
    {
        if (request->next >= from && request->next < ahead)
            ahead = request->next;
        if (request->next < lowest)
            lowest = request->next;
    }
    *ret_chunk = ahead < UINT64_MAX ? ahead : lowest;
    return lowest < UINT64_MAX;
}

/* Waits for something to decode; false where there is nothing for a while. */
static bool next_chunk(struct decoding *d, uint64_t *ret_chunk)
{
    struct archive *archive = d->archive;
    uint64_t began = clock_ms();
    bool found = false;
    (void)pthread_mutex_lock(&archive->lock);
    for (;;) {
        drop_cancelled(archive);
        found = choose(archive, first_ahead(d), ret_chunk);
        if (found || atomic_load(&archive->all->ending) || clock_ms() >= began + PAUSE_MS ||
            archives_contended(archive->all))
            break;
        struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
        (void)pthread_cond_clockwait(&archive->changed, &archive->lock, CLOCK_MONOTONIC, &until);
    }
    if (!found || atomic_load(&archive->all->ending)) {
        found = false;
        archive->decoder.runs = false;
    }
    (void)pthread_mutex_unlock(&archive->lock);
    return found;
}

/* The request that waits for CHUNK as its next one, taken out where that is its last. *RET_LAST says which. */
static struct decode_request *take_request(struct archive *archive, uint64_t chunk, bool *ret_last)
{
    struct decode_request *request;
    TAILQ_FOREACH(request, &archive->requests, link)
    {
        if (request->next != chunk)
            continue;
        request->next++;
        *ret_last = request->next == request->end;
        if (*ret_last)
            TAILQ_REMOVE(&archive->requests, request, link);
        return request;
    }
    return NULL;
}

/* Gives a chunk to whoever waits for it, else to the disk. Nobody but this thread ends a request that it has taken. */
static void deliver(struct decoding *d, uint64_t chunk)
{
    struct archive *archive = d->archive;
    struct decode_request *request;
    bool last = false;
    bool wanted = false;
    atomic_fetch_add(&archive->all->decoded, TOC_CHUNK_SIZE);
    for (;;) {
        (void)pthread_mutex_lock(&archive->lock);
        request = take_request(archive, chunk, &last);
        (void)pthread_mutex_unlock(&archive->lock);
        if (!request)
            break;
        wanted = true;
        request->sink->data(request->sink, d->chunk, TOC_CHUNK_SIZE);
        if (last) {
            struct error none = {0};
            request->sink->done(request->sink, 0, &none);
            free(request);
        }
    }
    if (!wanted && archive->disk && !disk_object_knows(archive->disk, chunk))
        (void)disk_object_save(archive->disk, chunk, d->chunk, TOC_CHUNK_SIZE, false);
}

void decode_fail_all(struct archive *archive, int result, const struct error *err)
{
    struct decode_request *request;
    for (;;) {
        (void)pthread_mutex_lock(&archive->lock);
        request = TAILQ_FIRST(&archive->requests);
        if (request)
            TAILQ_REMOVE(&archive->requests, request, link);
        (void)pthread_mutex_unlock(&archive->lock);
        if (!request)
            return;
        request->sink->done(request->sink, result, err);
        free(request);
    }
}

static void close_decoder(struct decoding *d)
{
    codec_close(d->decoder);
    d->decoder = NULL;
    reader_close(d->encoded);
    d->encoded = NULL;
}

/* The last restart point at or before the beginning of CHUNK; NULL: the archive's start. */
static const struct toc_point *point_before(const struct toc *toc, uint64_t chunk)
{
    const struct toc_point *found = NULL;
    for (uint32_t i = 0; i < toc->point_count && toc->points[i].decoded <= chunk * TOC_CHUNK_SIZE; i++)
        found = &toc->points[i];
    return found;
}

/* Where the encoded bytes of CHUNK end at the latest. */
static uint64_t encoded_end(const struct archive *archive, uint64_t chunk)
{
    const struct toc *toc = archive->toc;
    for (uint32_t i = 0; i < toc->point_count; i++)
        if (toc->points[i].decoded >= (chunk + 1) * TOC_CHUNK_SIZE)
            return toc->points[i].encoded;
    return archive->objects.archive.size;
}

static int open_at(struct decoding *d, const struct toc_point *point, struct error *err)
{
    struct archive *archive = d->archive;
    const struct archives_config *config = &archive->all->config;
    struct codec_point at = {0};
    if (point && point->blob_len > CODEC_BLOB_MAX)
        return error_set(err, EIO, "a restart point is malformed");
    if (point) {
        at = (struct codec_point){.decoded = point->decoded,
                                  .encoded = point->encoded,
                                  .kind = (uint8_t)point->kind,
                                  .blob_len = (uint8_t)point->blob_len};
        memcpy(at.blob, point->blob, point->blob_len);
    }
    d->encoded_at = at.encoded;
    d->decoded_at = at.decoded;
    d->partial = at.decoded % TOC_CHUNK_SIZE != 0;
    int result = codec_open(d->codec, point ? &at : NULL, &codec_limits_default, &d->decoder, err);
    return result < 0 ? result : config->open(config->context, &archive->objects.archive, &d->encoded, err);
}

/* Brings the decoder before CHUNK: goes on where it stands unless it is behind that, or a restart point is nearer. */
static int seek_to(struct decoding *d, uint64_t chunk, struct error *err)
{
    const struct archives_config *config = &d->archive->all->config;
    const struct toc_point *point = point_before(d->archive->toc, chunk);
    int result = 0;
    if (d->decoder && (first_ahead(d) > chunk || (point && point->decoded > d->decoded_at + WORTH_A_JUMP)))
        close_decoder(d);
    if (!d->decoder)
        result = open_at(d, point, err);
    if (result == 0)
        config->bound(config->context, d->encoded, encoded_end(d->archive, chunk));
    return result;
}

/* A chunk is whole: it must be what it was when the table was made. */
static int finish_chunk(struct decoding *d, size_t filled, struct error *err)
{
    const struct toc *toc = d->archive->toc;
    uint64_t chunk = chunk_of(d->decoded_at - 1);
    XXH128_canonical_t canonical;
    if (d->partial) {
        d->partial = false;
        return 0;
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(d->chunk, filled));
    if (chunk < toc->chunk_count && memcmp(canonical.digest, toc->chunks[chunk].bytes, TOC_HASH_SIZE) != 0)
        return error_set(err, EIO, "chunk %" PRIu64 " is not what its table of contents says", chunk);
    memset(d->chunk + filled, 0, TOC_CHUNK_SIZE - filled);
    deliver(d, chunk);
    return 0;
}

/* Decodes what IN holds, chunk after chunk. Beyond the size in the table nothing is taken. */
static int decode(struct decoding *d, const char *in, size_t len, struct error *err)
{
    uint64_t all = d->archive->toc->decoded_size;
    while (d->decoded_at < all) {
        size_t filled = (size_t)(d->decoded_at % TOC_CHUNK_SIZE);
        size_t room = TOC_CHUNK_SIZE - filled;
        size_t used;
        size_t made;
        if (room > all - d->decoded_at)
            room = (size_t)(all - d->decoded_at);
        int result = codec_run(d->decoder, in, len, &used, d->chunk + filled, room, &made, err);
        if (result < 0)
            return result;
        in += used;
        len -= used;
        d->encoded_at += used;
        d->decoded_at += made;
        if (made == room)
            result = finish_chunk(d, filled + made, err);
        if (result < 0)
            return result;
        if (made < room && !len && !(codec_progress(d->decoder)->boundary && (used || made)))
            break;
    }
    return 0;
}

/* Decodes until CHUNK has been given out. */
static int decode_to(struct decoding *d, uint64_t chunk, struct error *err)
{
    struct archive *archive = d->archive;
    struct wait wait = {.timeout_ms = archive->all->config.timeout_ms, .shutdown = &archive->all->ending};
    int result = seek_to(d, chunk, err);
    uint64_t end = (chunk + 1) * TOC_CHUNK_SIZE;
    if (end > archive->toc->decoded_size)
        end = archive->toc->decoded_size;
    while (result == 0 && d->decoded_at < end) {
        struct loan loan;
        if (d->encoded_at >= d->encoded->size)
            return error_set(err, EIO, "it ends before what its table of contents says");
        result = reader_lend(d->encoded, PIECE, d->encoded_at, &wait, &loan, err);
        if (result < 0)
            return result;
        for (unsigned i = 0; result == 0 && i < loan.count; i++)
            result = decode(d, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
        loan_release(&loan);
    }
    return result;
}

static int check_chunk(const struct archive *archive, uint64_t chunk, struct error *err)
{
    if (chunk * TOC_CHUNK_SIZE < archive->toc->decoded_size)
        return 0;
    return error_set(err, EIO, "it ends before chunk %" PRIu64, chunk);
}

static void *decoder_thread(void *context)
{
    struct archive *archive = context;
    struct decoding d = {.archive = archive, .codec = codec_by_name(archive->toc->codec)};
    uint64_t chunk;
    bool begun = archives_begin(archive->all);
    d.chunk = malloc(TOC_CHUNK_SIZE);
    while (next_chunk(&d, &chunk)) {
        struct error err = {0};
        int result = !begun || !d.chunk || !d.codec ? error_errno(&err, ENOMEM, "archive")
                                                    : check_chunk(archive, chunk, &err);
        if (result == 0)
            result = decode_to(&d, chunk, &err);
        if (result == 0)
            continue;
        close_decoder(&d);
        (void)error_prefix(&err, "%s", archive->objects.archive.key);
        decode_fail_all(archive,
                        result == -ESTALE || result == -ETIMEDOUT || result == -EACCES ? result : -EIO, &err);
    }
    close_decoder(&d);
    free(d.chunk);
    if (begun)
        archives_end(archive->all);
    return NULL;
}

static struct archive *find_archive(struct archives *archives, const struct object *object)
{
    struct archive *archive;
    (void)pthread_mutex_lock(&archives->lock);
    LIST_FOREACH(archive, &archives->list, link)
    {
        const struct object *known = &archive->stream;
        if (known->key_len == object->key_len && memcmp(known->key, object->key, object->key_len) == 0 &&
            strcmp(known->etag, object->etag) == 0 && known->mtime_ns == object->mtime_ns)
            break;
    }
    (void)pthread_mutex_unlock(&archives->lock);
    return archive;
}

int decode_fetch(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                 enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err)
{
    struct archives *archives = (struct archives *)((char *)store - offsetof(struct archives, store));
    struct archive *archive = find_archive(archives, object);
    struct decode_request *request = archive ? calloc(1, sizeof *request) : NULL;
    (void)fetch_class;
    if (!request)
        return error_errno(err, archive ? ENOMEM : ESTALE, "%s", object->key);
    *request = (struct decode_request){
        .sink = sink, .next = chunk_of(offset), .end = chunk_of(offset + len - 1) + 1};
    (void)pthread_mutex_lock(&archive->lock);
    TAILQ_INSERT_TAIL(&archive->requests, request, link);
    int result = archive_thread_start(archive, &archive->decoder, decoder_thread);
    if (result < 0)
        TAILQ_REMOVE(&archive->requests, request, link);
    (void)pthread_cond_broadcast(&archive->changed);
    (void)pthread_mutex_unlock(&archive->lock);
    if (result == 0)
        return 0;
    free(request);
    return error_errno(err, -result, "%s", object->key);
}
