/* Decoding on demand: chunks of an archive that left the cache, or never were in it, are decoded anew from the nearest place
   before them. While the first pass goes on, those before it are taken from where it has kept them, those behind it wait for
   it. A thread an archive, as long as somebody waits; see archives_internal.h. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "archive/codec.h"
#include "base/cleanup.h"
#include "unpack/archives_internal.h"

#define PIECE        (256U * 1024)
#define WORTH_A_JUMP (4U * 1024 * 1024) /* decoded bytes, which take about as long as a new request */
#define PAUSE_MS     5000               /* a decoder waits so long for the next request before it is freed */

/* One decoder and where it stands. */
struct decoding {
    struct archive *archive;
    const struct toc *toc; /* NULL before the end of the first pass */
    const struct codec *codec;
    bool begun;                    /* it counts as a decoder at work */
    struct codec_decoder *decoder; /* NULL: none is open */
    struct reader *encoded;
    uint64_t encoded_at; /* the next encoded byte to take */
    uint64_t decoded_at;
    char *chunk;   /* being filled */
    char *kept;    /* a chunk that the pass has kept; NULL: none was needed */
    bool partial;  /* the chunk's beginning is missing, since decoding began within it */
    uint64_t last; /* the chunk that was wanted last, ... */
    uint64_t row;  /* ... after so many in a row */
    bool unread;   /* what failed last was reading, not decoding */
};

static uint64_t chunk_of(uint64_t offset)
{
    return offset / TOC_CHUNK_SIZE;
}

/* The first chunk that will be whole where decoding goes on from here; at the end, where the last chunk may be a short one,
   there is none. */
static uint64_t first_ahead(const struct decoding *d)
{
    return !d->toc || d->decoded_at < d->toc->decoded_size ? chunk_of(d->decoded_at) + d->partial
                                                           : UINT64_MAX;
}

void decode_request_end(struct decode_request *request, int result, const struct error *err)
{
    request->sink->done(request->sink, result, err);
    archive_put(request->archive);
    free(request);
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
        decode_request_end(request, -ECANCELED, &err);
        (void)pthread_mutex_lock(&archive->lock);
        next = TAILQ_FIRST(&archive->requests); /* others may have come and gone meanwhile */
    }
}

/* The chunk to give out next: what lies ahead first, so that the way back is gone once only. None that the first pass has not
   come to. The lock is held. */
static bool choose(struct archive *archive, uint64_t from, uint64_t *ret_chunk)
{
    uint64_t limit = archive->toc ? UINT64_MAX : archive->early.chunks;
    struct decode_request *request;
    uint64_t ahead = UINT64_MAX;
    uint64_t lowest = UINT64_MAX;
    TAILQ_FOREACH(request, &archive->requests, link)
    {
        if (request->next >= limit)
            continue;
        if (request->next >= from && request->next < ahead)
            ahead = request->next;
        if (request->next < lowest)
            lowest = request->next;
    }
    *ret_chunk = ahead < UINT64_MAX ? ahead : lowest;
    return lowest < UINT64_MAX;
}

static void close_decoder(struct decoding *d)
{
    codec_close(d->decoder);
    d->decoder = NULL;
    reader_close(d->encoded);
    d->encoded = NULL;
}

static void make_way(struct decoding *d)
{
    close_decoder(d);
    if (d->begun)
        archives_end(d->archive->all);
    d->begun = false;
}

/* Takes care of requests for what the first pass has not come to: has it go on, or fails them, with whatever else waits. The
   lock is held, but not while they are told. */
static void await_pass(struct archive *archive)
{
    if (TAILQ_EMPTY(&archive->requests) || archive->toc || table_go_on(archive))
        return;
    int result = archive->failure == -EBADMSG ? -EIO : archive->failure;
    struct error err = archive->why;
    (void)pthread_mutex_unlock(&archive->lock);
    decode_fail_all(archive, result, &err);
    (void)pthread_mutex_lock(&archive->lock);
}

