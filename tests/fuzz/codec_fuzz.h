/* Decoding from memory in pieces. */
#ifndef RUNFS_TESTS_FUZZ_CODEC_FUZZ_H
#define RUNFS_TESTS_FUZZ_CODEC_FUZZ_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "archive/codec_internal.h"
#include "check.h"

#define DECODED_MAX ((size_t)32 * 1024)
#define POINTS_MAX  64

/* Small, so that inputs are many. The ratio would make the end depend on the pieces. */
static const struct codec_limits fuzz_limits = {.decoded_max = DECODED_MAX,
                                                .window_max = 1024 * 1024,
                                                .threads_max = 16 * 1024 * 1024,
                                                .memory_max = 4 * 1024 * 1024};

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
          result == -EFBIG || result == -E2BIG || result == -EAGAIN);
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

/* Decodes DATA from AT on in pieces. */
static inline struct fuzz_outcome fuzz_decode(const struct codec *codec, const struct codec_point *at,
                                              unsigned threads, const uint8_t *data, size_t size,
                                              size_t in_step, size_t out_step)
{
    struct fuzz_outcome outcome = {.from = at ? at->decoded : 0, .data = malloc(DECODED_MAX + 1)};
    struct codec_decoder *decoder = NULL;
    struct codec_limits limits = fuzz_limits;
    struct error err = {0};
    size_t begin = at ? (size_t)at->encoded : 0;
    CHECK(outcome.data && begin <= size);
    limits.threads = threads;
    outcome.result = codec_open(codec, at, &limits, &decoder, &err);
    if (outcome.result == 0)
        outcome.result = fuzz_run(decoder, data + begin, size - begin, in_step, out_step, &outcome, &err);
    codec_close(decoder);
    fuzz_check_failure(outcome.result, &err);
    CHECK(threads > 1 || outcome.result != -EAGAIN);
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

#endif
