/* Archives to decode, and decoding them; see codec_test.h. */
#include "codec_test.h"

#include "base/cleanup.h"

#define PYTHON_XZ                                                                                            \
    "python3 -c 'import lzma; open(\"sample\",\"wb\").write(lzma.compress(open(\"orig\",\"rb\").read(), "    \
    "preset=6))'"

const struct sample samples[] = {
    {"xz, one block", "xz", "xz -c orig >sample", false, 1},
    {"xz by Python", "xz", PYTHON_XZ, false, 1},
    {"xz, many blocks", "xz", "xz -0 -T2 --block-size=30000 -c orig >sample", false, 13},
    {"xz, blocks without sizes", "xz", "xz -0 --block-list=10000,50000,7,0 -c orig >sample", false, 4},
    {"xz by pixz", "xz", "pixz -t -p 2 -1 -f 0.05 orig sample", false, 2},
    {"xz by pixz, tar", "xz", "tar cf t orig && pixz -p 2 -1 -f 0.05 t sample", false, 2},
    {"xz, streams and padding", "xz",
     "{ head -c 150000 orig | xz -c; head -c 8 /dev/zero; tail -c +150001 orig | xz -C crc32 -c; head -c 4 "
     "/dev/zero; } "
     ">sample",
     false, 2},
    {"xz, streams of blocks", "xz",
     "{ head -c 150000 orig | xz -0 --block-size=20000 -c; printf '' | xz -c; tail -c +150001 orig | xz -C "
     "sha256 "
     "--block-size=90000 -c; } >sample",
     false, 11},
    {"xz with SHA-256", "xz", "xz -0 -C sha256 -c orig >sample", false, 1},
    {"xz without check", "xz", "xz -0 -C none -c orig >sample", true, 1},
    {"xz with filters", "xz", "xz --delta=dist=4 --x86 --lzma2 -c orig >sample", false, 1},
    {"xz of nothing", "xz", "xz -c /dev/null >sample", false, 0},
    {"zstd", "zstd", "zstd -q -3 -c orig >sample", false, 1},
    {"zstd without checksum", "zstd", "zstd -q -3 --no-check -c orig >sample", true, 1},
    {"zstd from a pipe", "zstd", "zstd -q -3 -c <orig >sample", false, 1},
    {"zstd, frames", "zstd",
     "{ head -c 150000 orig | zstd -q -c; tail -c +150001 orig | zstd -q -19 -c; } >sample", false, 2},
    {"zstd, frames with and without checksum", "zstd",
     "{ head -c 150000 orig | zstd -q -c; tail -c +150001 orig | zstd -q --no-check -c; } >sample", true, 2},
    {"zstd by pzstd", "zstd", "pzstd -q -p 2 -c orig >sample", false, 1},
    {"zstd, skippable frames", "zstd",
     "{ printf 'P*M\\030\\003\\0\\0\\0abc'; zstd -q -c orig; printf '_*M\\030\\0\\0\\0\\0'; } >sample", false,
     3},
    {"zstd of nothing", "zstd", "zstd -q -c </dev/null >sample", false, 1},
    {"gzip", "gzip", "gzip -c orig >sample", false, 1},
    {"gzip, members", "gzip",
     "{ head -c 150000 orig | gzip -1 -c; tail -c +150001 orig | gzip -9 -c; } >sample", false, 2},
    {"gzip, zeros behind", "gzip", "{ gzip -c orig; head -c 700 /dev/zero; } >sample", false, 1},
    {"tar", "none", "tar cf sample orig", true, 0},
};
const size_t sample_count = COUNT(samples);

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
}

void outcome_free(struct outcome *outcome)
{
    free(outcome->data);
    free(outcome->points);
}

uint32_t random_below(uint64_t *state, uint32_t bound)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((*state >> 33) % bound);
}

void run_shell(const char *command)
{
    _cleanup_free_ char *line = NULL;
    cr_assert_gt(asprintf(&line, "cd '%s' && set -e && %s", scratch_path("."), command), 0);
    cr_assert_eq(system(line), 0, "%s", command);
}