/* Waits a moment for requests, or for the pass to get on. The lock is held, but not meanwhile. */
static void wait_slice(struct decoding *d)
{
    struct archive *archive = d->archive;
    if (d->begun && archive_must_go(archive)) {
        (void)pthread_mutex_unlock(&archive->lock);
        make_way(d);
        (void)pthread_mutex_lock(&archive->lock);
        return;
    }
    struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
    (void)pthread_cond_clockwait(&archive->changed, &archive->lock, CLOCK_MONOTONIC, &until);
}

/* Waits for something to give out; false where nobody has asked for a while. */
static bool next_chunk(struct decoding *d, uint64_t *ret_chunk)
{
    struct archive *archive = d->archive;
    uint64_t began = clock_ms();
    bool found = false;
    (void)pthread_mutex_lock(&archive->lock);
    for (;;) {
        drop_cancelled(archive);
        found = choose(archive, first_ahead(d), ret_chunk);
        bool idle = TAILQ_EMPTY(&archive->requests);
        if (found || cancel_requested(&archive->all->ending) ||
            (idle && (clock_ms() >= began + PAUSE_MS || archive_must_go(archive))))
            break;
        await_pass(archive);
        wait_slice(d);
    }
    if (!found || cancel_requested(&archive->all->ending)) {
        found = false;
        archive->decoder.runs = false;
    }
    d->toc = archive->toc;
    d->codec = d->toc ? codec_by_name(d->toc->codec) : archive->early.codec;
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

/* Gives a chunk to whoever waits for it. Nobody but this thread ends a request that it has taken. False where nobody did. */
static bool deliver(struct archive *archive, uint64_t chunk, const char *data)
{
    struct decode_request *request;
    bool last = false;
    bool wanted = false;
    for (;;) {
        (void)pthread_mutex_lock(&archive->lock);
        request = take_request(archive, chunk, &last);
        (void)pthread_mutex_unlock(&archive->lock);
        if (!request)
            return wanted;
        wanted = true;
        request->sink->data(request->sink, data, TOC_CHUNK_SIZE);
        if (last) {
            struct error none = {0};
            decode_request_end(request, 0, &none);
        }
    }
}

/* The same for one that was decoded anew; what nobody waits for goes to the disk. */
static void deliver_decoded(struct decoding *d, uint64_t chunk)
{
    struct archive *archive = d->archive;
    atomic_fetch_add(&archive->all->decoded, TOC_CHUNK_SIZE);
    cache_note_progress(archive->all->cache);
    if (!deliver(archive, chunk, d->chunk) && archive->disk && !disk_object_knows(archive->disk, chunk))
        (void)disk_object_save(archive->disk, chunk, d->chunk, TOC_CHUNK_SIZE, false);
}

/* Fails who waits for CHUNK: others may have better luck. */
static void fail_chunk(struct archive *archive, uint64_t chunk, int result, const struct error *err)
{
    struct decode_request *request;
    do {
        (void)pthread_mutex_lock(&archive->lock);
        TAILQ_FOREACH(request, &archive->requests, link)
        {
            if (request->next == chunk)
                break;
        }
        if (request)
            TAILQ_REMOVE(&archive->requests, request, link);
        (void)pthread_mutex_unlock(&archive->lock);
        if (request)
            decode_request_end(request, result, err);
    } while (request);
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
        decode_request_end(request, result, err);
    }
}

/* The last restart point at or before the beginning of CHUNK; NULL: the archive's start. */
static const struct toc_point *point_before(const struct toc *toc, uint64_t chunk)
{
    const struct toc_point *found = NULL;
    for (uint32_t i = 0; toc && i < toc->point_count && toc->points[i].decoded <= chunk * TOC_CHUNK_SIZE; i++)
        found = &toc->points[i];
    return found;
}

