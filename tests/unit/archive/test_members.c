/* What members do to each other: replacing, linking, hiding; the table they become. */
#include "archive_test.h"

TestSuite(members);

Test(members, an_empty_archive_is_a_root)
{
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "");
    cr_assert_eq(table->member_count, 1);
    cr_assert_eq(member_file(table, 0)->type, MEMBER_DIRECTORY);
    cr_assert(member_file(table, 0)->made);
    cr_assert_eq(member_file(table, 0)->mode, 0755);
    cr_assert_eq(member_file(table, 0)->mtime_ns, 0);
}

Test(members, parents_are_made_and_entries_are_in_order)
{
    add_file("b/z", "");
    add_file("a.b", "");
    add_file("a/y", "");
    add_file("b/x/w", "");
    add_file("a0", "");
    add_file("\xc3\xbc", "");
    add_file("B", "");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "B a// a.b a0 b// \xc3\xbc a/y b/x// b/z b/x/w");
}

Test(members, a_directory_that_is_named_is_not_made)
{
    add_file("d/f", "");
    struct tar_header header = header_of('5', "d", 0);
    memcpy(header.mode, "0000700", 7);
    sum_header(&header);
    add_header(&header);
    add_directory("./");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "d/ d/f");
    cr_assert_eq(file_at(table, "d")->mode, 0700);
    cr_assert_not(member_file(table, 0)->made);
    cr_assert_eq(member_file(table, 0)->mode, 0644);
}

Test(members, made_directories_are_as_new_as_their_newest_entry)
{
    add_pax('x', "mtime", "5.5", NULL);
    add_file("a/b/c", "");
    add_pax('x', "mtime", "4", NULL);
    add_file("a/d", "");
    add_pax('x', "mtime", "-3", NULL);
    add_file("old/f", "");
    add_pax('x', "mtime", "1", NULL);
    add_directory("named/");
    add_file("named/f", "");
    struct member_table *table = table_of();
    cr_assert_eq(file_at(table, "a/b")->mtime_ns, 5 * SECOND + SECOND / 2);
    cr_assert_eq(file_at(table, "a")->mtime_ns, 5 * SECOND + SECOND / 2);
    cr_assert_eq(file_at(table, "old")->mtime_ns, -3 * SECOND);
    cr_assert_eq(file_at(table, "named")->mtime_ns, SECOND);
    cr_assert_eq(member_file(table, 0)->mtime_ns, 5 * SECOND + SECOND / 2);
}

Test(members, the_last_of_one_name_wins)
{
    add_file("f", "first");
    add_file("f", "second!");
    add_link('2', "f", "target");
    add_file("f", "third");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "f");
    cr_assert_eq(file_at(table, "f")->size, 5);
    cr_assert_eq(file_at(table, "f")->offset, 512 + 1024 + 1024 + 512);
    cr_assert_eq(table->file_count, 2);
    cr_assert_eq(refused, 0);
}

Test(members, offsets_tell_the_order_of_files_and_links)
{
    add_link('2', "z", "target");
    add_file("f", "");
    add_link('2', "a", "target");
    struct member_table *table = table_of();
    cr_expect_lt(file_at(table, "z")->offset, file_at(table, "f")->offset);
    cr_expect_lt(file_at(table, "f")->offset, file_at(table, "a")->offset);
}

Test(members, hard_links_are_names_of_one_file)
{
    add_file("f", "x");
    add_link('1', "d/g", "./f");
    add_link('1', "h", "d/g");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "d// f=2 h=2 d/g=2");
    cr_assert_eq(file_at(table, "h")->links, 3);
    cr_assert_eq(file_at(table, "h"), file_at(table, "f"));
}

Test(members, a_hard_link_keeps_what_its_target_was)
{
    add_file("f", "old");
    add_link('1', "g", "f");
    add_file("f", "newer");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "f g");
    cr_assert_eq(file_at(table, "g")->size, 3);
    cr_assert_eq(file_at(table, "f")->size, 5);
    cr_assert_eq(file_at(table, "g")->links, 1);
}

Test(members, a_hard_link_may_name_a_symbolic_one)
{
    add_link('2', "s", "t");
    add_link('1', "h", "s");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "h>t=1 s>t=1");
}

