/* Pax headers: which record counts, and which headers are damaged. */
#include "archive_test.h"

#define T "1500000000.000000000"

Test(tar_pax, records_replace_what_the_header_says)
{
    add_pax('x', "path", "p\xc3\xbc", "mtime", "1.25", "size", "3", "uid", "7", "SCHILY.xattr.user.a",
            "b\n=c", NULL);
    struct tar_header header = header_of('0', "h", 0);
    add_header(&header);
    add_content("abc", 3);
    add_pax('x', "linkpath", "to", "path", "q/", NULL);
    add_link('2', "h", "from");
    add_file("after", "");
    assert_reading("file p\xc3\xbc 644 1.250000000 3 at 1536: abc\n"
                   "symlink q 644 " T " 0 -> to\n"
                   "file after 644 " T " 0\nend\n");
}

Test(tar_pax, a_path_of_pax_counts_more_than_a_long_name_of_gnu)
{
    add_pax('x', "path", "pax", NULL);
    add_meta('L', "gnu", 4);
    add_file("own", "");
    assert_reading("file pax 644 " T " 0\nend\n");
}

Test(tar_pax, global_records_stay_until_they_are_replaced)
{
    add_pax('g', "mtime", "5", "comment", "c", NULL);
    add_file("a", "");
    add_pax('x', "mtime", "6", NULL);
    add_file("b", "");
    add_file("c", "");
    add_pax('g', "mtime", "7", NULL);
    add_file("d", "");
    add_pax('x', "mtime", "", NULL);
    add_file("e", "");
    assert_reading("file a 644 5.000000000 0\nfile b 644 6.000000000 0\nfile c 644 5.000000000 0\n"
                   "file d 644 7.000000000 0\nfile e 644 " T " 0\nend\n");
}

Test(tar_pax, of_equal_records_the_last_counts)
{
    add_pax('x', "path", "one", "path", "two", NULL);
    add_pax('x', "path", "three", NULL);
    add_file("own", "");
    assert_reading("file three 644 " T " 0\nend\n");
}

Test(tar_pax, the_charset_changes_nothing)
{
    add_pax('x', "hdrcharset", "BINARY", "path", "\xff\xfe", NULL);
    add_file("own", "");
    assert_reading("file \xff\xfe 644 " T " 0\nend\n");
}

Test(tar_pax, headers_may_be_empty_or_filled_up)
{
    add_meta('x', "", 0);
    add_meta('x', "6 a=b\n\0\0\0", 9);
    add_file("f", "");
    assert_reading("file f 644 " T " 0\nend\n");
}

Test(tar_pax, names_with_a_nul_refuse_the_member)
{
    add_meta('x', "11 path=a\0b\n", 12);
    add_file("f", "");
    assert_says("error EBADMSG"); /* a length that is wrong by one */
    strbuf_clear(&stream);
    add_meta('x', "12 path=a\0b\n", 12);
    add_file("f", "");
    add_meta('x', "16 linkpath=a\0b\n", 16);
    add_link('2', "s", "t");
    assert_reading(
        "refused a: its name holds a NUL byte\nrefused s: its link target holds a NUL byte\nend\n");
}

Test(tar_pax, a_bad_time_refuses_the_member)
{
    add_pax('x', "mtime", "now", NULL);
    add_file("f", "data");
    add_file("g", "");
    assert_reading("refused f: its mtime is invalid\nfile g 644 " T " 0\nend\n");
}

Test(tar_pax, damaged_records_end_the_reading)
{
    static const char *const records[] = {
        "a=b\n",   " 5 a=b\n", "5 a=b\n",    "7 a=b\n",  "6 a=b",    "6 a-b\n",  "5 =b\n",
        "0 a=b\n", "1 a=b\n",  "2 \n a=b\n", "3 \n",     "-6 a=b\n", "6x a=b\n", "99999999999999999999 a=b\n",
        "6",       "6 ",       "6 a=b\n6 c", "0006 a\n",
    };
    for (size_t i = 0; i < COUNT(records); i++) {
        strbuf_clear(&stream);
        add_meta('x', records[i], strlen(records[i]));
        add_file("f", "");
        cr_assert_str_eq(reading(), "error EBADMSG: a pax header is damaged\n", "%s", records[i]);
    }
}

Test(tar_pax, a_size_that_is_none_ends_the_reading)
{
    static const char *const sizes[] = {"-1", "x", "9223372036854775808", "18446744073709551617", "1 "};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        strbuf_clear(&stream);
        add_pax('x', "size", sizes[i], NULL);
        add_file("f", "");
        cr_assert_str_eq(reading(), "error EBADMSG: a pax header is damaged\n", "%s", sizes[i]);
    }
}

Test(tar_pax, a_header_without_a_member_is_a_cut)
{
    add_pax('x', "path", "p", NULL);
    assert_reading("error EBADMSG: tar: the archive ends at byte 1024 within a header\n");
    add_end();
    assert_reading("end\n");
}
