/* An index in memory, and holding a decoder to it; see codec.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "archive/codec_internal.h"

struct codec_index *codec_index_new(size_t count, size_t stream_count)
{
    struct codec_index *index = calloc(1, sizeof *index);
    if (!index)
        return NULL;
    index->entries = calloc(count ? count : 1, sizeof *index->entries);
    index->streams = calloc(stream_count ? stream_count : 1, sizeof *index->streams);
    if (index->entries && index->streams)
        return index;
    codec_index_close(index);
    return NULL;
}

void codec_index_close(struct codec_index *index)
{
    if (!index)
        return;
    free(index->entries);
    free(index->streams);
    free(index);
}

size_t codec_index_count(const struct codec_index *index)
{
    return index->count;
}

uint64_t codec_index_decoded_size(const struct codec_index *index)
{
    return index->decoded_size;
}

/* Where unit NUMBER begins in the decoded archive; for the count, where the last one ends. */
static uint64_t decoded_at(const struct codec_index *index, size_t number)
{
    return number < index->count ? index->entries[number].decoded : index->decoded_size;
}

/* The place behind BEHIND more blocks than there are before unit NUMBER. */
static void write_place(const struct codec_index *index, size_t number, size_t behind,
                        struct codec_point *point)
{
    const struct codec_stream *stream = &index->streams[index->entries[number].stream];
    struct xz_place place = {.check = stream->check,
                             .stream_decoded = stream->decoded,
                             .stream_encoded = stream->encoded,
                             .blocks = number - stream->first_entry + behind};
    xz_point_write(point, &place);
}

void codec_index_get(const struct codec_index *index, size_t number, struct codec_stretch *ret_stretch)
{
    const struct codec_entry *entry = &index->entries[number];
    *ret_stretch = (struct codec_stretch){
        .point = {.decoded = entry->decoded, .encoded = entry->encoded, .kind = CODEC_AT_START},
        .decoded_len = decoded_at(index, number + 1) - entry->decoded,
        .encoded_len = entry->encoded_len};
    if (index->stream_count > 0)
        write_place(index, number, 0, &ret_stretch->point);
}

void codec_index_end(const struct codec_index *index, size_t number, struct codec_point *ret_point)
{
    const struct codec_entry *entry = &index->entries[number];
    *ret_point = (struct codec_point){.decoded = decoded_at(index, number + 1),
                                      .encoded = entry->encoded + entry->encoded_len,
                                      .kind = CODEC_AT_START};
    if (index->stream_count > 0)
        write_place(index, number, 1, ret_point);
}

/* The last unit that begins at or before OFFSET is the one that holds it: empty ones come first. */
bool codec_index_find(const struct codec_index *index, uint64_t offset, size_t *ret_number)
{
    size_t low = 0;
    size_t high = index->count;
    if (offset >= index->decoded_size)
        return false;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].decoded <= offset)
            low = middle;
        else
            high = middle;
    }
    *ret_number = low;
    return true;
}

size_t codec_index_behind(const struct codec_index *index, uint64_t offset)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].encoded < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool codec_index_ends_at(const struct codec_index *index, const struct codec_point *point)
{
    size_t next = codec_index_behind(index, point->encoded);
    if (next == 0)
        return false;
    const struct codec_entry *entry = &index->entries[next - 1];
    return entry->encoded + entry->encoded_len == point->encoded && decoded_at(index, next) == point->decoded;
}

static int refuse(const struct codec_decoder *d, struct error *err)
{
    return error_set(err, EIO, "%s: the data is not what the index says (unit %zu, near byte %" PRIu64 ")",
                     d->codec->name, d->entry, d->unit_encoded);
}

int codec_follow(struct codec_decoder *d, const struct codec_index *index, struct error *err)
{
    d->entry = codec_index_behind(index, d->at.encoded);
    if (decoded_at(index, d->entry) != d->at.decoded)
        return refuse(d, err);
    if (index->checksums) {
        d->hash = XXH64_createState();
        if (!d->hash)
            return error_errno(err, ENOMEM, "%s", d->codec->name);
        (void)XXH64_reset(d->hash, 0);
    }
    d->index = index;
    return 0;
}

/* Whether the unit that ends with STEP began and ended where the index says. */
static bool is_as_promised(const struct codec_decoder *d, const struct codec_step *step, uint64_t decoded)
{
    const struct codec_entry *entry = &d->index->entries[d->entry];
    return entry->encoded == d->unit_encoded && entry->decoded == d->unit_decoded &&
           d->at.encoded + step->used - d->unit_encoded == entry->encoded_len &&
           decoded == decoded_at(d->index, d->entry + 1);
}

/* The hash is set back for the next unit. */
static bool has_checksum(struct codec_decoder *d)
{
    uint32_t sum = (uint32_t)XXH64_digest(d->hash);
    (void)XXH64_reset(d->hash, 0);
    return sum == d->index->entries[d->entry].checksum;
}

/* Behind the last unit of the index only what decodes to nothing may follow, such as a seek table. */
int codec_follow_step(struct codec_decoder *d, const struct codec_step *step, const uint8_t *out,
                      struct error *err)
{
    uint64_t decoded = d->at.decoded + step->made;
    bool listed = d->entry < d->index->count;
    if (decoded > decoded_at(d->index, listed ? d->entry + 1 : d->entry))
        return refuse(d, err);
    if (d->hash && step->made > 0)
        (void)XXH64_update(d->hash, out, step->made);
    if (!step->unit_ended || !listed)
        return 0;
    if (!is_as_promised(d, step, decoded) || (d->hash && !has_checksum(d)))
        return refuse(d, err);
    d->entry++;
    return 0;
}

int codec_follow_finish(const struct codec_decoder *d, struct error *err)
{
    return d->entry == d->index->count ? 0 : refuse(d, err);
}