Test(members, a_hard_link_replaces_what_has_its_name)
{
    add_file("f", "x");
    add_file("g", "gone");
    add_link('1', "g", "f");
    add_link('1', "g", "g");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "f=1 g=1");
    cr_assert_eq(table->file_count, 2);
}

Test(members, hard_links_without_a_target_are_broken)
{
    add_link('1', "a", "missing");
    add_link('1', "early", "late");
    add_file("late", "x");
    add_directory("d");
    add_link('1', "to-d", "d");
    add_link('1', "to-broken", "a");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "a!missing d/ early!late late to-broken!a to-d!d");
    cr_assert_eq(refused, 0);
    cr_assert_str_eq(noted, "a: its link target is missing\nearly: its link target is missing\n"
                            "to-d: its link target is a directory\nto-broken: its link target is missing\n");
}

Test(members, cycles_of_links_are_broken)
{
    add_link('1', "a", "b");
    add_link('1', "b", "a");
    add_link('1', "self", "self");
    add_link('2', "s", "s");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "a!b b!a s>s self!self");
}

Test(members, what_is_there_stays_where_a_link_is_broken)
{
    add_file("f", "x");
    add_link('1', "f", "missing");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "f");
    cr_assert_eq(refused, 1);
    cr_assert_str_eq(noted, "f: its link target is missing\n");
}

Test(members, a_broken_link_gives_way_to_whatever_comes)
{
    add_link('1', "a", "missing");
    add_link('1', "b", "missing");
    add_link('1', "c", "missing");
    add_file("a", "x");
    add_file("b/under", "x");
    add_link('1', "c", "a");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "a=1 b// c=1 b/under");
}

Test(members, nothing_lies_beneath_a_file_or_symbolic_link)
{
    add_file("f", "");
    add_file("f/x", "");
    add_file("f/y/z", "");
    add_link('2', "s", "d");
    add_file("s/x", "");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "f s>d");
    cr_assert_eq(refused, 3);
    cr_assert_str_eq(noted, "f/x: it lies beneath a file\nf/y/z: it lies beneath a file\n"
                            "s/x: it lies beneath a symbolic link\n");
}

Test(members, directories_give_way_only_while_they_are_empty)
{
    add_directory("empty");
    add_file("empty", "x");
    add_file("full/x", "");
    add_file("full", "x");
    add_link('1', "full", "empty");
    add_link('2', "full", "empty");
    add_file("was-file", "");
    add_directory("was-file");
    struct member_table *table = table_of();
    cr_assert_str_eq(names_of(table), "empty full// was-file/ full/x");
    cr_assert_eq(refused, 3);
    cr_assert(strstr(noted, "full: a directory that is not empty has its name\n"), "%s", noted);
}

Test(members, what_the_reader_refuses_is_counted_and_noted)
{
    add_file("../f", "");
    add_file("/f", "");
    struct member_table *table = table_of();
    cr_assert_eq(table->member_count, 1);
    cr_assert_eq(refused, 2);
    cr_assert(strstr(noted, "/f: its name is absolute\n"), "%s", noted);
}

Test(members, notes_have_a_limit_and_counts_have_not)
{
    for (unsigned i = 0; i < 2 * MEMBERS_NOTES_MAX; i++)
        add_file("/f", "");
    (void)table_of();
    size_t lines = 0;
    for (const char *c = noted; *c; c++)
        lines += *c == '\n';
    cr_assert_eq(lines, MEMBERS_NOTES_MAX);
    cr_assert_eq(refused, 2 * MEMBERS_NOTES_MAX);
}

Test(members, symbolic_links_are_as_long_as_linux_can_show)
{
    char target[MEMBERS_LINK_MAX + 2] = "";
    memset(target, 't', MEMBERS_LINK_MAX + 1);
    add_meta('K', target, MEMBERS_LINK_MAX + 2);
    add_link('2', "long", "");
    target[MEMBERS_LINK_MAX] = '\0';
    add_meta('K', target, MEMBERS_LINK_MAX + 1);
    add_link('2', "fits", "");
    struct member_table *table = table_of();
    cr_assert_eq(table->member_count, 2);
    cr_assert_str_eq(member_link(table, file_at(table, "fits")), target);
    cr_assert_eq(refused, 1);
}

