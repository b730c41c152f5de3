/* The first pass: whole archives in every codec, and what is left of those that are damaged, cut, too large or not wanted. */
#include <openssl/sha.h>

#include "pass_test.h"

#define FILES 40
#define SIZE  150001
#define FRAME (1U << 20)

static const struct wait patient = {.timeout_ms = 1000};
static struct strbuf packed = STRBUF_INIT(SIZE_MAX / 2);
static struct pass_result found;
static struct error err;

/* What the callbacks were told. */
static struct {
    uint64_t chunks;
    bool wrong_chunk;
    unsigned asked;
    unsigned asked_max; /* then the pass is given up; 0: it never is */
    uint64_t encoded;
    uint64_t trusted;
    unsigned members; /* in the pass that began last */
    unsigned begun;
    const char *codec;
    bool too_trusting; /* more was trusted than what ended with whole units */
} told;

static void on_chunk(void *context, uint64_t number, const void *data, size_t len, const struct hash128 *hash)
{
    (void)context;
    size_t at = (size_t)number * TOC_CHUNK_SIZE;
    size_t left = at < stream.len ? stream.len - at : 0;
    size_t n = left < TOC_CHUNK_SIZE ? left : TOC_CHUNK_SIZE;
    told.wrong_chunk =
        told.wrong_chunk || number != told.chunks || memcmp(data, strbuf_text(&stream) + at, n) != 0;
    struct hash128 right = hash128(strbuf_text(&stream) + at, n);
    told.wrong_chunk = told.wrong_chunk || len != n || memcmp(hash, &right, sizeof right) != 0;
    for (size_t i = n; i < TOC_CHUNK_SIZE; i++)
        told.wrong_chunk = told.wrong_chunk || ((const char *)data)[i];
    told.chunks++;
}

static void note_progress(const struct pass *pass)
{
    struct pass_progress progress;
    pass_progress(pass, &progress);
    told.encoded = progress.encoded;
    told.trusted = progress.trusted;
    told.too_trusting = told.too_trusting || progress.trusted > progress.decoded || progress.trusted % FRAME;
}

static void on_begin(void *context, const struct codec *codec)
{
    (void)context;
    told.codec = codec_name(codec);
    told.members = 0;
    told.begun++;
    told.chunks = 0;
}

static void on_member(void *context, const struct tar_member *member)
{
    char name[20];
    (void)context;
    (void)snprintf(name, sizeof name, "f%02u", told.members++);
    cr_assert_str_eq(member->path, name);
    cr_assert_eq(member->size, SIZE);
}

static struct pass_config config = {.etag = "e", .begins = on_begin, .chunk = on_chunk, .member = on_member};

static int pass_over(struct reader *encoded)
{
    struct pass *pass;
    int result = pass_open(&config, encoded, &patient, &pass, &err);
    while (result == 0 && (result = pass_step(pass, &err)) > 0) {
        note_progress(pass);
        result = ++told.asked == told.asked_max ? -ECANCELED : 0;
    }
    if (result == 0)
        result = pass_finish(pass, &found, &err);
    pass_close(pass);
    return result;
}

static int pass(void)
{
    struct bytes_reader reader = bytes_reader(&packed);
    return pass_over(&reader.reader);
}

/* Many files, several chunks. */
static void make_stream(void)
{
    char name[20];
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "f%02d", i);
        add_long_file(name, SIZE);
    }
    add_end();
}

static void done(void)
{
    toc_free(found.toc);
    free(found.bytes);
    strbuf_done(&packed);
    strbuf_done(&stream);
}

TestSuite(pass, .init = make_stream, .fini = done);

static const struct {
    const char *name;
    pack_fn pack;
} codecs[] = {{"xz", pack_xz}, {"zstd", pack_zstd}, {"gzip", pack_gzip}, {"none", pack_none}};

