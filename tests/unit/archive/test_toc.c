/* Tables of contents: what is written is read again, in every part. */
#include "toc_test.h"

Test(toc, an_empty_archive_and_nothing_else)
{
    struct toc toc = toc_of(table_of());
    struct toc *again = reread(&toc);
    cr_assert_eq(again->members->member_count, 1);
    cr_assert_eq(again->members->file_count, 1);
    cr_assert(again->complete);
    cr_assert_str_eq(again->etag, "etag-1");
    cr_assert_str_eq(again->codec, "xz");
    cr_assert_str_eq(again->problem, "");
    cr_assert_eq(again->point_count, 0);
    cr_assert_eq(again->chunk_count, 0);
    toc_free(again);
}

Test(toc, all_that_is_said_of_the_archive_comes_back)
{
    struct toc toc = toc_of(table_of());
    toc.object_size = INT64_MAX;
    toc.decoded_size = INT64_MAX;
    toc.has_sha256 = true;
    memset(toc.sha256, 0xab, sizeof toc.sha256);
    toc.complete = false;
    toc.refused = 123456789012;
    (void)snprintf(toc.problem, sizeof toc.problem, "it is no good");
    (void)snprintf(toc.codec, sizeof toc.codec, "fifteenletters9");
    struct toc *again = reread(&toc);
    cr_assert_eq(again->object_size, INT64_MAX);
    cr_assert_eq(again->decoded_size, INT64_MAX);
    cr_assert_arr_eq(again->sha256, toc.sha256, sizeof toc.sha256);
    cr_assert_not(again->complete);
    cr_assert_eq(again->refused, 123456789012);
    cr_assert_str_eq(again->problem, "it is no good");
    cr_assert_str_eq(again->codec, "fifteenletters9");
    toc_free(again);
}

Test(toc, members_come_back_as_they_were)
{
    add_all_kinds();
    struct toc toc = toc_of(table_of());
    struct toc *again = reread(&toc);
    struct strbuf wanted = STRBUF_INIT(65536);
    strbuf_adds(&wanted, names_of(toc.members));
    cr_assert_str_eq(names_of(again->members), strbuf_text(&wanted));
    cr_assert_str_eq(names_of(again->members),
                     "broken!nowhere d// fifo hard=4 s>some target sparse d/empty/ d/f=4");
    for (uint32_t i = 0; i < again->members->member_count; i++) {
        const struct member_file *was = member_file(toc.members, i);
        const struct member_file *is = member_file(again->members, i);
        cr_assert_eq(is->type, was->type);
        cr_assert_eq(is->made, was->made);
        cr_assert_eq(is->sparse, was->sparse);
        cr_assert_eq(is->has_sha256, was->has_sha256);
        cr_assert_eq(is->mode, was->mode);
        cr_assert_eq(is->links, was->links);
        cr_assert_eq(is->count, was->count);
        cr_assert_eq(is->mtime_ns, was->mtime_ns);
        cr_assert_eq(is->offset, was->offset);
        cr_assert_eq(is->size, was->size);
        cr_assert_arr_eq(is->sha256, was->sha256, sizeof is->sha256);
        cr_assert_eq(again->members->members[i].parent, toc.members->members[i].parent);
        cr_assert_eq(again->members->members[i].depth, toc.members->members[i].depth);
    }
    const struct member_file *sparse = file_at(again->members, "sparse");
    cr_assert_eq(memcmp(member_extents(again->members, sparse),
                        member_extents(toc.members, file_at(toc.members, "sparse")),
                        sparse->count * sizeof(struct reader_extent)),
                 0);
    strbuf_done(&wanted);
    toc_free(again);
}

Test(toc, restart_points_and_chunk_hashes_come_back)
{
    struct codec_point points[] = {
        {0, 12, 1, 0, ""}, {100, 12, 2, 3, "abc"}, {100, 50, 1, 0, ""}, {3000000, 999, UINT8_MAX, 1, "d"}};
    struct hash128 chunks[3] = {{"first chunk"}, {"second"}, {"last"}};
    struct toc toc = toc_of(table_of());
    toc.object_size = 1000;
    toc.decoded_size = 2 * TOC_CHUNK_SIZE + 902849;
    toc.points = points;
    toc.point_count = COUNT(points);
    toc.chunks = chunks;
    toc.chunk_count = COUNT(chunks);
    struct toc *again = reread(&toc);
    cr_assert_eq(again->point_count, COUNT(points));
    for (size_t i = 0; i < COUNT(points); i++) {
        cr_assert_eq(again->points[i].decoded, points[i].decoded);
        cr_assert_eq(again->points[i].encoded, points[i].encoded);
        cr_assert_eq(again->points[i].kind, points[i].kind);
        cr_assert_eq(again->points[i].blob_len, points[i].blob_len);
        if (points[i].blob_len)
            cr_assert_arr_eq(again->points[i].blob, points[i].blob, points[i].blob_len);
    }
    cr_assert_arr_eq(again->chunks, chunks, sizeof chunks);
    toc_free(again);
}

Test(toc, a_member_takes_about_a_hundred_bytes)
{
    for (unsigned i = 0; i < 1000; i++) {
        char name[100];
        (void)snprintf(name, sizeof name, "core/base/stage/lib/libsomething-%u.so.%u", i % 300, i);
        add_file(name, "x");
    }
    struct toc toc = toc_of(table_of());
    size_t len;
    unsigned char *bytes = written(&toc, &len);
    cr_assert_leq(len, 100 * 1000 + 600);
    free(bytes);
}

static void assert_unwritable(const struct toc *toc, const char *why)
{
    unsigned char *bytes = NULL;
    size_t len = 77;
    struct error err = {0};
    assert_refused(toc_write(toc, &bytes, &len, &err), EINVAL, &err, why);
    cr_assert_null(bytes);
    cr_assert_eq(len, 77);
}

Test(toc, what_breaks_a_rule_is_not_written)
{
    add_file("f", "hello");
    struct toc good = toc_of(table_of());
    struct toc toc = good;
    toc.etag[0] = '\0';
    assert_unwritable(&toc, "neither SHA-256 nor ETag");
    toc = good;
    toc.codec[0] = '\0';
    assert_unwritable(&toc, "codec");
    toc = good;
    toc.complete = false;
    assert_unwritable(&toc, "does not say why");
    toc = good;
    toc.decoded_size = 516;
    assert_unwritable(&toc, "a file lies behind the end");
    toc = good;
    toc.object_size = 1ULL << 63;
    assert_unwritable(&toc, "size");
    toc = good;
    toc.chunk_count = 2;
    assert_unwritable(&toc, "chunk");
}
