/* What codec.c and the codecs share: the vtable of a codec, what its decoders have in common, and indexes being made. */
#ifndef RUNFS_ARCHIVE_CODEC_INTERNAL_H
#define RUNFS_ARCHIVE_CODEC_INTERNAL_H

#include <xxhash.h>

#include "archive/codec.h"

/* What one call of a decoder's run did; zeroed before. */
struct codec_step {
    size_t used;
    size_t made;
    bool boundary;   /* decoding can be taken up again behind what was used */
    bool unit_ended; /* ... and a unit ended here that began at the boundary before */
    bool unchecked;  /* the unit at hand has no check of its own */
};

struct codec_decoder_ops {
    /* As codec_run, but STEP also tells what happened before a failure. OUT_CAP is not 0. It returns at each boundary. */
    int (*run)(struct codec_decoder *decoder, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
               struct codec_step *step, struct error *err);
    /* As codec_finish; NULL where data may end anywhere. */
    int (*finish)(struct codec_decoder *decoder, struct error *err);
    /* Fills in kind and blob at a boundary; NULL where all restart points are CODEC_AT_START. */
    void (*point)(const struct codec_decoder *decoder, struct codec_point *point);
    /* Frees what the decoder holds; may be NULL. */
    void (*close)(struct codec_decoder *decoder);
};

/* The first member of each codec's decoder, which codec_open allocates zeroed; what is said here is set before open_at is
   called. */
struct codec_decoder {
    const struct codec_decoder_ops *ops;
    const struct codec *codec;
    struct codec_limits limits;
    struct codec_progress at;
    uint64_t opened_decoded; /* where decoding began */
    uint64_t opened_encoded;
    uint64_t unit_decoded; /* the last boundary: where the unit at hand began */
    uint64_t unit_encoded;
    const struct codec_index *index; /* borrowed; what codec_follow set, else NULL */
    size_t entry;                    /* the unit of index that comes now */
    XXH64_state_t *hash;             /* owned; of the unit's output, where index has checksums */
    struct error failure;            /* what every call fails with from now on */
};

struct codec {
    const char *name;
    bool direct;
    bool (*matches)(const uint8_t *head, size_t len);
    const struct codec_decoder_ops *ops;
    size_t size; /* bytes of a decoder */
    /* Makes a decoder ready to run at AT, whose offsets agree with decoder->at. On failure the caller closes it. May be NULL. */
    int (*open_at)(struct codec_decoder *decoder, const struct codec_point *at, struct error *err);
    /* As codec_may_have_index; NULL where none has one. */
    bool (*may_have_index)(const uint8_t *head, size_t len);
    /* As codec_read_index; NULL where the format has none. */
    int (*read_index)(struct reader *encoded, const struct codec_limits *limits, const struct wait *wait,
                      struct codec_index **ret_index, struct error *err);
};

extern const struct codec codec_none;
extern const struct codec codec_xz;
extern const struct codec codec_zstd;
extern const struct codec codec_gzip;

/* codec_read_index of the codecs that have one. */
int xz_read_index(struct reader *encoded, const struct codec_limits *limits, const struct wait *wait,
                  struct codec_index **ret_index, struct error *err);
int zstd_read_index(struct reader *encoded, const struct codec_limits *limits, const struct wait *wait,
                    struct codec_index **ret_index, struct error *err);

/* Where an xz block is in its stream: what the blob of its restart point holds. */
struct xz_place {
    uint8_t check; /* lzma_check of the stream */
    uint64_t stream_decoded;
    uint64_t stream_encoded; /* of the stream's header */
    uint64_t blocks;         /* blocks of the stream before this one */
};

/* Makes POINT a place in a stream, and reads it back: -EIO where it cannot be one. */
void xz_point_write(struct codec_point *point, const struct xz_place *place);
int xz_point_read(const struct codec_point *point, struct xz_place *ret_place, struct error *err);

struct codec_entry {
    uint64_t decoded;
    uint64_t encoded;
    uint64_t encoded_len;
    uint32_t stream;   /* index into streams, xz only */
    uint32_t checksum; /* low half of the XXH64 of what it decodes to, where the index has checksums */
};

struct codec_stream {
    uint64_t decoded;
    uint64_t encoded;
    size_t first_entry;
    uint8_t check;
};

/* Units in order, without gaps in the decoded archive. */
struct codec_index {
    struct codec_entry *entries; /* owned */
    size_t count;
    struct codec_stream *streams; /* owned */
    size_t stream_count;
    uint64_t decoded_size;
    bool checksums;
};

/* An index with room for COUNT entries and STREAM_COUNT streams, count 0; NULL without memory. */
struct codec_index *codec_index_new(size_t count, size_t stream_count);

/* The first unit that begins at or behind the encoded OFFSET; the count where none does. */
size_t codec_index_behind(const struct codec_index *index, uint64_t offset);

/* Where unit NUMBER ends, as a restart point. */
void codec_index_end(const struct codec_index *index, size_t number, struct codec_point *ret_point);

/* Fills in what all decoders have in common, for one that begins at AT. */
void codec_begin(struct codec_decoder *decoder, const struct codec *codec, const struct codec_point *at,
                 const struct codec_limits *limits);

/* Looks at a step before its output is given out: -EIO where it is not what the index of the decoder says. */
int codec_follow_step(struct codec_decoder *decoder, const struct codec_step *step, const uint8_t *out,
                      struct error *err);

/* Whether all of the index has come by when the archive ends. */
int codec_follow_finish(const struct codec_decoder *decoder, struct error *err);

static inline uint32_t codec_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline void cleanup_codec_index(struct codec_index **index)
{
    codec_index_close(*index);
}

#define _cleanup_codec_index_ __attribute__((cleanup(cleanup_codec_index)))

#endif
