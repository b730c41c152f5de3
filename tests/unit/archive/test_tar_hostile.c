/* Streams made to hurt: each ends with an error or a refusal, in bounded time and memory. */
#include <sys/resource.h>
#include <time.h>

#include "archive_test.h"

#define T "1500000000.000000000"

/* What a callback of nothing does. */
static uint64_t counted;

static int count_begin(void *context, const struct tar_member *member, struct error *err)
{
    (void)context;
    (void)member;
    (void)err;
    counted++;
    return 0;
}

static int ignore_data(void *context, const struct tar_member *member, const void *bytes, size_t len,
                       struct error *err)
{
    (void)context;
    (void)member;
    (void)bytes;
    (void)len;
    (void)err;
    return 0;
}

static int ignore_end(void *context, const struct tar_member *member, struct error *err)
{
    (void)context;
    (void)member;
    (void)err;
    return 0;
}

static void count_refused(void *context, const char *name, const char *why)
{
    (void)context;
    (void)name;
    (void)why;
    counted++;
}

static const struct tar_handler counting = {count_begin, ignore_data, ignore_end, count_refused};

static struct tar *new_reader(const struct tar_limits *limits)
{
    struct tar *tar;
    struct error err;
    assert_ok(tar_new(limits, &counting, NULL, &tar, &err), &err);
    return tar;
}