/* As one unit and as many. */
Test(pass, a_whole_archive_of_any_codec_gives_a_complete_table)
{
    for (size_t i = 0; i < 2 * COUNT(codecs); i++) {
        memset(&told, 0, sizeof told);
        strbuf_clear(&packed);
        pack_stream(&packed, codecs[i / 2].pack, i % 2 ? 1U << 20 : stream.len);
        assert_ok(pass(), &err);
        cr_assert_str_eq(found.toc->codec, codecs[i / 2].name);
        cr_assert(found.toc->complete);
        cr_assert_str_eq(found.toc->problem, "");
        cr_assert_str_eq(found.toc->etag, "e");
        cr_assert_eq(found.toc->members->member_count, FILES + 1);
        cr_assert_eq(found.toc->object_size, packed.len);
        cr_assert_eq(found.toc->decoded_size, stream.len);
        cr_assert(found.toc->has_sha256);
        unsigned char digest[SHA256_DIGEST_LENGTH];
        SHA256((const unsigned char *)strbuf_text(&packed), packed.len, digest);
        cr_assert_arr_eq(found.toc->sha256, digest, sizeof digest);
        cr_assert_eq(found.toc->chunk_count, (stream.len + TOC_CHUNK_SIZE - 1) / TOC_CHUNK_SIZE);
        bool direct = codecs[i / 2].pack == pack_none;
        cr_assert_eq(told.chunks, direct ? 0 : found.toc->chunk_count, "%s", codecs[i / 2].name);
        cr_assert_not(told.wrong_chunk);
        if (i % 2 && !direct)
            cr_assert_geq(found.toc->point_count, 4, "%u", found.toc->point_count);
        cr_assert_eq(told.encoded, packed.len);
        cr_assert_geq(told.asked, 1);
        toc_free(found.toc);
        free(found.bytes);
        found = (struct pass_result){0};
    }
}

Test(pass, the_bytes_are_the_table)
{
    struct toc *again;
    pack_stream(&packed, pack_zstd, stream.len);
    assert_ok(pass(), &err);
    assert_ok(toc_read(found.bytes, found.len, &again, &err), &err);
    cr_assert_eq(again->members->member_count, FILES + 1);
    cr_assert_eq(again->chunk_count, found.toc->chunk_count);
    toc_free(again);
}

/* Everything that is listed lies before the damage. */
static void check_part(const char *why)
{
    assert_ok(pass(), &err);
    cr_assert_not(found.toc->complete);
    cr_assert(strstr(found.toc->problem, why), "%s", found.toc->problem);
    cr_assert_gt(found.toc->members->member_count, 10);
    cr_assert_lt(found.toc->members->member_count, FILES - 5);
    cr_assert_lt(found.toc->decoded_size, stream.len);
    for (uint32_t i = 1; i < found.toc->members->member_count; i++) {
        const struct member_file *file = member_file(found.toc->members, i);
        cr_assert_leq(file->offset + file->size, found.toc->decoded_size);
        cr_assert(file->has_sha256);
    }
}

Test(pass, damage_in_the_middle_of_many_units_leaves_those_before)
{
    for (size_t i = 0; i + 1 < COUNT(codecs); i++) { /* a plain tar has no checks */
        strbuf_clear(&packed);
        pack_stream(&packed, codecs[i].pack, 300000);
        for (size_t at = packed.len / 2; at < packed.len / 2 + 30; at++)
            packed.data[at] ^= 0x5a;
        check_part(codecs[i].name);
        toc_free(found.toc);
        free(found.bytes);
        found = (struct pass_result){0};
    }
}

Test(pass, an_archive_of_many_units_that_is_cut_keeps_the_whole_ones)
{
    for (size_t i = 0; i + 1 < COUNT(codecs); i++) {
        strbuf_clear(&packed);
        pack_stream(&packed, codecs[i].pack, 300000);
        packed.len = packed.len / 2;
        check_part("ends");
        toc_free(found.toc);
        free(found.bytes);
        found = (struct pass_result){0};
    }
}

Test(pass, a_tar_that_is_cut_keeps_the_whole_members)
{
    pack_stream(&packed, pack_none, stream.len);
    packed.len = packed.len / 2 - packed.len / 2 % 512 + 100;
    check_part("ends");
}

Test(pass, an_incomplete_table_needs_no_etag_where_the_hash_is_known)
{
    config.etag = "";
    pack_stream(&packed, pack_none, stream.len);
    packed.len = packed.len / 2;
    check_part("ends");
}

