/* What codec.c and the codecs share: the vtable of a codec, and what its decoders have in common. */
#ifndef RUNFS_ARCHIVE_CODEC_INTERNAL_H
#define RUNFS_ARCHIVE_CODEC_INTERNAL_H

#include "archive/codec.h"

/* What one call of a decoder's run did; zeroed before. */
struct codec_step {
    size_t used;
    size_t made;
    bool boundary;   /* decoding can be taken up again behind what was used */
    bool unit_ended; /* ... and a unit ended here that began at the boundary before */
    bool checked;    /* all that was made before this step is known to be right */
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
    struct error failure; /* what every call fails with from now on */
};

struct codec {
    const char *name;
    bool direct;
    bool (*matches)(const uint8_t *head, size_t len);
    const struct codec_decoder_ops *ops;
    size_t size; /* bytes of a decoder */
    /* Makes a decoder ready to run at AT, whose offsets agree with decoder->at. On failure the caller closes it. May be NULL. */
    int (*open_at)(struct codec_decoder *decoder, const struct codec_point *at, struct error *err);
};

extern const struct codec codec_none;
extern const struct codec codec_xz;
extern const struct codec codec_zstd;
extern const struct codec codec_gzip;

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

/* Decoding blocks of an xz archive at once: the decoder of liblzma's that does so begins at the archive's start, within
   LIMITS. NULL without memory. */
struct xz_threads *xz_threads_open(const struct codec_limits *limits);
void xz_threads_close(struct xz_threads *threads);

/* A restart point, behind those before. -ENOMEM. */
int xz_threads_mark(struct xz_threads *threads, const struct codec_point *point);

/* As a decoder's run, at DECODED. All restart points in IN have been marked. Any failure is -EAGAIN. */
int xz_threads_run(struct xz_threads *threads, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                   uint64_t decoded, struct codec_step *step);

/* When all was made: 0 where it has passed its checks, and the archive is at its END or at a block without sizes. -EAGAIN. */
int xz_threads_finish(struct xz_threads *threads, bool end);

/* The boundary that was reached last. */
const struct codec_point *xz_threads_point(const struct xz_threads *threads);

static inline uint32_t codec_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

#endif
