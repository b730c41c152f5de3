/* Codecs: what an archive is compressed with, decoded forward from its start or from a restart point.

   A decoder is pushed: it takes encoded bytes as they come and makes decoded ones, in any pieces. It stops behind every
   unit (an xz block, a zstd frame, a gzip member), which is where decoding can be taken up again. What the archive's own
   checks have covered is told apart from what was merely decoded, and nothing is made beyond the limits.

   Errors of decoding, besides those named: -EIO (damaged, not this format, or not what the index says), -ENODATA (the
   data ends before its end), -ENOTSUP (a feature that is not supported), -ENOMEM (an allocation failed: another attempt may succeed), -EFBIG (more
   decoded bytes than the limit), -E2BIG (a ratio, a window or memory beyond the limits), -EAGAIN (only with threads: decode
   again with one, which tells more). */
#ifndef RUNFS_ARCHIVE_CODEC_H
#define RUNFS_ARCHIVE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct codec;
struct codec_decoder;

/* How much of an archive codec_recognise wants to see. */
#define CODEC_HEAD_BYTES 512

/* What an archive may ask for at most. */
struct codec_limits {
    uint64_t decoded_max; /* decoded bytes, counted from the archive's start */
    uint64_t ratio_max;   /* decoded bytes for each encoded one since the decoder was opened (0: any), ... */
    uint64_t ratio_from;  /* ... looked at once so many bytes were decoded */
    uint64_t window_max;  /* bytes of history; zstd counts in powers of two, from 1 KiB to 2 GiB */
    uint64_t memory_max;  /* bytes of memory for one decoder, window included */
    unsigned threads;     /* for decoding several units at once, ... */
    uint64_t threads_max; /* ... as far as they fit into so many bytes of memory */
};

/* 64 GiB decoded, 1000 to 1 past 64 MiB, windows of 128 MiB in 144 MiB of memory, one thread. */
extern const struct codec_limits codec_limits_default;

#define CODEC_BLOB_MAX 32

enum codec_point_kind {
    CODEC_AT_START = 1, /* a stream, frame or member begins here, after padding perhaps */
    CODEC_AT_BLOCK = 2, /* in an xz stream, before a block or the index; the blob tells of the stream */
};

/* Where decoding can be taken up again. Plain data without pointers, to be stored field by field. */
struct codec_point {
    uint64_t decoded; /* offset in the decoded archive */
    uint64_t encoded; /* offset in the archive as it is stored */
    uint8_t kind;     /* enum codec_point_kind */
    uint8_t blob_len;
    uint8_t blob[CODEC_BLOB_MAX];
};

/* How far a decoder is; offsets count from the archive's start, wherever decoding began. */
struct codec_progress {
    uint64_t decoded;  /* bytes given out */
    uint64_t encoded;  /* bytes taken */
    uint64_t verified; /* everything from where decoding began to here has passed a check of the archive */
    bool
        unchecked; /* some of it, or of what comes now, has no check at all: verified will not get beyond it */
    bool boundary; /* codec_point_here would give a restart point */
};

/* The codec of an archive whose first LEN bytes (CODEC_HEAD_BYTES, or all where it has fewer) are HEAD, or NULL. Names
   play no part. A plain tar is recognised by its first header. */
const struct codec *codec_recognise(const void *head, size_t len);

/* Its name: "xz", "zstd", "gzip" or "none". */
const char *codec_name(const struct codec *codec);

/* The codec of that name, or NULL. */
const struct codec *codec_by_name(const char *name);

/* Whether the decoded bytes are the encoded ones: then no decoder is needed, and every offset is a restart point. */
bool codec_is_direct(const struct codec *codec);

/* A decoder that begins at AT (NULL: at the archive's start), copying LIMITS. AT may come from outside: a malformed
   one is -EIO, and one that is not true gives an error on the way, as damage does; but where it stands in the decoded
   archive is taken from it. Not thread-safe: one thread at a time. From the start of an archive whose units can be decoded
   at once (xz blocks with sizes and checks), it uses the threads of LIMITS; then it takes encoded bytes further ahead, and
   any failure but -EFBIG and that of the ratio is -EAGAIN. */
int codec_open(const struct codec *codec, const struct codec_point *at, const struct codec_limits *limits,
               struct codec_decoder **ret_decoder, struct error *err);

/* Frees a decoder; NULL is allowed. */
void codec_close(struct codec_decoder *decoder);

/* Takes up to IN_LEN encoded bytes from IN, makes up to OUT_CAP (not 0) decoded ones in OUT and stores both counts. It
   returns when the input is used up, the output is full, or at a boundary. Output may remain when the input is used
   up: call again, with IN_LEN 0 if need be, until less than OUT_CAP is made without reaching a boundary. After a
   failure each further call fails the same; what was decoded before the failure is given out first. */
int codec_run(struct codec_decoder *decoder, const void *in, size_t in_len, size_t *ret_used, void *out,
              size_t out_cap, size_t *ret_made, struct error *err);

/* To be called when all input was taken and all output given out: 0 where the archive is whole, -ENODATA where it is
   cut short, or why not. */
int codec_finish(struct codec_decoder *decoder, struct error *err);

/* How far it is; valid as long as the decoder, changed by codec_run. */
const struct codec_progress *codec_progress(const struct codec_decoder *decoder);

/* Stores the restart point where the decoder stands; false, storing nothing, where that is not a boundary. */
bool codec_point_here(const struct codec_decoder *decoder, struct codec_point *ret_point);

#endif