static const char *hex(const struct member_file *file)
{
    static char text[2 * MEMBER_SHA256_SIZE + 1];
    for (unsigned i = 0; i < MEMBER_SHA256_SIZE; i++)
        (void)snprintf(text + (size_t)2 * i, 3, "%02x", file->sha256[i]);
    return text;
}

Test(members, files_have_the_sha256_of_their_content)
{
    add_file("abc", "abc");
    add_file("empty", "");
    add_link('2', "s", "abc");
    struct member_table *table = table_of();
    cr_assert(file_at(table, "abc")->has_sha256);
    cr_assert_str_eq(hex(file_at(table, "abc")),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_str_eq(hex(file_at(table, "empty")),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_not(file_at(table, "s")->has_sha256);
}

Test(members, holes_are_hashed_as_zeros)
{
    char plain[9] = {0};
    plain[2] = 'x';
    plain[5] = 'y';
    struct tar_header header = header_of('0', "plain", sizeof plain);
    add_header(&header);
    add_content(plain, sizeof plain);
    add_pax('x', "GNU.sparse.size", "9", "GNU.sparse.map", "2,1,5,1", NULL);
    add_file("sparse", "xy");
    struct member_table *table = table_of();
    cr_assert(file_at(table, "sparse")->has_sha256);
    cr_assert_arr_eq(file_at(table, "plain")->sha256, file_at(table, "sparse")->sha256, MEMBER_SHA256_SIZE);
    cr_assert_eq(member_stored(table, file_at(table, "sparse")), 2);
    cr_assert_eq(member_extents(table, file_at(table, "sparse"))[1].offset, 5);
}

Test(members, holes_of_exabytes_are_not_hashed)
{
    add_pax('x', "GNU.sparse.size", "9000000000000000000", "GNU.sparse.map", "0,1", NULL);
    add_file("huge", "x");
    add_file("after", "y");
    struct member_table *table = table_of();
    cr_assert_eq(file_at(table, "huge")->size, 9000000000000000000);
    cr_assert_not(file_at(table, "huge")->has_sha256);
    cr_assert(file_at(table, "after")->has_sha256);
}

/* Whatever is in the table of a cut stream is whole. */
Test(members, a_cut_stream_leaves_whole_members_only)
{
    add_file("a", "first");
    add_file("b", "second");
    add_file("a", "third");
    for (size_t len = 0; len <= stream.len; len++) {
        int result;
        struct member_table *table = table_of_part(len, &result);
        static const char *const wanted[] = {"", "a", "a b", "a b"};
        unsigned whole = (len >= 512 + 5) + 0U + (len >= 1536 + 6) + (len >= 2560 + 5);
        cr_assert_str_eq(names_of(table), wanted[whole], "%zu", len);
        if (whole)
            cr_assert_eq(file_at(table, "a")->offset, whole == 3 ? 2560 : 512);
        cr_assert_eq(result, len % 1024 ? -EBADMSG : 0, "%zu", len);
        member_table_free(table);
    }
}

Test(members, made_parents_count_as_members)
{
    struct members *members;
    struct tar *tar;
    struct error err = {0};
    struct tar_limits limits = {.members = 5, .name_bytes = 100};
    assert_ok(members_new(&limits, NULL, NULL, &members, &err), &err);
    assert_ok(tar_new(&limits, &members_handler, members, &tar, &err), &err);
    add_file("a/b/c/d/e", "");
    add_file("f", "");
    assert_refused(tar_feed(tar, stream.data, stream.len, &err), E2BIG, &err,
                   "more than 5 members and directories");
    tar_free(tar);
    members_free(members);
}

#define MANY_EXTENSIONS (TAR_EXTENTS_MAX / OLD_SPARSE_IN_EXTENSION)

/* A sparse file with nearly as many parts as one may have, a byte each. */
static void add_full_of_holes(void)
{
    struct tar_header header = header_of('S', "s", MANY_EXTENSIONS * OLD_SPARSE_IN_EXTENSION);
    memset(header.tail.old.real_size, '7', sizeof header.tail.old.real_size - 1);
    header.tail.old.extended = 1;
    sum_header(&header);
    add_header(&header);
    for (unsigned i = 0; i < MANY_EXTENSIONS; i++) {
        struct tar_extension extension = {.extended = i + 1 < MANY_EXTENSIONS};
        for (unsigned j = 0; j < OLD_SPARSE_IN_EXTENSION; j++) {
            struct tar_old_extent *extent = &extension.extents[j];
            (void)snprintf((char *)extent->offset, sizeof extent->offset, "%011o",
                           2 * (i * OLD_SPARSE_IN_EXTENSION + j));
            memcpy(extent->size, "00000000001", sizeof extent->size);
        }
        strbuf_add(&stream, &extension, sizeof extension);
    }
    char *content = calloc(1, MANY_EXTENSIONS * OLD_SPARSE_IN_EXTENSION);
    add_content(content, MANY_EXTENSIONS * OLD_SPARSE_IN_EXTENSION);
    free(content);
}

Test(members, parts_of_sparse_files_have_a_limit_in_all)
{
    struct members *members;
    struct tar *tar;
    struct error err = {0};
    assert_ok(members_new(NULL, NULL, NULL, &members, &err), &err);
    assert_ok(tar_new(NULL, &members_handler, members, &tar, &err), &err);
    add_full_of_holes();
    for (unsigned i = 0; i < MEMBERS_EXTENTS_MAX / TAR_EXTENTS_MAX; i++)
        assert_ok(tar_feed(tar, stream.data, stream.len, &err), &err);
    assert_refused(tar_feed(tar, stream.data, stream.len, &err), E2BIG, &err,
                   "sparse files of more than 4000000 parts in all");
    tar_free(tar);
    members_free(members);
}

Test(members, entries_are_found_and_others_are_not)
{
    uint32_t number = 77;
    add_file("a/b", "");
    add_file("c", "");
    struct member_table *table = table_of();
    cr_assert_eq(member_entry(table, 0, "a", 1, &number), 0);
    cr_assert_eq(member_entry(table, number, "bb", 2, &number), -ENOENT);
    cr_assert_eq(member_entry(table, number, "a", 1, &number), -ENOENT);
    cr_assert_eq(member_entry(table, number, "", 0, &number), -ENOENT);
    cr_assert_eq(member_entry(table, number, "b", 1, &number), 0);
    struct strbuf path = STRBUF_INIT(100);
    member_path(table, number, &path);
    cr_assert_str_eq(strbuf_text(&path), "a/b");
    strbuf_done(&path);
    cr_assert_str_eq(member_name(table, number), "b");
    cr_assert_eq(member_entry(table, number, "x", 1, &number), -ENOENT);
    cr_assert_eq(member_entry(table, 0, "z", 1, &number), -ENOENT);
}

Test(members, what_a_name_stands_for_so_far_can_be_asked)
{
    struct members *members;
    struct tar *tar;
    struct member_file file;
    const char *link = NULL;
    struct error err = {0};
    assert_ok(members_new(NULL, NULL, NULL, &members, &err), &err);
    assert_ok(tar_new(NULL, &members_handler, members, &tar, &err), &err);
    add_file("a/b", "one");
    add_link('2', "a/l", "target");
    assert_ok(tar_feed(tar, stream.data, stream.len, &err), &err);
    cr_assert_eq(members_look(members, "a", &file, &link), 0);
    cr_assert(file.made);
    cr_assert_eq(members_look(members, "a/b", &file, &link), 0);
    cr_assert_eq(file.size, 3);
    cr_assert_eq(members_look(members, "a/l", &file, &link), 0);
    cr_assert_eq(file.type, MEMBER_SYMLINK);
    cr_assert_eq(file.count, strlen("target"));
    cr_assert_eq(memcmp(link, "target", file.count), 0);
    cr_assert_eq(members_look(members, "a/c", &file, &link), -ENOENT);
    cr_assert_eq(members_look(members, "b", &file, &link), -ENOENT);
    cr_assert_eq(members_look(members, "", &file, &link), -ENOENT);
    tar_free(tar);
    members_free(members);
}
