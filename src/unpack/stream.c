/* Members of an archive as readers: slices of its decoded stream, or of the object itself where that is a plain tar; see
   archives.h. Each refers to its archive, so that it can be decoded from as long as it is read. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "archive/codec.h"
#include "reader/slice.h"
#include "unpack/archives_internal.h"

/* The stream that members lie in. */
struct stream {
    struct reader reader;
    struct archive *archive; /* a reference */
    struct reader *inner;    /* owned */
    bool early; /* opened before the table was there: what is read may not be there yet, or never */
};

/* Decoded bytes. */
struct stretch {
    uint64_t offset;
    uint64_t len;
};

static bool is_there(const struct archive *archive, void *context)
{
    const struct stretch *stretch = context;
    return early_has(&archive->early, stretch->offset, stretch->len);
}

/* Waits for the pass to come to what is read. */
static int await_bytes(const struct stream *stream, uint64_t offset, size_t len, const struct wait *wait,
                       struct error *err)
{
    struct archive *archive = stream->archive;
    struct stretch stretch = {offset, len};
    if (!stream->early)
        return 0;
    lock_take(&archive->lock);
    int result = table_await(archive, is_there, &stretch, wait, err);
    /* what lies behind damage was given out as it was decoded, and is believed no longer */
    if (result == 0 && archive->toc && offset + len > archive->toc->decoded_size)
        result = error_set(err, EIO, "%s: %s", archive->objects.archive.key, archive->toc->problem);
    lock_drop(&archive->lock);
    return result;
}

static int stream_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                        size_t *ret_n, struct error *err)
{
    const struct stream *stream = (const struct stream *)r;
    int result = await_bytes(stream, offset, len, wait, err);
    return result < 0 ? result : reader_pread(stream->inner, buf, len, offset, wait, ret_n, err);
}

static int stream_lend(struct reader *r, size_t len, uint64_t offset, const struct wait *wait,
                       struct loan *ret_loan, struct error *err)
{
    const struct stream *stream = (const struct stream *)r;
    int result = await_bytes(stream, offset, len, wait, err);
    return result < 0 ? result : reader_lend(stream->inner, len, offset, wait, ret_loan, err);
}

static void stream_close(struct reader *r)
{
    struct stream *stream = (struct stream *)r;
    reader_close(stream->inner);
    archive_put(stream->archive);
    free(stream);
}

static const struct reader_ops stream_ops = {
    .pread = stream_pread, .lend = stream_lend, .close = stream_close};

/* Opens what holds the decoded stream of DECODED_SIZE bytes, as CODEC has made it. */
static int open_inner(struct archive *archive, const struct codec *codec, uint64_t decoded_size,
                      struct reader **ret_reader, struct error *err)
{
    const struct archives_config *config = &archive->all->config;
    if (codec_is_direct(codec))
        return config->open(config->context, &archive->objects.archive, ret_reader, err);
    uint64_t chunks = decoded_size / CACHE_BLOCK_SIZE + (decoded_size % CACHE_BLOCK_SIZE != 0);
    return cached_object_reader(archive->decoded, chunks * CACHE_BLOCK_SIZE, ret_reader, err);
}

/* Opens the stream for a file that ends at END. Whoever reads a file need not read on in the one behind it: nothing is decoded
   ahead of that. */
static int open_stream(struct archive *archive, const struct codec *codec, uint64_t decoded_size,
                       uint64_t end, bool early, struct reader **ret_reader, struct error *err)
{
    const struct archives_config *config = &archive->all->config;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return error_errno(err, ENOMEM, "%s", archive->objects.archive.key);
    int result = open_inner(archive, codec, decoded_size, &stream->inner, err);
    if (result < 0) {
        free(stream);
        return result;
    }
    if (codec_is_direct(codec))
        config->bound(config->context, stream->inner, end);
    else
        cache_reader_bound(stream->inner, end);
    archive_hold(archive);
    stream->reader = (struct reader){&stream_ops, stream->inner->size};
    stream->archive = archive;
    stream->early = early;
    *ret_reader = &stream->reader;
    return 0;
}

int archive_open_file(struct archive *archive, uint32_t number, struct reader **ret_reader, struct error *err)
{
    const struct toc *toc = archive->toc;
    const struct member_table *table = toc->members;
    const struct member_file *file = number < table->file_count ? &table->files[number] : NULL;
    const struct codec *codec = codec_by_name(toc->codec);
    struct reader *stream;
    if (!file || file->type == MEMBER_DIRECTORY || file->type == MEMBER_SYMLINK ||
        file->type == MEMBER_BROKEN)
        return error_set(err, EINVAL, "%s: not a file", archive->objects.archive.key);
    if (!codec)
        return error_set(err, EIO, "%s: its table of contents names a codec that is not known",
                         archive->objects.archive.key);
    uint64_t end = file->offset + member_stored(table, file);
    int result = open_stream(archive, codec, toc->decoded_size, end, false, &stream, err);
    if (result < 0)
        return result;
    if (file->type != MEMBER_FILE)
        return reader_open_slice(stream, 0, 0, ret_reader, err);
    if (file->sparse)
        return reader_open_sparse(stream, member_extents(table, file), file->count, file->size, ret_reader,
                                  err);
    return reader_open_slice(stream, file->offset, file->size, ret_reader, err);
}

int archive_open_early(struct archive *archive, uint64_t offset, uint64_t size, struct reader **ret_reader,
                       struct error *err)
{
    struct reader *stream;
    lock_take(&archive->lock);
    const struct codec *codec = archive->toc ? codec_by_name(archive->toc->codec) : archive->early.codec;
    if (!codec)
        (void)error_set(err, archive->failure ? -archive->failure : EIO, "%s", archive->why.message);
    lock_drop(&archive->lock);
    if (!codec)
        return -EIO;
    int result = open_stream(archive, codec, DECODED_SIZE_MAX, offset + size, true, &stream, err);
    return result < 0 ? result : reader_open_slice(stream, offset, size, ret_reader, err);
}
