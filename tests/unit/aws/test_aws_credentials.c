/* Credentials as a value. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "aws/aws_credentials.h"

Test(aws_credentials, keeps_copies)
{
    char key[] = "AKID";
    _cleanup_aws_credentials_ struct aws_credentials made = {0};
    struct error err = {0};
    cr_assert_eq(aws_credentials_make(key, "secret/+=", "token", 7, &made, &err), 0, "%s", err.message);
    key[0] = 'x';
    cr_expect_str_eq(made.access_key, "AKID");
    cr_expect_str_eq(made.secret_key, "secret/+=");
    cr_expect_str_eq(made.session_token, "token");
    cr_expect_eq(made.expires_ns, 7);
}

Test(aws_credentials, an_empty_token_is_none)
{
    _cleanup_aws_credentials_ struct aws_credentials made = {0};
    cr_assert_eq(aws_credentials_make("a", "s", "", 0, &made, NULL), 0);
    cr_expect_null(made.session_token);
}

static void refuse(const char *access_key, const char *secret_key, const char *token, const char *what)
{
    struct aws_credentials made = {0};
    struct error err = {0};
    cr_expect_eq(aws_credentials_make(access_key, secret_key, token, 0, &made, &err), -EINVAL);
    cr_expect_null(made.access_key);
    cr_expect_eq(strncmp(err.message, what, strlen(what)), 0, "%s", err.message);
    cr_expect_null(strstr(err.message, "hidden"), "%s", err.message);
}

Test(aws_credentials, refuses_what_could_break_a_header_without_quoting_it)
{
    refuse("hidden\r\nHost: x", "s", NULL, "the access key");
    refuse("", "s", NULL, "the access key");
    refuse("a", "hidden ", NULL, "the secret key");
    refuse("a", "", NULL, "the secret key");
    refuse("a", "hidden\xc3\xa9", NULL, "the secret key");
    refuse("a", "s", "hidden\n", "the session token");
    refuse("a", "s", "hidden\x7f", "the session token");
}

Test(aws_credentials, copies_and_compares)
{
    _cleanup_aws_credentials_ struct aws_credentials one = {0};
    _cleanup_aws_credentials_ struct aws_credentials copy = {0};
    _cleanup_aws_credentials_ struct aws_credentials other = {0};
    const struct aws_credentials none = {0};
    cr_assert_eq(aws_credentials_make("a", "s", "t", 9, &one, NULL), 0);
    cr_assert_eq(aws_credentials_make("a", "s", NULL, 9, &other, NULL), 0);
    cr_assert_eq(aws_credentials_copy(&one, &copy, NULL), 0);
    cr_expect_eq(copy.expires_ns, 9);
    cr_expect_neq(copy.secret_key, one.secret_key);
    cr_expect(aws_credentials_equal(&one, &copy));
    cr_expect_not(aws_credentials_equal(&one, &other));
    cr_expect_not(aws_credentials_equal(&one, &none));
    cr_expect(aws_credentials_equal(&none, &none));
}

Test(aws_credentials, copies_none)
{
    const struct aws_credentials none = {0};
    struct aws_credentials copy = {.expires_ns = 1};
    cr_assert_eq(aws_credentials_copy(&none, &copy, NULL), 0);
    cr_expect_null(copy.access_key);
    cr_expect_eq(copy.expires_ns, 0);
}
