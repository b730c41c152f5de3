/* Reading tar streams: each form of header, where the data lie, how a stream may end. */
#include "archive_test.h"

#define T "1500000000.000000000"

Test(tar, an_empty_stream_has_no_members_and_no_end)
{
    assert_reading("end\n");
}

Test(tar, a_zero_block_ends_the_archive_and_what_follows_is_ignored)
{
    add_file("a", "x");
    add_end();
    add_file("b", "y");
    strbuf_adds(&stream, "rubbish");
    assert_reading("file a 644 " T " 1 at 512: x\nend\n");
}

Test(tar, a_missing_end_is_fine_at_the_end_of_a_member)
{
    add_file("a", "x");
    assert_reading("file a 644 " T " 1 at 512: x\nend\n");
}

Test(tar, members_have_types_and_the_places_of_their_data)
{
    static const char types[] = {'3', '4', '6'};
    add_directory("d/");
    add_file("d/f", "hello");
    add_link('1', "d/h", "./d//f");
    add_link('2', "d/s", "./d//f");
    for (size_t i = 0; i < COUNT(types); i++) {
        struct tar_header header = header_of(types[i], "special", 0);
        add_header(&header);
    }
    add_file("empty", "");
    add_file("last", "bye");
    add_end();
    assert_reading("directory d 644 " T " 0\n"
                   "file d/f 644 " T " 5 at 1024: hello\n"
                   "hardlink d/h 644 " T " 0 -> d/f\n"
                   "symlink d/s 644 " T " 0 -> ./d//f\n"
                   "character special 644 " T " 0\n"
                   "block special 644 " T " 0\n"
                   "fifo special 644 " T " 0\n"
                   "file empty 644 " T " 0\n"
                   "file last 644 " T " 3 at 5120: bye\nend\n");
}

Test(tar, v7_headers_have_no_magic_and_directories_a_slash)
{
    struct tar_header header = header_of('\0', "old/", 0);
    memset(header.magic, 0, sizeof header.magic);
    memcpy(header.tail.prefix, "junk", 4);
    memcpy(header.mode, "   755 ", 8);
    memcpy(header.checksum, "       ", 8);
    sum_header(&header);
    add_header(&header);
    memcpy(header.name, "old/f", 5);
    sum_header(&header);
    add_header(&header);
    assert_reading("directory old 755 " T " 0\nfile old/f 755 " T " 0\nend\n");
}

Test(tar, names_may_fill_their_fields)
{
    struct tar_header header = header_of('0', "", 0);
    memset(header.name, 'n', sizeof header.name);
    memset(header.tail.prefix, 'p', sizeof header.tail.prefix);
    sum_header(&header);
    add_header(&header);
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "file %.155s/%.100s 644 " T " 0\nend\n", header.tail.prefix,
                   header.name);
    assert_reading(wanted);
}

Test(tar, a_prefix_belongs_to_ustar_only)
{
    struct tar_header header = header_of('0', "f", 0);
    memcpy(header.tail.prefix, "dir", 3);
    sum_header(&header);
    add_header(&header);
    memcpy(header.magic, "ustar  ", 8);
    sum_header(&header);
    add_header(&header);
    assert_reading("file dir/f 644 " T " 0\nfile f 644 " T " 0\nend\n");
}

Test(tar, sums_of_signed_bytes_are_right_too)
{
    struct tar_header header = header_of('0', "\xc3\xbc", 0);
    int64_t sum;
    cr_assert_eq(tar_field(header.checksum, sizeof header.checksum, &sum), 0);
    (void)snprintf((char *)header.checksum, sizeof header.checksum, "%06llo", (unsigned long long)sum - 512);
    add_header(&header);
    assert_reading("file \xc3\xbc 644 " T " 0\nend\n");
    (void)snprintf((char *)header.checksum, sizeof header.checksum, "%06llo", (unsigned long long)sum - 256);
    strbuf_clear(&stream);
    add_header(&header);
    assert_reading("error EBADMSG: this is no tar archive\n");
}

Test(tar, long_names_of_gnu_are_for_the_next_member)
{
    char name[301] = "";
    char wanted[1024];
    memset(name, 'd', 150);
    memset(name + 150, '/', 1);
    memset(name + 151, 'f', 149);
    add_meta('L', name, sizeof name);
    add_meta('K', "target", 7);
    add_link('2', "short", "none");
    add_file("next", "");
    (void)snprintf(wanted, sizeof wanted, "symlink %s 644 " T " 0 -> target\nfile next 644 " T " 0\nend\n",
                   name);
    assert_reading(wanted);
}

