/* Sparse files in all four forms, and maps that make no sense. */
#include "archive_test.h"

#define T "1500000000.000000000"

static void set_old(struct tar_old_extent *extent, uint64_t offset, uint64_t size)
{
    (void)snprintf((char *)extent->offset, sizeof extent->offset, "%011llo", (unsigned long long)offset);
    (void)snprintf((char *)extent->size, sizeof extent->size, "%011llo", (unsigned long long)size);
}

/* An old GNU header for STORED bytes of a file of SIZE bytes. */
static struct tar_header old_header(uint64_t stored, uint64_t size)
{
    struct tar_header header = header_of('S', "s", stored);
    memcpy(header.magic, "ustar  ", 8);
    (void)snprintf((char *)header.tail.old.real_size, sizeof header.tail.old.real_size, "%011llo",
                   (unsigned long long)size);
    return header;
}

static void add_old(struct tar_header header, const char *content)
{
    sum_header(&header);
    add_header(&header);
    add_content(content, strlen(content));
    add_file("after", "");
}

#define AFTER "file after 644 " T " 0\nend\n"

Test(tar_sparse, old_gnu_maps_stand_in_the_header)
{
    struct tar_header header = old_header(5, 10000);
    set_old(&header.tail.old.extents[0], 512, 2);
    set_old(&header.tail.old.extents[1], 4096, 3);
    set_old(&header.tail.old.extents[2], 10000, 0);
    add_old(header, "abcde");
    assert_reading("file s 644 " T " 10000 [512+2 at 512] [4096+3 at 514] at 512: abcde\n" AFTER);
}

Test(tar_sparse, old_gnu_maps_go_on_in_extensions)
{
    struct tar_header header = old_header(27, 100000);
    struct tar_extension extension = {.extended = 1};
    for (unsigned i = 0; i < 4; i++)
        set_old(&header.tail.old.extents[i], 1000 * i, 1);
    header.tail.old.extended = 1;
    sum_header(&header);
    add_header(&header);
    for (unsigned i = 0; i < 21; i++)
        set_old(&extension.extents[i], 1000 * (i + 4), 1);
    strbuf_add(&stream, &extension, sizeof extension);
    extension = (struct tar_extension){0};
    set_old(&extension.extents[0], 50000, 2);
    strbuf_add(&stream, &extension, sizeof extension);
    add_content("abcdefghijklmnopqrstuvwxyz1", 27);
    add_file("after", "");
    assert_says(" [24000+1 at 1560] [50000+2 at 1561] at 1536: abcdefghijklmnopqrstuvwxyz1\n" AFTER);
}

Test(tar_sparse, a_file_may_be_one_hole)
{
    add_old(old_header(0, 4096), "");
    add_pax('x', "GNU.sparse.size", "77", "GNU.sparse.numblocks", "0", NULL);
    add_file("p", "");
    assert_says("file s 644 " T " 4096 sparse\n");
    assert_says("file p 644 " T " 77 sparse\n");
}

Test(tar_sparse, pax_0_0_has_a_record_for_each_number)
{
    add_pax('x', "GNU.sparse.size", "1000", "GNU.sparse.numblocks", "2", "GNU.sparse.offset", "10",
            "GNU.sparse.numbytes", "2", "GNU.sparse.offset", "998", "GNU.sparse.numbytes", "2", NULL);
    add_file("s", "abcd");
    add_file("after", "");
    assert_reading("file s 644 " T " 1000 [10+2 at 1536] [998+2 at 1538] at 1536: abcd\n" AFTER);
}

Test(tar_sparse, pax_0_1_has_one_list_and_a_name)
{
    add_pax('x', "GNU.sparse.size", "1000", "GNU.sparse.name", "real/name", "GNU.sparse.map",
            "0,1,10,0,500,3", NULL);
    add_file("GNUSparseFile.1/name", "abcd");
    add_file("after", "");
    assert_reading("file real/name 644 " T " 1000 [0+1 at 1536] [500+3 at 1537] at 1536: abcd\n" AFTER);
}

