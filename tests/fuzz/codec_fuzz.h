/* What the fuzzers of codecs share: decoding from memory in pieces, and a reader of memory. */
#ifndef RUNFS_TESTS_FUZZ_CODEC_FUZZ_H
#define RUNFS_TESTS_FUZZ_CODEC_FUZZ_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "archive/codec_internal.h"
#include "check.h"

#define DECODED_MAX ((size_t)32 * 1024)
#define POINTS_MAX  64

#define PARALLEL_BYTES (16U * 1024 * 1024)

/* Small, so that inputs are many. The ratio would make the end depend on the pieces. */
static const struct codec_limits fuzz_limits = {.decoded_max = DECODED_MAX,
                                                .window_max = 1024 * 1024,
                                                .memory_max = 4 * 1024 * 1024,
                                                .entries_max = 1000};

struct fuzz_outcome {
    int result;
    uint64_t from;
    uint8_t *data; /* DECODED_MAX bytes; freed by the caller */
    size_t len;
    struct codec_progress progress;
    struct codec_point points[POINTS_MAX];
    size_t point_count;
};

/* Every failure has its reason, and codes are those of codec.h. */
static inline void fuzz_check_failure(int result, const struct error *err)
{
    CHECK(result == 0 || result == -EIO || result == -ENODATA || result == -ENOTSUP || result == -ENOMEM ||
          result == -EFBIG || result == -E2BIG);
    CHECK(result == 0 || (err->code == -result && err->message[0] && is_plain_line(err->message)));
}

static inline void fuzz_check_progress(const struct codec_decoder *decoder, struct fuzz_outcome *outcome)
{
    const struct codec_progress *at = codec_progress(decoder);
    CHECK(at->decoded == outcome->from + outcome->len);
    CHECK(at->verified >= outcome->progress.verified && at->verified <= at->decoded);
    CHECK(at->unchecked || !outcome->progress.unchecked);
    outcome->progress = *at;
    if (outcome->point_count < POINTS_MAX &&
        codec_point_here(decoder, &outcome->points[outcome->point_count])) {
        CHECK(outcome->points[outcome->point_count].decoded == at->decoded);
        outcome->point_count++;
    }
}

static inline int fuzz_run(struct codec_decoder *decoder, const uint8_t *in, size_t len, size_t in_step,
                           size_t out_step, struct fuzz_outcome *outcome, struct error *err)
{
    size_t used = 0;
    size_t made = 0;
    for (size_t done = 0;; done += used) {
        size_t piece = len - done < in_step ? len - done : in_step;
        size_t left = DECODED_MAX + 1 - outcome->len; /* never 0, so that going beyond the limit is seen */
        size_t room = left < out_step ? left : out_step;
        int result =
            codec_run(decoder, in + done, piece, &used, outcome->data + outcome->len, room, &made, err);
        if (result < 0)
            return result;
        CHECK(used <= piece && made <= room && outcome->len + made <= DECODED_MAX);
        outcome->len += made;
        fuzz_check_progress(decoder, outcome);
        if (piece == 0 && made == 0)
            return codec_finish(decoder, err);
    }
}

/* Decodes DATA to its end, on from where DECODER, which is closed, stands: RESULT is what opening it gave. */
static inline void fuzz_finish(struct codec_decoder *decoder, int result, const uint8_t *data, size_t size,
                               size_t in_step, size_t out_step, struct fuzz_outcome *outcome,
                               struct error *err)
{
    outcome->result = result;
    if (result == 0)
        outcome->result = fuzz_run(decoder, data, size, in_step, out_step, outcome, err);
    codec_close(decoder);
    fuzz_check_failure(outcome->result, err);
}

/* Decodes DATA from AT on in pieces. */
static inline struct fuzz_outcome fuzz_decode(const struct codec *codec, const struct codec_point *at,
                                              const struct codec_index *index, const uint8_t *data,
                                              size_t size, size_t in_step, size_t out_step)
{
    struct fuzz_outcome outcome = {.from = at ? at->decoded : 0, .data = malloc(DECODED_MAX + 1)};
    struct codec_decoder *decoder = NULL;
    struct error err = {0};
    size_t begin = at ? (size_t)at->encoded : 0;
    CHECK(outcome.data && begin <= size);
    int result = codec_open(codec, at, &fuzz_limits, &decoder, &err);
    if (result == 0 && index)
        result = codec_follow(decoder, index, &err);
    fuzz_finish(decoder, result, data + begin, size - begin, in_step, out_step, &outcome, &err);
    return outcome;
}

/* Whether the bytes of PART, which begin within WHOLE, are those of WHOLE as far as both go. */
static inline void fuzz_check_same(const struct fuzz_outcome *whole, const struct fuzz_outcome *part)
{
    CHECK(part->from >= whole->from && part->from - whole->from <= whole->len);
    size_t skip = (size_t)(part->from - whole->from);
    size_t both = whole->len - skip < part->len ? whole->len - skip : part->len;
    CHECK(memcmp(whole->data + skip, part->data, both) == 0);
}

