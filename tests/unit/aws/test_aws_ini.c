/* The INI dialect of AWS's shared files. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/aws_ini.h"
#include "test_aws_home.h"

static struct aws_ini *parse(const char *text)
{
    struct aws_ini *ini = NULL;
    struct error err = {0};
    cr_assert_eq(aws_ini_parse(text, strlen(text), &ini, &err), 0, "%s", err.message);
    return ini;
}

static void expect(const char *text, const char *type, const char *name, const char *parent, const char *key,
                   const char *expected)
{
    _cleanup_aws_ini_ struct aws_ini *ini = parse(text);
    const char *value = aws_ini_get(ini, type, name, parent, key);
    cr_expect_eq(value == NULL, expected == NULL, "key %s of: %s", key, text);
    if (value && expected)
        cr_expect_str_eq(value, expected, "in: %s", text);
}

Test(aws_ini, reads_values)
{
    expect("[a]\nk = v\n", NULL, "a", NULL, "k", "v");
    expect("[a]\nk=v", NULL, "a", NULL, "k", "v");
    expect("[a]\nk \t=\t v w \t\n", NULL, "a", NULL, "k", "v w");
    expect("[a]\nk = a=b==\n", NULL, "a", NULL, "k", "a=b==");
    expect("[a]\nk =\n", NULL, "a", NULL, "k", "");
    expect("[a]\nk = v\n", NULL, "a", NULL, "x", NULL);
    expect("[a]\nk = v\n", NULL, "b", NULL, "k", NULL);
    expect("[a]\nKey = v\n", NULL, "a", NULL, "kEY", "v");
}

Test(aws_ini, reads_crlf_byte_order_mark_and_blank_lines)
{
    expect("\xef\xbb\xbf[a]\r\n\r\n \t\r\nk = v\r\n", NULL, "a", NULL, "k", "v");
    expect("\r\n[a]\r\nk =\r\n  p = v\r\n", NULL, "a", "k", "p", "v");
}

Test(aws_ini, skips_comments)
{
    expect("# c\n; c\n  # c\n[a] # c\n# x = y\nk = v # c\n", NULL, "a", NULL, "k", "v");
    expect("[a];c\nk = v\t; c\n", NULL, "a", NULL, "k", "v");
    expect("[a]\n# x = y\n", NULL, "a", NULL, "# x", NULL);
    expect("[a]\nk = # c\n", NULL, "a", NULL, "k", "");
    expect("[a]\nk = v\n# c\n  ; c\n w\n", NULL, "a", NULL, "k", "v\nw");
}

Test(aws_ini, keeps_comment_signs_within_a_word)
{
    expect("[a]\nk = v#w;x\n", NULL, "a", NULL, "k", "v#w;x");
    expect("[a]\nk=#v\n", NULL, "a", NULL, "k", "#v");
}

Test(aws_ini, later_wins_and_sections_of_one_name_are_one)
{
    const char *text = "[a]\nk = 1\nonly = x\n[b]\nk = 2\n[a]\nk = 3\nk = 4\n";
    expect(text, NULL, "a", NULL, "k", "4");
    expect(text, NULL, "a", NULL, "only", "x");
    expect(text, NULL, "b", NULL, "k", "2");
}

Test(aws_ini, continues_values)
{
    expect("[a]\nk = v\n  w # kept\n\tx\nl = m\n", NULL, "a", NULL, "k", "v\nw # kept\nx");
    expect("[a]\nk = v\n  w\nl = m\n", NULL, "a", NULL, "l", "m");
    expect("[a]\nk = v\n  w\n\n  x = y\n", NULL, "a", NULL, "k", "v\nw\nx = y");
}

Test(aws_ini, reads_sub_properties)
{
    const char *text = "[a]\ns3 =\n  addressing_style = path # c\n\n  other=2\nregion = r\n";
    expect(text, NULL, "a", "s3", "addressing_style", "path");
    expect(text, NULL, "a", "S3", "Other", "2");
    expect(text, NULL, "a", NULL, "addressing_style", NULL);
    expect(text, NULL, "a", NULL, "region", "r");
    expect(text, NULL, "a", "region", "other", NULL);
    expect(text, NULL, "a", NULL, "s3", "");
}

Test(aws_ini, a_later_parent_replaces_an_earlier_one)
{
    const char *text = "[a]\ns3 =\n  x = 1\n  y = 1\n[a]\ns3 =\n  y = 2\n";
    expect(text, NULL, "a", "s3", "y", "2");
    expect(text, NULL, "a", "s3", "x", NULL);
}

Test(aws_ini, indented_settings_of_a_section_are_settings)
{
    expect("[a]\n  k = v\n  l = m\n", NULL, "a", NULL, "l", "m");
    expect("[a]\n  k =\n    l = m\n  n = o\n", NULL, "a", "k", "l", "m");
}

Test(aws_ini, finds_sections_with_a_type)
{
    expect("[profile a]\nk = v\n", "profile", "a", NULL, "k", "v");
    expect("[ profile \t a ]\nk = v\n", "profile", "a", NULL, "k", "v");
    expect("[profile 'a b']\nk = v\n", "profile", "a b", NULL, "k", "v");
    expect("[profile \"a b\"]\nk = v\n", "profile", "a b", NULL, "k", "v");
    expect("[profilea]\nk = v\n", "profile", "a", NULL, "k", NULL);
    expect("[profile]\nk = v\n", "profile", "", NULL, "k", NULL);
    expect("[a]\nk = v\n", "profile", "a", NULL, "k", NULL);
    expect("[profile a]\nk = v\n", NULL, "a", NULL, "k", NULL);
    expect("[services a]\ns3 =\n  endpoint_url = u\n", "services", "a", "s3", "endpoint_url", "u");
}

Test(aws_ini, knows_empty_sections)
{
    _cleanup_aws_ini_ struct aws_ini *ini = parse("[profile a]\n[b]\n");
    cr_expect(aws_ini_has(ini, "profile", "a"));
    cr_expect(aws_ini_has(ini, NULL, "b"));
    cr_expect_not(aws_ini_has(ini, NULL, "a"));
    cr_expect_not(aws_ini_has(ini, "profile", "b"));
}

static void refuse(const char *text, size_t len, int code, const char *message)
{
    struct aws_ini *ini = NULL;
    struct error err = {0};
    cr_expect_eq(aws_ini_parse(text, len, &ini, &err), -code, "%s", message);
    cr_expect_null(ini);
    cr_expect_str_eq(err.message, message);
}

#define REFUSE(text, message) refuse(text, sizeof(text) - 1, EINVAL, message)

Test(aws_ini, refuses_what_it_does_not_understand_with_the_line_but_not_its_text)
{
    REFUSE("k = secret\n", "line 1: a setting before the first section");
    REFUSE("\n[a\n", "line 2: a section without ']'");
    REFUSE("[ ]\n", "line 1: a section without a name");
    REFUSE("[a] secret\n", "line 1: text after a section's ']'");
    REFUSE("[a]\nsecret\n", "line 2: neither a section nor 'key = value'");
    REFUSE("[a]\n = secret\n", "line 2: no key before '='");
    REFUSE("[a]\ns3 =\n  secret\n", "line 3: neither a section nor 'key = value'");
    REFUSE("[a]\ns3 =\n  = secret\n", "line 3: no key before '='");
    REFUSE("[a]\nk = sec\0ret\n", "line 2: a NUL byte");
}

Test(aws_ini, limits_the_length_of_a_line)
{
    size_t len = 4 + AWS_INI_LINE_MAX;
    char *text = malloc(len + 1);
    cr_assert_not_null(text);
    memset(text, 'v', len + 1);
    memcpy(text, "[a]\nk=", 6);
    struct aws_ini *ini = NULL;
    cr_expect_eq(aws_ini_parse(text, len, &ini, NULL), 0);
    aws_ini_free(ini);
    refuse(text, len + 1, E2BIG, "line 2: longer than 65536 bytes");
    free(text);
}

Test(aws_ini, limits_the_size_of_a_text)
{
    char *text = malloc(AWS_INI_SIZE_MAX + 1);
    cr_assert_not_null(text);
    memset(text, '\n', AWS_INI_SIZE_MAX + 1);
    struct aws_ini *ini = NULL;
    cr_expect_eq(aws_ini_parse(text, AWS_INI_SIZE_MAX, &ini, NULL), 0);
    aws_ini_free(ini);
    refuse(text, AWS_INI_SIZE_MAX + 1, E2BIG, "larger than 1048576 bytes");
    free(text);
}

TestSuite(aws_ini_file, .init = aws_home_create, .fini = aws_home_remove);

Test(aws_ini_file, reads_a_file)
{
    aws_home_write("file", "[a]\nk = v\n");
    _cleanup_aws_ini_ struct aws_ini *ini = NULL;
    struct error err = {0};
    cr_assert_eq(aws_ini_read(aws_home_path("file"), &ini, &err), 0, "%s", err.message);
    cr_expect_str_eq(aws_ini_get(ini, NULL, "a", NULL, "k"), "v");
}

static void expect_empty(const char *path)
{
    _cleanup_aws_ini_ struct aws_ini *ini = NULL;
    struct error err = {0};
    cr_assert_eq(aws_ini_read(path, &ini, &err), 0, "%s", err.message);
    cr_expect_not(aws_ini_has(ini, NULL, "default"));
}

Test(aws_ini_file, a_missing_file_is_an_empty_one)
{
    expect_empty(aws_home_path("missing"));
    expect_empty("/dev/null/config");
    expect_empty("/dev/null");
}

static void refuse_file(const char *name, int code, const char *why)
{
    struct aws_ini *ini = NULL;
    struct error err = {0};
    const char *path = aws_home_path(name);
    cr_expect_eq(aws_ini_read(path, &ini, &err), -code);
    cr_expect_null(ini);
    cr_expect_eq(strncmp(err.message, path, strlen(path)), 0, "%s", err.message);
    cr_expect_not_null(strstr(err.message, why), "%s", err.message);
}

Test(aws_ini_file, other_trouble_is_an_error_with_path_and_reason, .timeout = 60)
{
    aws_home_write("bad", "[a]\nx\n");
    refuse_file("bad", EINVAL, ": line 2: ");
    refuse_file(".aws", EINVAL, ": not a regular file");
    cr_assert_eq(mkfifo(aws_home_path("pipe"), 0600), 0);
    refuse_file("pipe", EINVAL, ": not a regular file");
    cr_assert_eq(symlink("loop", aws_home_path("loop")), 0);
    refuse_file("loop", ELOOP, ": Too many levels of symbolic links");
    aws_home_write("large", "");
    cr_assert_eq(truncate(aws_home_path("large"), AWS_INI_SIZE_MAX + 1), 0);
    refuse_file("large", E2BIG, ": larger than 1048576 bytes");
}

Test(aws_ini_file, a_file_without_permission_is_an_error)
{
    aws_home_write("secret", "[a]\n");
    cr_assert_eq(chmod(aws_home_path("secret"), 0), 0);
    bool root = geteuid() == 0;
    cr_assert(!root || (chmod(aws_home_path("."), 0711) == 0 && seteuid(65534) == 0));
    refuse_file("secret", EACCES, ": Permission denied");
    cr_assert(!root || seteuid(0) == 0);
}
