/* ETags that a file may get as an object. The expected ones are those of md5sum(1) and of the rule for uploads in parts. */
#include "unpack/etags.h"

#include "testing.h"

TestSuite(etags, .init = scratch_open, .fini = scratch_close);

/* The ETags of the file NAME. */
static const char *etags(const char *name)
{
    static char text[ETAGS_TEXT_MAX];
    struct wait wait = {.timeout_ms = 10000};
    struct error err = {0};
    struct reader *reader;
    struct stat st;
    int fd = open(scratch_path("%s", name), O_RDONLY | O_CLOEXEC);
    cr_assert_eq(fstat(fd, &st), 0);
    assert_ok(reader_open_fd(fd, (uint64_t)st.st_size, &reader, &err), &err);
    int result = etags_of(reader, &wait, text, &err);
    reader_close(reader);
    assert_ok(result, &err);
    return text;
}

/* Writes SIZE zeros. */
static void write_zeros(const char *name, off_t size)
{
    scratch_write(name, "");
    cr_assert_eq(truncate(scratch_path("%s", name), size), 0);
}

Test(etags, a_small_file_has_its_md5)
{
    scratch_write("empty", "");
    scratch_write("text", "text");
    cr_assert_str_eq(etags("empty"), "d41d8cd98f00b204e9800998ecf8427e");
    cr_assert_str_eq(etags("text"), "1cb251ec0d568de6a929b520c4aed8d1");
}

Test(etags, a_large_one_has_that_of_parts_too)
{
    write_zeros("less", ETAGS_PART_SIZE - 1);
    write_zeros("one", ETAGS_PART_SIZE);
    write_zeros("more", 2 * ETAGS_PART_SIZE + 1);
    cr_assert_str_eq(etags("less"), "637b10ce48f79f1c0cf13efa84ee1247");
    cr_assert_str_eq(etags("one"), "96995b58d4cbf6aaa9041b4f00c7f6ae 9ed977000dc166f25a9b9ef26fb3c3fc-1");
    cr_assert_str_eq(etags("more"), "cbcda39ca2893010c1d15c51bc633b24 a067ca1673f93d2ddca7a249189c4dd4-3");
}

Test(etags, one_of_several_is_found_as_a_whole)
{
    cr_assert(etags_have("a", "a"));
    cr_assert(etags_have("ab b", "b"));
    cr_assert(etags_have("a ab-1", "a"));
    cr_assert_not(etags_have("a ab-1", "ab"));
    cr_assert_not(etags_have("ab-1 a", "b-1"));
    cr_assert_not(etags_have("", "a"));
}