/* Where the encoded bytes of CHUNK end at the latest. */
static uint64_t encoded_end(const struct decoding *d, uint64_t chunk)
{
    const struct toc *toc = d->toc;
    for (uint32_t i = 0; toc && i < toc->point_count; i++)
        if (toc->points[i].decoded >= (chunk + 1) * TOC_CHUNK_SIZE)
            return toc->points[i].encoded;
    return d->archive->objects.archive.size;
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
    const struct toc_point *point = point_before(d->toc, chunk);
    int result = 0;
    if (!d->begun && !(d->begun = archives_begin(d->archive->all)))
        return error_errno(err, EINTR, "archive");
    if (d->decoder && (first_ahead(d) > chunk || (point && point->decoded > d->decoded_at + WORTH_A_JUMP)))
        close_decoder(d);
    if (!d->decoder)
        result = open_at(d, point, err);
    /* whoever has read a while reads on: the longer it was, the more is on its way then; who reads a little has little
       fetched in vain */
    d->row = chunk == d->last + 1 ? d->row + 1 : 0;
    d->last = chunk;
    if (result == 0)
        config->bound(config->context, d->encoded, encoded_end(d, chunk + d->row));
    return result;
}

/* What the hash of CHUNK must be; false where that is not known (any more, since a new pass has begun). */
static bool expected_hash(const struct decoding *d, uint64_t chunk, struct toc_hash *ret_hash)
{
    struct archive *archive = d->archive;
    bool known = false;
    (void)pthread_mutex_lock(&archive->lock);
    if (d->toc && (known = chunk < d->toc->chunk_count))
        *ret_hash = d->toc->chunks[chunk];
    else if (!d->toc && (known = chunk < archive->early.chunks))
        *ret_hash = archive->early.hashes[chunk];
    (void)pthread_mutex_unlock(&archive->lock);
    return known;
}

/* A chunk is whole: it must be what it was in the pass. */
static int finish_chunk(struct decoding *d, size_t filled, struct error *err)
{
    uint64_t chunk = chunk_of(d->decoded_at - 1);
    struct toc_hash expected;
    if (d->partial) {
        d->partial = false;
        return 0;
    }
    bool known = expected_hash(d, chunk, &expected);
    struct toc_hash hash = toc_hash(d->chunk, filled);
    if (known && memcmp(hash.bytes, expected.bytes, TOC_HASH_SIZE) != 0)
        return error_set(err, EIO, "chunk %" PRIu64 " is not what its table of contents says", chunk);
    memset(d->chunk + filled, 0, TOC_CHUNK_SIZE - filled);
    if (known || d->toc)
        deliver_decoded(d, chunk);
    return 0;
}

/* Decoded bytes that there are, as far as that is known. */
static uint64_t decoded_size(const struct decoding *d)
{
    return d->toc ? d->toc->decoded_size : UINT64_MAX;
}