struct fuzz_reader {
    struct reader reader;
    const uint8_t *data;
};

static inline int fuzz_pread(struct reader *r, void *buf, size_t len, uint64_t offset,
                             const struct wait *wait, size_t *ret_n, struct error *err)
{
    const struct fuzz_reader *memory = (const struct fuzz_reader *)r;
    (void)wait, (void)err;
    CHECK(offset < r->size && len <= r->size - offset);
    memcpy(buf, memory->data + offset, len);
    *ret_n = len;
    return 0;
}

static inline void fuzz_close(struct reader *r)
{
    (void)r;
}

static const struct reader_ops fuzz_reader_ops = {.pread = fuzz_pread, .close = fuzz_close};

/* What an index says must fit together and into the file. */
static inline void fuzz_check_index(const struct codec_index *index, size_t size)
{
    uint64_t decoded = 0;
    uint64_t encoded = 0;
    CHECK(codec_index_count(index) <= fuzz_limits.entries_max);
    for (size_t i = 0; i < codec_index_count(index); i++) {
        struct codec_stretch unit;
        size_t found;
        codec_index_get(index, i, &unit);
        CHECK(unit.point.decoded == decoded && unit.point.encoded >= encoded);
        CHECK(unit.encoded_len > 0 && unit.point.encoded + unit.encoded_len <= size);
        decoded += unit.decoded_len;
        encoded = unit.point.encoded + unit.encoded_len;
        if (unit.decoded_len > 0)
            CHECK(codec_index_find(index, decoded - 1, &found) && found == i);
    }
    CHECK(decoded == codec_index_decoded_size(index));
}

/* Where all of the archive is what the index says, so is what is decoded from any unit on; else units may end too early
   with an error, but none gives more than it was to. */
static inline void fuzz_check_units(const struct codec *codec, const struct codec_index *index,
                                    const uint8_t *data, size_t size)
{
    struct fuzz_outcome whole = fuzz_decode(codec, NULL, index, data, size, SIZE_MAX, SIZE_MAX);
    CHECK(whole.len <= codec_index_decoded_size(index));
    for (size_t i = 0; i < codec_index_count(index) && i < 8; i++) {
        struct codec_stretch unit;
        codec_index_get(index, i, &unit);
        struct fuzz_outcome part = fuzz_decode(codec, &unit.point, index, data, size, 7, 100);
        CHECK(unit.point.decoded + part.len <= codec_index_decoded_size(index));
        if (whole.result == 0) {
            CHECK(part.result == 0 || part.result == -ENOMEM);
            fuzz_check_same(&whole, &part);
        }
        free(part.data);
    }
    free(whole.data);
}

/* Several units at once give what one after the other gives; of a damaged one more or less is decoded. */
static inline void fuzz_check_parallel(const struct codec *codec, const struct codec_index *index,
                                       const uint8_t *data, size_t size)
{
    struct codec_decoder *decoder = NULL;
    struct error err = {0};
    int result = codec_open_parallel(codec, index, NULL, &fuzz_limits, 2, PARALLEL_BYTES, &decoder, &err);
    CHECK(result == 0);
    if (!decoder)
        return;
    struct fuzz_outcome serial = fuzz_decode(codec, NULL, NULL, data, size, SIZE_MAX, SIZE_MAX);
    struct fuzz_outcome parallel = {.data = malloc(DECODED_MAX + 1)};
    CHECK(parallel.data);
    fuzz_finish(decoder, 0, data, size, 50, 100, &parallel, &err);
    fuzz_check_same(&serial, &parallel);
    CHECK(parallel.result == serial.result);
    CHECK(serial.result < 0 || parallel.len == serial.len);
    CHECK(index->checksums || parallel.progress.verified == serial.progress.verified);
    free(serial.data);
    free(parallel.data);
}

/* Reads an index from DATA and holds decoding to it. */
static inline void fuzz_index(const char *name, const uint8_t *data, size_t size)
{
    static const struct wait patient = {.timeout_ms = 1000};
    const struct codec *codec = codec_by_name(name);
    struct fuzz_reader memory = {{&fuzz_reader_ops, size}, data};
    struct codec_index *index = NULL;
    struct error err = {0};
    int result = codec_read_index(codec, &memory.reader, &fuzz_limits, &patient, &index, &err);
    fuzz_check_failure(result, &err);
    CHECK(result == 0 || !index);
    if (!index)
        return;
    fuzz_check_index(index, size);
    fuzz_check_units(codec, index, data, size);
    fuzz_check_parallel(codec, index, data, size);
    codec_index_close(index);
}

#endif