/* Megabytes that the process has had at most. */
static long peak_megabytes(void)
{
    struct rusage usage;
    cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss / 1024;
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* A base-256 size field. */
static void set_size(struct tar_header *header, uint64_t high, uint64_t low)
{
    header->size[0] = (unsigned char)(0x80 | high >> 24);
    for (unsigned i = 1; i < 4; i++)
        header->size[i] = (unsigned char)(high >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        header->size[4 + i] = (unsigned char)(low >> (56 - 8 * i));
    sum_header(header);
}

Test(tar_hostile, a_long_name_of_a_gigabyte_is_skipped_not_kept)
{
    static const char block[1U << 20] = "name";
    struct tar *tar = new_reader(NULL);
    struct error err;
    struct tar_header header = header_of('L', "././@LongLink", 1U << 30);
    long before = peak_megabytes();
    assert_ok(tar_feed(tar, &header, sizeof header, &err), &err);
    for (unsigned i = 0; i < 1024; i++)
        assert_ok(tar_feed(tar, block, sizeof block, &err), &err);
    cr_assert_leq(peak_megabytes() - before, 8);
    add_file("after", "");
    add_file("last", "");
    assert_ok(tar_feed(tar, stream.data, stream.len, &err), &err);
    cr_assert_eq(counted, 2);
    tar_free(tar);
}

Test(tar_hostile, a_member_with_too_long_a_name_is_refused_alone)
{
    char *name = malloc(TAR_NAME_MAX + 2);
    memset(name, 'n', TAR_NAME_MAX + 2);
    add_meta('L', name, TAR_NAME_MAX + 2);
    add_file("a", "x");
    add_meta('K', name, TAR_NAME_MAX + 2);
    add_link('2', "b", "t");
    add_meta('K', name, TAR_NAME_MAX + 2);
    add_file("c", "");
    free(name);
    assert_reading("refused a: its name is too long\nrefused b: its link target is too long\n"
                   "file c 644 " T " 0\nend\n");
}

Test(tar_hostile, a_pax_header_has_a_limit)
{
    struct tar_header header = header_of('x', "pax", TAR_PAX_MAX + 1);
    add_header(&header);
    assert_reading("error E2BIG: tar header at 0: a pax header of more than 1048576 bytes\n");
}

Test(tar_hostile, sizes_that_overflow_or_are_negative_end_the_reading)
{
    static const uint64_t sizes[][2] = {
        {0, 1ULL << 63}, {0, UINT64_MAX},      {1, 0},          {0x7fffffff, UINT64_MAX},
        {0, INT64_MAX},  {0, INT64_MAX - 512}, {0x3fffffff, 0}, {0x40000000, 0},
    };
    static const char types[] = "0SxLDAq";
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (const char *type = types; *type; type++) {
            struct tar_header header = header_of(*type, "f", 0);
            set_size(&header, sizes[i][0], sizes[i][1]);
            strbuf_clear(&stream);
            add_header(&header);
            add_file("after", "");
            const char *said = reading();
            cr_assert(strstr(said, "error "), "%zu %c: %s", i, *type, said);
            cr_assert_not(strstr(said, "after"), "%zu %c: %s", i, *type, said);
        }
}

Test(tar_hostile, a_number_that_is_none_ends_the_reading_or_refuses)
{
    struct tar_header header = header_of('0', "f", 0);
    memcpy(header.size, "12x", 3);
    sum_header(&header);
    add_header(&header);
    assert_reading("error EBADMSG: tar header at 0: its size makes no sense\n");
    strbuf_clear(&stream);
    header = header_of('0', "f", 0);
    memcpy(header.mode, "rw-", 3);
    sum_header(&header);
    add_header(&header);
    header = header_of('0', "g", 0);
    memcpy(header.mtime, "now", 3);
    sum_header(&header);
    add_header(&header);
    assert_reading("refused f: its mode is invalid\nrefused g: its mtime is invalid\nend\n");
}

Test(tar_hostile, every_bit_of_a_header_counts)
{
    add_file("first", "x");
    size_t at = stream.len;
    add_file("dir/second", "hello");
    add_end();
    char *wanted = read_stream(stream.len, 4096);
    size_t first_len = (size_t)(strchr(wanted, '\n') - wanted) + 1;
    for (size_t bit = 0; bit < TAR_BLOCK_SIZE * 8; bit++) {
        stream.data[at + bit / 8] ^= (char)(1 << bit % 8);
        char *said = read_stream(stream.len, 4096);
        /* how the checksum itself is written is the writer's choice, as far as it is right */
        bool in_checksum = bit / 8 >= 148 && bit / 8 < 156;
        cr_assert_eq(strncmp(said, wanted, first_len), 0, "bit %zu: %s", bit, said);
        cr_assert(strcmp(said + first_len, "error EBADMSG: tar header at 1024: its checksum is wrong\n") ==
                          0 ||
                      (in_checksum && strcmp(said, wanted) == 0),
                  "bit %zu: %s", bit, said);
        free(said);
        stream.data[at + bit / 8] ^= (char)(1 << bit % 8);
    }
    free(wanted);
}

Test(tar_hostile, members_have_a_limit)
{
    struct tar_limits limits = {.members = 1000, .name_bytes = 1U << 20};
    struct tar *tar = new_reader(&limits);
    struct tar_header good = header_of('0', "f", 0);
    struct tar_header bad = header_of('0', "../f", 0);
    struct error err = {0};
    for (unsigned i = 0; i < 500; i++) {
        assert_ok(tar_feed(tar, &good, sizeof good, &err), &err);
        assert_ok(tar_feed(tar, &bad, sizeof bad, &err), &err);
    }
    assert_refused(tar_feed(tar, &good, sizeof good, &err), E2BIG, &err, "more than 1000 members");
    cr_assert_eq(counted, 1000);
    tar_free(tar);
}

Test(tar_hostile, names_have_a_limit_in_all)
{
    struct tar_limits limits = {.members = 1000, .name_bytes = 1000};
    struct tar *tar = new_reader(&limits);
    struct tar_header header = header_of('2', "name", 0);
    struct error err = {0};
    memset(header.link, 't', 96);
    sum_header(&header);
    for (unsigned i = 0; i < 10; i++)
        assert_ok(tar_feed(tar, &header, sizeof header, &err), &err);
    assert_refused(tar_feed(tar, &header, sizeof header, &err), E2BIG, &err, "names of more than 1000 bytes");
    tar_free(tar);
}

Test(tar_hostile, the_limits_of_the_sparse_map_hold_in_the_old_form_too)
{
    struct tar *tar = new_reader(NULL);
    struct tar_header header = header_of('S', "s", 0);
    struct tar_extension extension = {.extended = 1};
    struct error err;
    header.tail.old.extended = 1;
    sum_header(&header);
    for (unsigned i = 0; i < 21; i++)
        extension.extents[i].offset[0] = '0';
    assert_ok(tar_feed(tar, &header, sizeof header, &err), &err);
    for (unsigned i = 0; i < TAR_EXTENTS_MAX / 21 + 100; i++)
        assert_ok(tar_feed(tar, &extension, sizeof extension, &err), &err);
    cr_assert_eq(counted, 0);
    extension.extended = 0;
    assert_ok(tar_feed(tar, &extension, sizeof extension, &err), &err);
    cr_assert_eq(counted, 1);
    tar_free(tar);
}

Test(tar_hostile, two_hundred_thousand_entries_take_little_time_and_memory)
{
    long before = peak_megabytes();
    double began = cpu_seconds();
    struct members *members;
    struct member_table *table;
    struct tar *tar;
    struct error err;
    assert_ok(members_new(NULL, NULL, NULL, &members, &err), &err);
    assert_ok(tar_new(NULL, &members_handler, members, &tar, &err), &err);
    for (unsigned i = 0; i < 200000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "d%u/%u", i % 1000, i);
        struct tar_header header = header_of('0', name, 0);
        assert_ok(tar_feed(tar, &header, sizeof header, &err), &err);
    }
    assert_ok(members_finish(members, &table, &err), &err);
    cr_assert_eq(table->member_count, 1 + 1000 + 200000);
    /* under a sanitizer; else less than a second and 90 MB */
    cr_assert_lt(cpu_seconds() - began, 20);
    cr_assert_lt(peak_megabytes() - before, 600);
    member_table_free(table);
    tar_free(tar);
    members_free(members);
}

Test(tar_hostile, deep_names_again_and_again_cost_no_more_than_their_bytes)
{
    double began = cpu_seconds();
    size_t len = (TAR_DEPTH_MAX - 1) * (size_t)100;
    char *name = malloc(len + 16);
    memset(name, 'x', len);
    for (size_t i = 99; i < len; i += 100)
        name[i] = '/';
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(name + len, 16, "%u", i);
        add_meta('L', name, strlen(name) + 1);
        add_file("f", "");
    }
    free(name);
    struct member_table *table = table_of();
    cr_assert_eq(table->member_count, 1 + TAR_DEPTH_MAX - 1 + 500);
    cr_assert_lt(cpu_seconds() - began, 20);
}