/* A pax 1.0 file with MAP and CONTENT as its data. */
static void add_1_0(const char *map, const char *content)
{
    size_t map_len = strlen(map);
    struct tar_header header = header_of('0', "s", map_len + tar_padding(map_len) + strlen(content));
    add_pax('x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "100000", NULL);
    add_header(&header);
    add_content(map, map_len);
    add_content(content, strlen(content));
    add_file("after", "");
}

Test(tar_sparse, pax_1_0_has_the_map_before_the_data)
{
    add_1_0("3\n1\n1\n5\n0\n90000\n3\n", "abcd");
    assert_reading("file s 644 " T " 100000 [1+1 at 2048] [90000+3 at 2049] at 2048: abcd\n" AFTER);
}

Test(tar_sparse, a_map_may_take_several_blocks)
{
    _cleanup_strbuf_ struct strbuf map = STRBUF_INIT(65536);
    _cleanup_strbuf_ struct strbuf content = STRBUF_INIT(65536);
    strbuf_adds(&map, "300\n");
    for (unsigned i = 0; i < 300; i++) {
        strbuf_addf(&map, "%u\n1\n", 2 * i);
        strbuf_adds(&content, "x");
    }
    add_1_0(strbuf_text(&map), strbuf_text(&content));
    assert_says(" [598+1 at 3883] at 3584: xxx");
}

Test(tar_sparse, maps_that_make_no_sense_refuse_their_member)
{
    static const char *const maps[] = {
        "1\n0\n",                      /* ends early */
        "x\n",                         /* no number */
        "\n",                          /* none at all */
        "1\n\n4\n",                    /* one is missing */
        "1\n-1\n4\n",                  /* a sign */
        "99999999999999999999\n",      /* too large a number */
        "1000001\n",                   /* too many entries */
        "2\n5\n2\n0\n2\n",             /* backwards */
        "2\n0\n3\n2\n1\n",             /* overlapping */
        "1\n99999\n4\n",               /* beyond the file */
        "1\n0\n3\n",                   /* less than is stored */
        "1\n0\n5\n",                   /* more */
        "1\n9223372036854775807\n4\n", /* far beyond */
        "1\n18446744073709551615\n4\n",
    };
    for (size_t i = 0; i < COUNT(maps); i++) {
        strbuf_clear(&stream);
        add_1_0(maps[i], "abcd");
        cr_assert_eq(strncmp(reading(), "refused s: its sparse map", 25), 0, "%zu: %s", i, reading());
        cr_assert(strstr(reading(), "\n" AFTER), "%zu: %s", i, reading());
    }
}

Test(tar_sparse, a_map_longer_than_the_data_takes_nothing_of_what_follows)
{
    static const char map[100] = "1\n0\n9\n";
    for (uint64_t size = 0; size < 2; size++) {
        struct tar_header header = header_of('0', "s", size * 100);
        strbuf_clear(&stream);
        add_pax('x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "9", NULL);
        add_header(&header);
        add_content(map, size * 100);
        add_file("after", "");
        assert_reading("refused s: its sparse map is longer than its data\n" AFTER);
    }
}

Test(tar_sparse, bad_numbers_in_records_refuse_their_member)
{
    static const char *const records[][2] = {
        {"GNU.sparse.map", "0,1,"},   {"GNU.sparse.map", "0,1,5"}, {"GNU.sparse.map", "0"},
        {"GNU.sparse.map", ",1"},     {"GNU.sparse.map", "a,b"},   {"GNU.sparse.offset", "1"},
        {"GNU.sparse.numbytes", "1"}, {"GNU.sparse.offset", "x"},  {"GNU.sparse.size", "-1"},
        {"GNU.sparse.major", "2"},    {"GNU.sparse.minor", "x"},   {"GNU.sparse.size", ""},
    };
    for (size_t i = 0; i < COUNT(records); i++) {
        strbuf_clear(&stream);
        add_pax('x', "GNU.sparse.size", "100", records[i][0], records[i][1], NULL);
        add_file("s", "abcd");
        add_file("after", "");
        cr_assert_eq(strncmp(reading(), "refused s: ", 11), 0, "%zu: %s", i, reading());
        cr_assert(strstr(reading(), "\n" AFTER), "%zu: %s", i, reading());
    }
}

Test(tar_sparse, bad_old_maps_refuse_their_member)
{
    struct tar_header header = old_header(4, 100);
    set_old(&header.tail.old.extents[0], 98, 4);
    add_old(header, "abcd");
    assert_reading("refused s: its sparse map does not fit its size\n" AFTER);
    strbuf_clear(&stream);
    memcpy(header.tail.old.extents[0].offset, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    add_old(header, "abcd");
    assert_reading("refused s: its sparse map makes no sense\n" AFTER);
    strbuf_clear(&stream);
    header = old_header(0, 0);
    memcpy(header.tail.old.real_size, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    add_old(header, "");
    assert_reading("refused s: its size makes no sense\n" AFTER);
}

Test(tar_sparse, only_files_are_sparse)
{
    add_pax('x', "GNU.sparse.size", "100", "GNU.sparse.map", "0,0", NULL);
    add_directory("d");
    add_file("after", "");
    assert_reading("directory d 644 " T " 0\n" AFTER);
}