Test(pass, damage_in_a_single_unit_leaves_nothing)
{
    for (size_t i = 0; i + 1 < COUNT(codecs); i++) {
        strbuf_clear(&packed);
        pack_stream(&packed, codecs[i].pack, stream.len);
        packed.data[packed.len / 2] ^= 1;
        cr_assert_eq(pass(), -EBADMSG, "%s", codecs[i].name);
        cr_assert(strstr(err.message, codecs[i].name), "%s", err.message);
        packed.data[packed.len / 2] ^= 1;
        packed.len = packed.len * 3 / 4;
        cr_assert_eq(pass(), -EBADMSG, "%s", codecs[i].name);
        cr_assert_null(found.toc);
    }
}

Test(pass, an_object_that_is_not_what_its_sha256_says_gives_nothing)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    pack_stream(&packed, pack_xz, stream.len);
    SHA256((const unsigned char *)strbuf_text(&packed), packed.len, digest);
    config.sha256 = digest;
    assert_ok(pass(), &err);
    toc_free(found.toc);
    free(found.bytes);
    found = (struct pass_result){0};
    digest[31] ^= 1;
    assert_refused(pass(), EBADMSG, &err, ".sha256sum");
    cr_assert_null(found.toc);
}

Test(pass, what_is_no_archive_is_refused)
{
    strbuf_adds(&packed, "this is no archive");
    assert_refused(pass(), EBADMSG, &err, "not an archive");
    strbuf_clear(&packed);
    assert_refused(pass(), EBADMSG, &err, "not an archive");
}

Test(pass, something_else_that_is_compressed_is_an_archive_without_members)
{
    stream.len = 0;
    strbuf_adds(&stream, "this is no tar, but compressed as one");
    pack_stream(&packed, pack_gzip, stream.len);
    assert_ok(pass(), &err);
    cr_assert_eq(found.toc->members->member_count, 1);
    cr_assert_not(found.toc->complete);
    cr_assert_str_neq(found.toc->problem, "");
}

Test(pass, beyond_a_limit_of_decoding_there_is_what_was_read)
{
    struct codec_limits limits = codec_limits_default;
    limits.decoded_max = 3000000;
    config.codec = &limits;
    pack_stream(&packed, pack_zstd, stream.len);
    check_part("3000000");
    limits.decoded_max = UINT64_MAX;
    limits.ratio_from = 3000000;
    limits.ratio_max = 1;
    toc_free(found.toc);
    free(found.bytes);
    check_part("zstd");
}

Test(pass, beyond_a_limit_of_members_there_are_those_before)
{
    struct tar_limits limits = TAR_LIMITS;
    limits.members = 20;
    config.tar = &limits;
    pack_stream(&packed, pack_xz, 1U << 20);
    assert_ok(pass(), &err);
    cr_assert_not(found.toc->complete);
    cr_assert_leq(found.toc->members->member_count, 21);
    cr_assert_geq(found.toc->members->member_count, 15);
    cr_assert_str_neq(found.toc->problem, "");
}

Test(pass, who_does_not_want_it_any_more_ends_it)
{
    pack_stream(&packed, pack_none, stream.len);
    told.asked_max = 3;
    cr_assert_eq(pass(), -ECANCELED);
    cr_assert_eq(told.asked, 3);
    cr_assert_null(found.toc);
}

/* Wherever a pass ends before its time, the chunks that it has handed on are whole. */
Test(pass, a_chunk_that_is_cut_short_is_not_handed_on)
{
    for (size_t i = 0; i < COUNT(codecs); i++) {
        strbuf_clear(&packed);
        pack_stream(&packed, codecs[i].pack, 300000);
        struct bytes_reader reader = bytes_reader(&packed);
        reader.failure = -ETIMEDOUT;
        for (unsigned part = 1; part < 8; part++) {
            memset(&told, 0, sizeof told);
            reader.fail_at = packed.len / 8 * part;
            cr_assert_eq(pass_over(&reader.reader), -ETIMEDOUT);
            cr_assert_not(told.wrong_chunk, "%s, reading fails at %u of 8", codecs[i].name, part);
        }
        for (unsigned asked = 1; asked < 4; asked++) {
            memset(&told, 0, sizeof told);
            told.asked_max = asked;
            if (pass() == 0) { /* the archive is shorter */
                toc_free(found.toc);
                free(found.bytes);
                found = (struct pass_result){0};
            }
            cr_assert_not(told.wrong_chunk, "%s, cancelled at %u", codecs[i].name, asked);
        }
    }
}