/* Decodes what IN holds, chunk after chunk. Beyond the size in the table nothing is taken. */
static int decode(struct decoding *d, const char *in, size_t len, struct error *err)
{
    uint64_t all = decoded_size(d);
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
    if (end > decoded_size(d))
        end = decoded_size(d);
    while (result == 0 && d->decoded_at < end) {
        struct loan loan;
        if (d->encoded_at >= d->encoded->size)
            return error_set(err, EIO, "it ends before what its table of contents says");
        result = reader_lend(d->encoded, PIECE, d->encoded_at, &wait, &loan, err);
        d->unread = result < 0;
        if (result < 0)
            return result;
        for (unsigned i = 0; result == 0 && i < loan.count; i++)
            result = decode(d, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
        loan_release(&loan);
    }
    return result;
}

/* Gives out CHUNK as the pass has kept it, in memory or on disk. False where it has to be decoded again. */
static bool deliver_kept(struct decoding *d, uint64_t chunk)
{
    struct archive *archive = d->archive;
    struct toc_hash expected;
    bool unused;
    if (d->toc || (!d->kept && !(d->kept = malloc(TOC_CHUNK_SIZE))) || !expected_hash(d, chunk, &expected))
        return false;
    (void)pthread_mutex_lock(&archive->lock);
    bool there = early_copy(&archive->early, chunk, d->kept);
    (void)pthread_mutex_unlock(&archive->lock);
    if (!there &&
        (!archive->disk || disk_object_load(archive->disk, chunk, d->kept, TOC_CHUNK_SIZE, &unused) < 0))
        return false;
    struct toc_hash hash = toc_hash(d->kept, TOC_CHUNK_SIZE);
    if (memcmp(hash.bytes, expected.bytes, TOC_HASH_SIZE) != 0)
        return false;
    (void)deliver(archive, chunk, d->kept);
    return true;
}

static int give_out(struct decoding *d, uint64_t chunk, struct error *err)
{
    if (!d->chunk && !(d->chunk = malloc(TOC_CHUNK_SIZE)))
        return error_errno(err, ENOMEM, "archive");
    if (!d->codec || chunk * TOC_CHUNK_SIZE >= decoded_size(d))
        return error_set(err, EIO, "it ends before chunk %" PRIu64, chunk);
    return deliver_kept(d, chunk) ? 0 : decode_to(d, chunk, err);
}

static void *decoder_thread(void *context)
{
    struct archive *archive = context;
    struct decoding d = {.archive = archive};
    uint64_t chunk;
    while (next_chunk(&d, &chunk)) {
        struct error err = {0};
        d.unread = false;
        int result = give_out(&d, chunk, &err);
        if (result == 0)
            continue;
        close_decoder(&d);
        (void)error_prefix(&err, result, "%s", archive->objects.archive.key);
        if (result != -ESTALE && result != -ETIMEDOUT && result != -EACCES)
            result = -EIO;
        if (d.unread)
            decode_fail_all(archive, result, &err); /* each would wait as long for the same */
        else
            fail_chunk(archive, chunk, result, &err);
    }
    make_way(&d);
    free(d.chunk);
    free(d.kept);
    return NULL;
}

/* With a reference for the caller. */
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
    if (archive) {
        archive->references++;
        archive->uses++;
    }
    (void)pthread_mutex_unlock(&archives->lock);
    return archive;
}

bool decode_check(void *context, const struct object *object, uint64_t number, const void *data)
{
    struct archive *archive = find_archive(context, object);
    struct toc_hash expected = {0};
    size_t len = TOC_CHUNK_SIZE;
    bool known = false;
    if (!archive)
        return false;
    (void)pthread_mutex_lock(&archive->lock);
    if (archive->toc && (known = number < archive->toc->chunk_count)) {
        uint64_t left = archive->toc->decoded_size - number * TOC_CHUNK_SIZE;
        expected = archive->toc->chunks[number];
        len = left < len ? (size_t)left : len;
    } else if (!archive->toc && (known = number < archive->early.chunks)) {
        expected = archive->early.hashes[number];
    }
    (void)pthread_mutex_unlock(&archive->lock);
    archive_put(archive);
    struct toc_hash hash = toc_hash(data, len);
    return known && memcmp(hash.bytes, expected.bytes, TOC_HASH_SIZE) == 0;
}

int decode_fetch(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                 enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err)
{
    struct archives *archives = (struct archives *)((char *)store - offsetof(struct archives, store));
    struct archive *archive = find_archive(archives, object);
    struct decode_request *request = archive ? calloc(1, sizeof *request) : NULL;
    (void)fetch_class;
    if (!request) {
        if (archive)
            archive_put(archive);
        return error_errno(err, archive ? ENOMEM : ESTALE, "%s", object->key);
    }
    *request = (struct decode_request){
        .archive = archive, .sink = sink, .next = chunk_of(offset), .end = chunk_of(offset + len - 1) + 1};
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
    archive_put(archive);
    return error_errno(err, -result, "%s", object->key);
}
