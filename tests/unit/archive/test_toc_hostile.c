/* Tables of contents that an enemy made: each rule of the format, broken, with the checksum made right again. */
#include "toc_test.h"

static unsigned char *bytes;
static size_t len;

/* A table of all kinds of members, points and chunks, to be spoilt. */
static void make_table(void)
{
    struct codec_point points[] = {{0, 5, 1, 2, "ab"}, {512, 90, 1, 3, "cde"}};
    struct hash128 chunks[1] = {{"hash"}};
    add_all_kinds();
    struct toc toc = toc_of(table_of());
    toc.object_size = 100;
    toc.points = points;
    toc.point_count = COUNT(points);
    toc.chunks = chunks;
    toc.chunk_count = COUNT(chunks);
    (void)snprintf(toc.problem, sizeof toc.problem, "a problem");
    bytes = written(&toc, &len);
}

TestSuite(toc_hostile, .init = make_table);

static void sum(void)
{
    struct hash128 hash = hash128(bytes, len - TOC_HASH_SIZE);
    memcpy(bytes + len - TOC_HASH_SIZE, hash.bytes, sizeof hash);
}

/* Reads a copy of exactly N bytes, so that a read past them is seen. */
static int read_copy(size_t n, struct error *err)
{
    struct toc *toc = NULL;
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    int result = toc_read(copy, n, &toc, err);
    free(copy);
    cr_assert((result == 0) == (toc != NULL));
    toc_free(toc);
    return result;
}

/* Where the record NUMBER of a section is. */
static unsigned char *record(enum toc_section section, size_t number)
{
    size_t at = TOC_HEADER_SIZE;
    for (unsigned i = 0; i < section; i++)
        at += get_le(bytes + TOC_AT_LENGTHS + (size_t)4 * i, 4) * toc_record_size[i];
    return bytes + at + number * toc_record_size[section];
}

/* With SIZE bytes of VALUE at a place, the table is refused for a reason that has WHY in it. */
static void spoil(unsigned char *at, uint64_t value, size_t size, const char *why)
{
    struct error err = {0};
    unsigned char kept[8];
    memcpy(kept, at, size);
    put_le(at, value, size);
    sum();
    assert_refused(read_copy(len, &err), EINVAL, &err, why);
    memcpy(at, kept, size);
    sum();
    assert_ok(read_copy(len, &err), &err);
}

Test(toc_hostile, a_cut_table_is_refused)
{
    struct error err = {0};
    for (size_t n = 0; n < len; n++)
        assert_refused(read_copy(n, &err), EINVAL, &err, "table of contents: ");
    assert_ok(read_copy(len, &err), &err);
}