struct bytes read_whole(const char *name)
{
    struct stat st;
    int fd = open(scratch_path("%s", name), O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0, "%s", name);
    struct bytes bytes = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    cr_assert_eq(read(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
    (void)close(fd);
    return bytes;
}

/* Words, noise and zeros in turn. */
void samples_open(void)
{
    static const char words[][9] = {"archive ", "member  ", "block\n  ", "0123456 ", "-- -- --", "stream, "};
    uint64_t state = 1;
    uint8_t *bytes = malloc(ORIGINAL_SIZE);
    scratch_open();
    for (size_t i = 0; i < ORIGINAL_SIZE; i += 8)
        for (size_t j = 0, kind = i / 10000 % 4, word = random_below(&state, COUNT(words)); j < 8; j++)
            bytes[i + j] = kind == 3   ? 0
                           : kind == 2 ? (uint8_t)random_below(&state, 256)
                                       : (uint8_t)words[word][j];
    scratch_write_bytes("orig", bytes, ORIGINAL_SIZE);
    free(bytes);
}

void sample_make(const struct sample *sample, struct bytes *ret_encoded, struct bytes *ret_decoded)
{
    _cleanup_free_ char *oracle = NULL;
    run_shell(sample->command);
    *ret_encoded = read_whole("sample");
    cr_assert_gt(asprintf(&oracle, "%s <sample >decoded",
                          strcmp(sample->codec, "none") == 0   ? "cat"
                          : strcmp(sample->codec, "xz") == 0   ? "xz -dc"
                          : strcmp(sample->codec, "zstd") == 0 ? "zstd -dcq"
                                                               : "gzip -dc"),
                 0);
    run_shell(oracle);
    *ret_decoded = read_whole("decoded");
}

static void note_point(const struct codec_decoder *decoder, struct outcome *outcome)
{
    struct codec_point point;
    if (!codec_point_here(decoder, &point))
        return;
    if (outcome->point_count % 64 == 0)
        outcome->points = realloc(outcome->points, (outcome->point_count + 64) * sizeof *outcome->points);
    outcome->points[outcome->point_count++] = point;
}

/* A copy of its exact size, so that memory checkers see a read past its end. */
static uint8_t *copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copied = malloc(len ? len : 1);
    if (len > 0)
        memcpy(copied, bytes, len);
    return copied;
}

static int run_piece(struct codec_decoder *decoder, const uint8_t *in, size_t in_len, size_t room,
                     size_t *ret_used, size_t *ret_made, struct outcome *outcome)
{
    _cleanup_free_ uint8_t *input = copy(in, in_len);
    _cleanup_free_ uint8_t *output = malloc(room);
    int result = codec_run(decoder, input, in_len, ret_used, output, room, ret_made, &outcome->err);
    if (result < 0)
        return result;
    cr_assert(*ret_used <= in_len && *ret_made <= room);
    if (outcome->len + *ret_made > outcome->capacity) {
        outcome->capacity = 2 * (outcome->len + *ret_made);
        outcome->data = realloc(outcome->data, outcome->capacity);
    }
    if (*ret_made > 0)
        memcpy(outcome->data + outcome->len, output, *ret_made);
    outcome->len += *ret_made;
    note_point(decoder, outcome);
    return 0;
}

static int run_all(const struct decoding *how, struct codec_decoder *decoder, const uint8_t *encoded,
                   size_t len, struct outcome *outcome)
{
    uint64_t state = how->seed;
    size_t done = how->at ? (size_t)how->at->encoded : 0;
    cr_assert_leq(done, len);
    for (;;) {
        size_t room =
            how->seed ? 1 + random_below(&state, random_below(&state, 2) ? 9 : 30000) : (size_t)1 << 17;
        size_t piece = how->seed ? random_below(&state, random_below(&state, 2) ? 9 : 9000) : SIZE_MAX;
        size_t used = 0;
        size_t made = 0;
        if (piece > len - done)
            piece = len - done;
        int result = run_piece(decoder, encoded + done, piece, room, &used, &made, outcome);
        done += used;
        if (result < 0)
            return result;
        if (how->stop && outcome->len >= how->stop)
            return 0;
        if (done == len && made == 0 && used == 0 && piece == 0)
            return codec_finish(decoder, &outcome->err);
    }
}

void decode(const struct decoding *how, const uint8_t *encoded, size_t len, struct outcome *ret_outcome)
{
    struct codec_decoder *decoder = NULL;
    struct outcome outcome = {0};
    outcome.result = codec_open(codec_by_name(how->codec), how->at,
                                how->limits ? how->limits : &codec_limits_default, &decoder, &outcome.err);
    if (outcome.result == 0)
        outcome.result = run_all(how, decoder, encoded, len, &outcome);
    if (decoder)
        outcome.progress = *codec_progress(decoder);
    codec_close(decoder);
    *ret_outcome = outcome;
}

uint32_t get_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void put_le32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}