Test(tar, base_256_sizes_and_times)
{
    struct tar_header header = header_of('0', "f", 0);
    memcpy(header.size, "\x80\0\0\0\0\0\0\0\0\0\0\3", sizeof header.size);
    memcpy(header.mtime, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", sizeof header.mtime);
    sum_header(&header);
    add_header(&header);
    add_content("abc", 3);
    assert_reading("file f 644 -2.000000000 3 at 512: abc\nend\n");
}

Test(tar, contiguous_files_and_unknown_types_are_files)
{
    static const char types[] = {'7', '\0', '8', 'q'};
    for (size_t i = 0; i < COUNT(types); i++) {
        struct tar_header header = header_of(types[i], "f", 1);
        add_header(&header);
        add_content("x", 1);
    }
    assert_reading("file f 644 " T " 1 at 512: x\nfile f 644 " T " 1 at 1536: x\n"
                   "file f 644 " T " 1 at 2560: x\nfile f 644 " T " 1 at 3584: x\nend\n");
}

Test(tar, vendors_types_are_refused_and_their_data_skipped)
{
    add_meta('A', "acl", 3);
    add_meta('M', "more of a file", 14);
    add_meta('V', "", 0); /* a volume's label is no member */
    add_file("f", "x");
    assert_reading("refused meta: its type is unknown\nrefused meta: its type is unknown\n"
                   "file f 644 " T " 1 at 3072: x\nend\n");
}

Test(tar, what_has_no_data_may_claim_a_size)
{
    static const char types[] = {'1', '2', '3', '4', '5', '6'};
    for (size_t i = 0; i < COUNT(types); i++) {
        struct tar_header header = header_of(types[i], "m", 1000);
        memcpy(header.link, "t", 1);
        sum_header(&header);
        add_header(&header);
    }
    add_file("f", "x");
    assert_says("file f 644 " T " 1 at 3584: x\nend\n");
}

Test(tar, data_of_incremental_directories_are_skipped)
{
    struct tar_header header = header_of('D', "dir/", 600);
    char names[600] = "Yfile";
    add_header(&header);
    add_content(names, sizeof names);
    add_file("dir/file", "x");
    assert_reading("directory dir 644 " T " 0\nfile dir/file 644 " T " 1 at 2048: x\nend\n");
}

/* A stream with something of everything. */
static void add_everything(void)
{
    static const char map[TAR_BLOCK_SIZE] = "2\n0\n3\n1000\n2\n";
    struct tar_header header;
    add_pax('g', "mtime", "7.5", NULL);
    add_file("a", "hello");
    add_meta('L', "./long//name", 13);
    add_meta('K', "long target", 12);
    add_link('2', "s", "");
    add_pax('x', "path", "pax name", "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize",
            "2000", "GNU.sparse.name", "sparse", NULL);
    header = header_of('0', "m", TAR_BLOCK_SIZE + 5);
    add_header(&header);
    strbuf_add(&stream, map, sizeof map);
    add_content("abcde", 5);
    add_file("../up", "refused");
    add_pax('X', "path", "solaris", NULL);
    add_file("s", "bye");
    add_end();
}

Test(tar, pieces_of_any_size_say_the_same)
{
    static const size_t pieces[] = {1, 2, 3, 7, 100, 511, 512, 513, 1000, 1024, 4096};
    add_everything();
    char *wanted = read_stream(stream.len, stream.len);
    cr_assert_str_eq(wanted,
                     "file a 644 7.500000000 5 at 1536: hello\n"
                     "symlink long/name 644 7.500000000 0 -> long target\n"
                     "file sparse 644 7.500000000 2000 [0+3 at 6656] [1000+2 at 6659] at 6656: abcde\n"
                     "refused ../up: its name has a component '.' or '..'\n"
                     "file solaris 644 7.500000000 3 at 9728: bye\nend\n");
    for (size_t i = 0; i < COUNT(pieces); i++) {
        char *said = read_stream(stream.len, pieces[i]);
        cr_assert_str_eq(said, wanted, "%zu: %s", pieces[i], said);
        free(said);
    }
    free(wanted);
}

/* What is said before the end is what is said of the whole, and a cut inside of anything is noticed. */
Test(tar, a_stream_that_is_cut_anywhere_is_a_prefix)
{
    add_everything();
    char *wanted = read_stream(stream.len, stream.len);
    size_t boundaries = 0;
    for (size_t len = 0; len < stream.len; len++) {
        char *said = read_stream(len, 300);
        char *ending = strstr(said, "end\n");
        bool marked = len >= stream.len - TAR_BLOCK_SIZE;
        boundaries += ending && !marked;
        if (!ending && !marked)
            ending = strstr(said, "error EBADMSG: tar: the archive ends at byte");
        cr_assert(ending, "%zu: %s", len, said);
        if (ending > said && ending[-1] != '\n') /* within a member's data */
            while (ending > said && *ending != ':')
                ending--;
        cr_assert_eq(strncmp(said, wanted, (size_t)(ending - said)), 0, "%zu: %s", len, said);
        free(said);
    }
    cr_assert_eq(boundaries, 7, "%zu", boundaries); /* nothing, the global header, five members */
    free(wanted);
}

Test(tar, a_callback_that_fails_ends_the_reading)
{
    struct members *members;
    struct tar *tar;
    struct error err = {0};
    struct tar_limits limits = {.members = 1, .name_bytes = 100};
    assert_ok(members_new(&limits, NULL, NULL, &members, &err), &err);
    assert_ok(tar_new(NULL, &members_handler, members, &tar, &err), &err);
    add_file("a", "1");
    add_file("b", "2");
    assert_refused(tar_feed(tar, stream.data, stream.len, &err), E2BIG, &err, "more than 1 members");
    err = (struct error){0};
    assert_refused(tar_end(tar, &err), E2BIG, &err, "more than 1 members");
    tar_free(tar);
    members_free(members);
}
