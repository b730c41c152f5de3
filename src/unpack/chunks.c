/* Decoding chunks of an archive from the nearest place before them: a restart point, or where a decoder stands. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/codec.h"
#include "unpack/archives_internal.h"

#define PIECE        (256U * 1024)
#define WORTH_A_JUMP (4U * 1024 * 1024) /* decoded bytes, which take about as long as a new request */

static uint64_t chunk_of(uint64_t offset)
{
    return offset / TOC_CHUNK_SIZE;
}

/* At the end, where the last chunk may be a short one, there is none. */
uint64_t chunk_ahead(const struct decoder *d)
{
    if (!d || !d->codec)
        return 0;
    bool ended = d->toc && d->decoded_at >= d->toc->decoded_size;
    return ended ? UINT64_MAX : chunk_of(d->decoded_at) + d->partial;
}

/* The last restart point at or before the beginning of CHUNK; NULL: the archive's start. */
static const struct codec_point *point_before(const struct toc *toc, uint64_t chunk)
{
    const struct codec_point *found = NULL;
    for (uint32_t i = 0; toc && i < toc->point_count && toc->points[i].decoded <= chunk * TOC_CHUNK_SIZE; i++)
        found = &toc->points[i];
    return found;
}

/* Where the encoded bytes of CHUNK end at the latest. */
static uint64_t encoded_end(const struct decoder *d, uint64_t chunk)
{
    const struct toc *toc = d->toc;
    for (uint32_t i = 0; toc && i < toc->point_count; i++)
        if (toc->points[i].decoded >= (chunk + 1) * TOC_CHUNK_SIZE)
            return toc->points[i].encoded;
    return d->archive->objects.archive.size;
}

static int open_at(struct decoder *d, const struct codec *codec, const struct codec_point *point,
                   struct error *err)
{
    struct archive *archive = d->archive;
    const struct archives_config *config = &archive->all->config;
    d->encoded_at = point ? point->encoded : 0;
    d->decoded_at = point ? point->decoded : 0;
    d->partial = d->decoded_at % TOC_CHUNK_SIZE != 0;
    int result = codec_open(codec, point, &codec_limits_default, &d->codec, err);
    return result < 0 ? result : config->open(config->context, &archive->objects.archive, &d->encoded, err);
}

/* Brings the decoder before CHUNK: goes on where it stands unless it is behind that, or a restart point is nearer. */
static int seek_to(struct decoder *d, const struct codec *codec, uint64_t chunk, struct error *err)
{
    const struct archives_config *config = &d->archive->all->config;
    const struct codec_point *point = point_before(d->toc, chunk);
    int result = 0;
    if (d->codec && (chunk_ahead(d) > chunk || (point && point->decoded > d->decoded_at + WORTH_A_JUMP)))
        decoder_close(d);
    if (!d->codec)
        result = open_at(d, codec, point, err);
    /* a reader that has read a while reads on: the longer it was, the more is on its way then; one that reads a little has
       little fetched in vain */
    d->row = chunk == d->last + 1 ? d->row + 1 : 0;
    d->last = chunk;
    if (result == 0)
        config->bound(config->context, d->encoded, encoded_end(d, chunk + d->row));
    return result;
}

void chunk_put(struct archive *archive, uint64_t chunk, const void *data, size_t len,
               const struct hash128 *hash)
{
    struct hash128 whole = len < TOC_CHUNK_SIZE ? hash128(data, TOC_CHUNK_SIZE) : *hash;
    atomic_fetch_add(&archive->all->decoded, TOC_CHUNK_SIZE);
    cached_object_put(archive->decoded, chunk, data, &whole);
}

/* A chunk is whole: it must be what it was in the pass. */
static int finish_chunk(struct decoder *d, size_t filled, struct error *err)
{
    struct archive *archive = d->archive;
    uint64_t chunk = chunk_of(d->decoded_at - 1);
    struct hash128 expected;
    size_t len;
    if (d->partial) {
        d->partial = false;
        return 0;
    }
    cache_note_progress(archive->all->cache);
    if (!archive_chunk_hash(archive, chunk, &expected, &len))
        return 0;
    struct hash128 hash = hash128(d->chunk, filled);
    if (memcmp(hash.bytes, expected.bytes, TOC_HASH_SIZE) != 0)
        return error_set(err, EIO, "chunk %" PRIu64 " is not what its table of contents says", chunk);
    memset(d->chunk + filled, 0, TOC_CHUNK_SIZE - filled);
    chunk_put(archive, chunk, d->chunk, filled, &hash);
    return 0;
}

/* Decoded bytes that there are, as far as that is known. */
static uint64_t decoded_size(const struct decoder *d)
{
    return d->toc ? d->toc->decoded_size : UINT64_MAX;
}

/* Decodes what IN holds, chunk after chunk. Beyond the size in the table nothing is taken. */
static int decode(struct decoder *d, const char *in, size_t len, struct error *err)
{
    uint64_t all = decoded_size(d);
    while (d->decoded_at < all) {
        size_t filled = (size_t)(d->decoded_at % TOC_CHUNK_SIZE);
        size_t room = TOC_CHUNK_SIZE - filled;
        size_t used;
        size_t made;
        if (room > all - d->decoded_at)
            room = (size_t)(all - d->decoded_at);
        int result = codec_run(d->codec, in, len, &used, d->chunk + filled, room, &made, err);
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
        if (made < room && !len && !(codec_progress(d->codec)->boundary && (used || made)))
            break;
    }
    return 0;
}

static int decode_to(struct decoder *d, uint64_t end, bool *ret_unread, struct error *err)
{
    int result = 0;
    while (result == 0 && d->decoded_at < end) {
        struct loan loan;
        if (d->encoded_at >= d->encoded->size)
            return error_set(err, EIO, "it ends before what its table of contents says");
        result = reader_lend(d->encoded, PIECE, d->encoded_at, &d->archive->all->wait, &loan, err);
        *ret_unread = result < 0;
        if (result < 0)
            return result;
        for (unsigned i = 0; result == 0 && i < loan.count; i++)
            result = decode(d, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
        loan_release(&loan);
    }
    return result;
}

int chunk_decode(struct decoder *d, uint64_t chunk, bool *ret_unread, struct error *err)
{
    struct archive *archive = d->archive;
    uint64_t end = (chunk + 1) * TOC_CHUNK_SIZE;
    *ret_unread = false;
    lock_take(&archive->lock);
    d->toc = archive->toc;
    const struct codec *codec = d->toc ? codec_by_name(d->toc->codec) : archive->early.codec;
    lock_drop(&archive->lock);
    if (!d->chunk && !(d->chunk = malloc(TOC_CHUNK_SIZE)))
        return error_errno(err, ENOMEM, "archive");
    if (!codec || chunk * TOC_CHUNK_SIZE >= decoded_size(d))
        return error_set(err, EIO, "it ends before chunk %" PRIu64, chunk);
    int result = seek_to(d, codec, chunk, err);
    return result < 0 ? result : decode_to(d, end < decoded_size(d) ? end : decoded_size(d), ret_unread, err);
}
