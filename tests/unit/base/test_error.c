/* Errors: code and message, escapes, prefixes, limits. */
#include "base/error.h"

#include <errno.h>

#include "testing.h"

Test(error, set_keeps_the_code_and_returns_it_negated)
{
    struct error err = {0};
    cr_assert_eq(error_set(&err, ENOENT, "s3://%s/%d", "b", 7), -ENOENT);
    cr_assert_eq(err.code, ENOENT);
    cr_assert_str_eq(err.message, "s3://b/7");
}

Test(error, errno_adds_the_text_of_the_code)
{
    struct error err = {0};
    cr_assert_eq(error_errno(&err, EACCES, "%s", "/x"), -EACCES);
    cr_assert_str_eq(err.message, "/x: Permission denied");
}

Test(error, prefix_goes_before_the_message_and_keeps_the_code)
{
    struct error err = {0};
    (void)error_set(&err, EIO, "inner");
    cr_assert_eq(error_prefix(&err, -EIO, "outer %s", "b"), -EIO);
    cr_assert_eq(error_prefix(&err, -EIO, "most"), -EIO);
    cr_assert_str_eq(err.message, "most: outer b: inner");
    cr_assert_eq(err.code, EIO);
    cr_assert_eq(error_prefix(&err, 3, "none"), 3);
    cr_assert_str_eq(err.message, "most: outer b: inner");
}

Test(error, nobody_has_to_ask_why)
{
    cr_assert_eq(error_set(NULL, EIO, "x"), -EIO);
    cr_assert_eq(error_errno(NULL, EIO, "x"), -EIO);
    cr_assert_eq(error_prefix(NULL, -ENOMEM, "x"), -ENOMEM);
}

/* A message may be made from the one before. */
Test(error, a_message_may_quote_itself)
{
    struct error err = {0};
    (void)error_set(&err, EIO, "one");
    (void)error_set(&err, EPERM, "two (%s)", err.message);
    cr_assert_str_eq(err.message, "two (one)");
    (void)error_errno(&err, EPERM, "%s", err.message);
    cr_assert_str_eq(err.message, "two (one): Operation not permitted");
    (void)error_prefix(&err, -EIO, "%s", err.message);
    cr_assert_str_eq(err.message, "two (one): Operation not permitted: two (one): Operation not permitted");
}

Test(error, control_characters_never_break_the_line)
{
    struct error err = {0};
    (void)error_set(&err, EIO, "a\nb\tc\x1b[31m\x7f");
    cr_assert_str_eq(err.message, "a\\x0ab\\x09c\\x1b[31m\\x7f");
    (void)error_prefix(&err, -EIO, "k\n");
    cr_assert_str_eq(err.message, "k\\x0a: a\\x0ab\\x09c\\x1b[31m\\x7f");
}

Test(error, overlong_messages_are_cut)
{
    char text[3 * ERROR_MESSAGE_MAX];
    struct error err;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(error_set(&err, EIO, "%s", text), -EIO);
    cr_assert_eq(strlen(err.message), ERROR_MESSAGE_MAX - 1);
    (void)error_prefix(&err, -EIO, "%s", text);
    (void)error_prefix(&err, -EIO, "head");
    cr_assert_eq(strlen(err.message), ERROR_MESSAGE_MAX - 1);
    cr_assert_eq(strncmp(err.message, "head: xxx", 9), 0);
    memset(text, '\n', sizeof text - 1);
    (void)error_errno(&err, EIO, "%s", text);
    cr_assert_lt(strlen(err.message), ERROR_MESSAGE_MAX);
}

Test(error, every_number_has_a_text)
{
    cr_assert_str_eq(error_text(ENOENT), "No such file or directory");
    cr_assert_str_eq(error_text(99999), "unknown error");
    cr_assert_str_eq(error_text(-1), "unknown error");
}