Test(pass, failures_of_reading_are_told_as_they_are)
{
    static const int failures[] = {-ESTALE, -EACCES, -ETIMEDOUT, -EIO, -EINTR};
    pack_stream(&packed, pack_xz, 100000);
    for (size_t i = 0; i < 2 * COUNT(failures); i++) {
        struct bytes_reader reader = bytes_reader(&packed);
        reader.failure = failures[i / 2];
        reader.fail_at = i % 2 ? packed.len - 10 : 0;
        assert_refused(pass_over(&reader.reader), -failures[i / 2], &err, "the reader failed");
        cr_assert_null(found.toc);
    }
}

/* Encoded bytes are taken in larger pieces than one: the last of them tells of the last unit but one at least. */
Test(pass, what_is_found_is_told_on_the_way_and_trusted_unit_by_unit)
{
    for (size_t i = 0; i < COUNT(codecs); i++) {
        bool direct = codecs[i].pack == pack_none;
        memset(&told, 0, sizeof told);
        strbuf_clear(&packed);
        pack_stream(&packed, codecs[i].pack, FRAME);
        assert_ok(pass(), &err);
        cr_assert_str_eq(told.codec, codecs[i].name);
        cr_assert_eq(told.begun, 1);
        cr_assert_eq(told.members, FILES);
        cr_assert_geq(told.trusted, direct ? stream.len : (stream.len / FRAME) * FRAME, "%s", codecs[i].name);
        toc_free(found.toc);
        free(found.bytes);
    }
    found = (struct pass_result){0};
}

Test(pass, within_a_unit_that_has_a_check_nothing_is_trusted)
{
    pack_stream(&packed, pack_xz, FRAME);
    packed.len -= 100; /* the last one is cut */
    told.asked_max = 0;
    (void)pass();
    cr_assert_not(told.too_trusting);
    cr_assert_eq(told.begun, 2, "a second pass goes to the damage only");
    cr_assert_lt(told.members, FILES);
}

/* Passes without threads and with them find the same; *RET_BEGUN is how many the latter took. */
static void compare_threads(unsigned *ret_begun)
{
    assert_ok(pass(), &err);
    struct pass_result one = found;
    memset(&told, 0, sizeof told);
    config.threads = 3;
    assert_ok(pass(), &err);
    config.threads = 1;
    cr_assert(!told.wrong_chunk || !found.toc->complete);
    *ret_begun = told.begun;
    cr_assert_eq(found.toc->complete, one.toc->complete);
    cr_assert_str_eq(found.toc->problem, one.toc->problem);
    cr_assert_eq(found.toc->decoded_size, one.toc->decoded_size);
    cr_assert_eq(found.toc->members->member_count, one.toc->members->member_count);
    cr_assert_eq(found.toc->point_count, one.toc->point_count);
    for (uint32_t i = 0; i < one.toc->point_count; i++)
        cr_assert_eq(found.toc->points[i].decoded, one.toc->points[i].decoded);
    toc_free(one.toc);
    free(one.bytes);
    toc_free(found.toc);
    free(found.bytes);
    found = (struct pass_result){0};
}

/* Smaller archives are decoded by one thread. */
static void make_noise(void)
{
    static unsigned char noise[SIZE];
    uint32_t state = 1;
    strbuf_clear(&stream);
    for (int i = 0; i < FILES; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "f%02d", i);
        struct tar_header header = header_of('0', name, SIZE);
        for (size_t j = 0; j < SIZE; j++) {
            state = state * 1664525 + 1013904223;
            noise[j] = (unsigned char)(state >> 24);
        }
        add_header(&header);
        add_content(noise, SIZE);
    }
    add_end();
}

Test(pass, threads_find_what_one_finds)
{
    unsigned begun;
    make_noise();
    pack_stream(&packed, pack_xz, FRAME);
    compare_threads(&begun);
    cr_assert_eq(begun, 1);
    strbuf_clear(&packed);
    pack_stream(&packed, pack_xz, 300000);
    for (size_t at = packed.len / 2; at < packed.len / 2 + 30; at++)
        packed.data[at] ^= 0x5a;
    compare_threads(&begun);
    cr_assert_eq(begun, 3, "%u: with threads, to the damage, up to there", begun);
    packed.len /= 2;
    compare_threads(&begun);
}