Test(toc_hostile, a_flipped_bit_is_noticed)
{
    struct error err = {0};
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_refused(read_copy(len, &err), EINVAL, &err, "table of contents: ");
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

/* Where an enemy makes the checksum right, a wrong table is refused or reads as what it says; nothing else happens. */
Test(toc_hostile, any_byte_may_be_any_other)
{
    static const unsigned char values[] = {0, 1, 2, 0x2e, 0x2f, 0x7f, 0x80, 0xff};
    struct error err = {0};
    for (size_t at = 0; at < len - TOC_HASH_SIZE; at++) {
        unsigned char kept = bytes[at];
        for (size_t i = 0; i < COUNT(values); i++) {
            bytes[at] = values[i];
            sum();
            (void)read_copy(len, &err);
        }
        bytes[at] = kept;
    }
}

Test(toc_hostile, the_header_is_checked)
{
    spoil(bytes, 'X', 1, "bad magic");
    spoil(bytes + TOC_AT_VERSION, 2, 4, "its version is unknown");
    spoil(bytes + TOC_AT_FLAGS, 5, 4, "unknown flags");
    spoil(bytes + TOC_AT_LENGTH, len + 1, 8, "its length is not what it says");
    spoil(bytes + TOC_AT_OBJECT_SIZE, 1ULL << 63, 8, "a size makes no sense");
    spoil(bytes + TOC_AT_OBJECT_SIZE, 89, 8, "a restart point lies behind the end");
    spoil(bytes + TOC_AT_DECODED_SIZE, UINT64_MAX, 8, "a size makes no sense");
    spoil(bytes + TOC_AT_DECODED_SIZE, 600, 8, "a file lies behind the end");
    spoil(bytes + TOC_AT_DECODED_SIZE, 511, 8, "a restart point lies behind the end");
    spoil(bytes + TOC_AT_SHA256, 1, 1, "a SHA-256 that is not known");
    spoil(bytes + TOC_AT_CODEC, 0, 2, "the codec's name is invalid");
    spoil(bytes + TOC_AT_CODEC, 'X', 1, "the codec's name is invalid");
    spoil(bytes + TOC_AT_CODEC + 5, 'x', 1, "the codec's name is invalid");
}

Test(toc_hostile, lengths_that_lie_are_noticed)
{
    for (unsigned i = 0; i < TOC_SECTIONS; i++) {
        unsigned char *at = bytes + TOC_AT_LENGTHS + (size_t)4 * i;
        uint64_t count = get_le(at, 4);
        spoil(at, UINT32_MAX, 4, "too short");
        spoil(at, count + 1, 4, "");
        spoil(at, count - 1, 4, "");
        spoil(at, 0, 4, "");
    }
    /* one section's loss may be another's gain: no ETag, a longer problem */
    uint64_t both = get_le(bytes + TOC_AT_LENGTHS, 4) + get_le(bytes + TOC_AT_LENGTHS + 4, 4);
    spoil(bytes + TOC_AT_LENGTHS, both << 32, 8, "neither");
}

Test(toc_hostile, texts_have_no_controls)
{
    spoil(record(TOC_ETAG, 1), '\n', 1, "control characters");
    spoil(record(TOC_ETAG, 1), 0, 1, "NUL byte");
    spoil(record(TOC_PROBLEM, 0), 0x7f, 1, "control characters");
}

/* The names of the table, in order: broken d fifo hard s sparse empty f. */
Test(toc_hostile, names_are_components_in_order)
{
    unsigned char *names = record(TOC_NAMES, 0);
    spoil(names, '/', 1, "slash");
    spoil(names, 0, 1, "NUL byte");
    spoil(names + 6, '.', 1, "'.' or '..'");
    spoil(names + 6, 'a', 1, "entries are out of order");
    spoil(names, 'e', 1, "entries are out of order");
    spoil(record(TOC_MEMBERS, 0) + 4, 1, 1, "its root has a name");
    spoil(record(TOC_MEMBERS, 1) + 4, 0, 1, "empty component");
    spoil(record(TOC_MEMBERS, 1) + 4, 200, 1, "a name lies behind the end");
    spoil(record(TOC_MEMBERS, 1) + 4, 5, 1, "unreferenced names");
    memcpy(names + 7, "d/../", 5);
    sum();
    struct error err = {0};
    assert_refused(read_copy(len, &err), EINVAL, &err, "slash");
}

Test(toc_hostile, files_are_numbered_as_they_come)
{
    spoil(record(TOC_MEMBERS, 0), 1, 4, "files are out of order");
    spoil(record(TOC_MEMBERS, 1), 2, 4, "files are out of order");
    spoil(record(TOC_MEMBERS, 1), UINT32_MAX, 4, "files are out of order");
    spoil(record(TOC_MEMBERS, 3), 2, 4, "a directory has several names");
    spoil(record(TOC_MEMBERS, 2), 1, 4, "");
}

static unsigned char *file_field(size_t file, size_t field)
{
    return record(TOC_FILES, file) + field;
}

/* The files: 0 the root, 1 broken, 2 d, 3 fifo, 4 hard and f, 5 s, 6 sparse, 7 empty. */
Test(toc_hostile, files_are_checked)
{
    spoil(file_field(4, 0), MEMBER_TYPES, 1, "unknown");
    spoil(file_field(4, TOC_FILE_AT_FLAGS), 8, 1, "unknown");
    spoil(file_field(4, TOC_FILE_AT_FLAGS), TOC_FILE_HAS_SHA256 | TOC_FILE_MADE, 1, "no directory was made");
    spoil(file_field(4, TOC_FILE_AT_FLAGS), 0, 1, "a SHA-256 that is not known");
    spoil(file_field(4, TOC_FILE_AT_MODE), 010000, 2, "a mode makes no sense");
    spoil(file_field(4, TOC_FILE_AT_COUNT), 1, 4, "a count has no meaning");
    spoil(file_field(4, TOC_FILE_AT_SIZE), 1ULL << 63, 8, "a size makes no sense");
    spoil(file_field(4, TOC_FILE_AT_SIZE), INT64_MAX, 8, "a file lies behind the end");
    spoil(file_field(4, TOC_FILE_AT_OFFSET), UINT64_MAX, 8, "a file lies behind the end");
    spoil(file_field(4, TOC_FILE_AT_OFFSET), stream.len - 4, 8, "a file lies behind the end");
    spoil(file_field(3, TOC_FILE_AT_SIZE), 1, 8, "what is no file has content");
    spoil(file_field(3, TOC_FILE_AT_OFFSET), stream.len + 1, 8, "a file lies behind the end");
    spoil(file_field(3, TOC_FILE_AT_FLAGS), TOC_FILE_HAS_SHA256, 1, "what is no file has content");
    spoil(file_field(3, TOC_FILE_AT_FLAGS), TOC_FILE_SPARSE, 1, "");
    spoil(file_field(3, TOC_FILE_AT_COUNT), 1, 4, "a count has no meaning");
}

Test(toc_hostile, directories_are_one_tree)
{
    spoil(file_field(0, TOC_FILE_AT_COUNT), UINT32_MAX, 4, "an entry lies behind the end");
    spoil(file_field(0, TOC_FILE_AT_COUNT), 5, 4, "");
    spoil(file_field(2, TOC_FILE_AT_COUNT), 3, 4, "an entry lies behind the end");
    spoil(file_field(2, TOC_FILE_AT_COUNT), 1, 4, "a member is in no directory");
    spoil(file_field(2, TOC_FILE_AT_COUNT), 0, 4, "a member is in no directory");
    spoil(file_field(7, TOC_FILE_AT_COUNT), 1, 4, "an entry lies behind the end");
    spoil(file_field(0, 0), MEMBER_FILE, 1, "");
}

Test(toc_hostile, links_are_checked)
{
    spoil(file_field(1, TOC_FILE_AT_COUNT), 0, 4, "a link target is too short");
    spoil(file_field(1, TOC_FILE_AT_COUNT), 1000, 4, "a link target or sparse map lies behind the end");
    spoil(file_field(5, TOC_FILE_AT_COUNT), 3, 4, "unreferenced");
    spoil(record(TOC_LINKS, 2), 0, 1, "a link target has a NUL byte");
    spoil(file_field(5, 0), MEMBER_FIFO, 1, "a count has no meaning");
}

Test(toc_hostile, sparse_maps_are_checked)
{
    spoil(record(TOC_EXTENTS, 0) + 8, 0, 8, "a sparse map makes no sense");
    spoil(record(TOC_EXTENTS, 0) + 8, UINT64_MAX, 8, "a sparse map makes no sense");
    spoil(record(TOC_EXTENTS, 0), 5, 8, "a sparse map makes no sense");
    spoil(record(TOC_EXTENTS, 1), UINT64_MAX, 8, "a sparse map makes no sense");
    spoil(record(TOC_EXTENTS, 2), 99, 8, "a sparse map makes no sense");
    spoil(file_field(6, TOC_FILE_AT_SIZE), 99, 8, "a sparse map makes no sense");
    spoil(file_field(6, TOC_FILE_AT_COUNT), 4, 4, "lies behind the end");
    spoil(file_field(6, TOC_FILE_AT_COUNT), 2, 4, "unreferenced");
    spoil(file_field(6, TOC_FILE_AT_OFFSET), stream.len - 3, 8, "a file lies behind the end");
    spoil(file_field(6, TOC_FILE_AT_FLAGS), TOC_FILE_HAS_SHA256, 1, "a count has no meaning");
}

Test(toc_hostile, restart_points_are_checked)
{
    spoil(record(TOC_POINTS, 0), 513, 8, "restart points are out of order");
    spoil(record(TOC_POINTS, 0) + 8, 91, 8, "restart points are out of order");
    spoil(record(TOC_POINTS, 1), stream.len + 1, 8, "a restart point lies behind the end");
    spoil(record(TOC_POINTS, 1) + 8, 101, 8, "a restart point lies behind the end");
    spoil(record(TOC_POINTS, 0) + 20, 6, 4, "a restart point lies behind the end");
    spoil(record(TOC_POINTS, 0) + 20, UINT32_MAX, 4, "a restart point lies behind the end");
    spoil(record(TOC_POINTS, 0) + 20, 1, 4, "unreferenced blobs");
    spoil(record(TOC_POINTS, 0) + 16, UINT8_MAX + 1, 4, "a restart point is too large");
}

/* Chains of directories, each the only entry of the one before. */
static int read_chain(unsigned depth, struct error *err)
{
    size_t chain_len =
        TOC_HEADER_SIZE + 1 + (size_t)(depth + 1) * (TOC_MEMBER_SIZE + TOC_FILE_SIZE) + depth + TOC_HASH_SIZE;
    unsigned char *chain = calloc(1, chain_len);
    unsigned char *at = chain + TOC_HEADER_SIZE;
    memcpy(chain, bytes, TOC_HEADER_SIZE);
    put_le(chain + TOC_AT_LENGTH, chain_len, 8);
    for (unsigned i = 0; i < TOC_SECTIONS; i++)
        put_le(chain + TOC_AT_LENGTHS + (size_t)4 * i, 0, 4);
    put_le(chain + TOC_AT_LENGTHS + (size_t)4 * TOC_ETAG, 1, 4);
    put_le(chain + TOC_AT_LENGTHS + (size_t)4 * TOC_MEMBERS, depth + 1, 4);
    put_le(chain + TOC_AT_LENGTHS + (size_t)4 * TOC_NAMES, depth, 4);
    put_le(chain + TOC_AT_LENGTHS + (size_t)4 * TOC_FILES, depth + 1, 4);
    *at++ = 'e';
    for (unsigned i = 0; i <= depth; i++, at += TOC_MEMBER_SIZE) {
        put_le(at, i, 4);
        at[4] = i > 0;
    }
    memset(at, 'd', depth);
    at += depth;
    for (unsigned i = 0; i <= depth; i++, at += TOC_FILE_SIZE)
        put_le(at + TOC_FILE_AT_COUNT, i < depth, 4);
    free(bytes);
    bytes = chain;
    len = chain_len;
    sum();
    return read_copy(len, err);
}

Test(toc_hostile, depth_has_a_limit)
{
    struct error err = {0};
    assert_ok(read_chain(TAR_DEPTH_MAX, &err), &err);
    assert_refused(read_chain(TAR_DEPTH_MAX + 1, &err), EINVAL, &err, "too many components");
    assert_refused(read_chain(70000, &err), EINVAL, &err, "too many components");
}
