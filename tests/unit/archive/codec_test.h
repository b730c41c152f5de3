/* What the tests of codecs share: archives made by the tools people use, and decoding them in pieces. */
#ifndef RUNFS_TESTS_UNIT_ARCHIVE_CODEC_TEST_H
#define RUNFS_TESTS_UNIT_ARCHIVE_CODEC_TEST_H

#include "archive/codec.h"
#include "testing.h"

struct bytes {
    uint8_t *data; /* owned */
    size_t len;
};

void bytes_free(struct bytes *bytes);

#define _cleanup_bytes_ __attribute__((cleanup(bytes_free)))

/* A way to make an archive: COMMAND, for sh in the scratch directory, writes "sample" from "orig". */
struct sample {
    const char *name;
    const char *codec;
    const char *command;
    bool unchecked;   /* some of it has no check of its own */
    size_t units_min; /* restart points behind units it has at least */
};

extern const struct sample samples[];
extern const size_t sample_count;

/* Fixture: a scratch directory with "orig", SIZE bytes some of which compress well; frees nothing twice. */
#define ORIGINAL_SIZE 400000U
void samples_open(void);

/* Makes a sample and stores its bytes and those it decodes to. */
void sample_make(const struct sample *sample, struct bytes *ret_encoded, struct bytes *ret_decoded);

/* Runs COMMAND with sh in the scratch directory, which must succeed. */
void run_shell(const char *command);

/* A file of the scratch directory as a whole. */
struct bytes read_whole(const char *name);

/* Small and repeatable random numbers, below BOUND. */
uint32_t random_below(uint64_t *state, uint32_t bound);

/* What decoding gave. */
struct outcome {
    int result; /* of the call that failed, or of codec_finish */
    struct error err;
    uint8_t *data; /* owned; from where decoding began */
    size_t len;
    size_t capacity;
    struct codec_progress progress;
    struct codec_point *points; /* owned; each boundary behind the place where decoding began */
    size_t point_count;
};

void outcome_free(struct outcome *outcome);

#define _cleanup_outcome_ __attribute__((cleanup(outcome_free)))

struct decoding {
    const char *codec;
    const struct codec_point *at;      /* NULL: the start */
    const struct codec_limits *limits; /* NULL: the default */
    uint64_t seed;                     /* of random pieces; 0: as much as there is at once */
    size_t stop;                       /* decoded bytes after which to stop without codec_finish; 0: never */
};

/* Decodes all of ENCODED from where HOW says on. */
void decode(const struct decoding *how, const uint8_t *encoded, size_t len, struct outcome *ret_outcome);

/* The 4 bytes at BYTES as a number, and back. */
uint32_t get_le32(const uint8_t *bytes);
void put_le32(uint8_t *bytes, uint32_t value);

#endif
