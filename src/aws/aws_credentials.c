/* AWS credentials as a value; see aws_credentials.h. */
#include "aws/aws_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/strbuf.h"

static int check_visible(const char *text, const char *what, struct error *err)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return error_set(err, EINVAL, "%s holds a blank or a character that is not visible ASCII", what);
    return 0;
}

static int check_key(const char *text, const char *what, struct error *err)
{
    if (!*text)
        return error_set(err, EINVAL, "%s is empty", what);
    return check_visible(text, what, err);
}

static int copy_all(const char *access_key, const char *secret_key, const char *token, int64_t expires_ns,
                    struct aws_credentials *ret_credentials, struct error *err)
{
    struct aws_credentials made = {.expires_ns = expires_ns};
    if (!text_copy(access_key, &made.access_key) || !text_copy(secret_key, &made.secret_key) ||
        !text_copy(token, &made.session_token)) {
        aws_credentials_done(&made);
        return error_errno(err, ENOMEM, "AWS credentials");
    }
    *ret_credentials = made;
    return 0;
}

int aws_credentials_make(const char *access_key, const char *secret_key, const char *token,
                         int64_t expires_ns, struct aws_credentials *ret_credentials, struct error *err)
{
    int r = check_key(access_key, "the access key", err);
    if (r == 0)
        r = check_key(secret_key, "the secret key", err);
    if (r == 0 && token)
        r = check_visible(token, "the session token", err);
    if (r < 0)
        return r;
    return copy_all(access_key, secret_key, token && *token ? token : NULL, expires_ns, ret_credentials, err);
}

int aws_credentials_copy(const struct aws_credentials *from, struct aws_credentials *ret_copy,
                         struct error *err)
{
    return copy_all(from->access_key, from->secret_key, from->session_token, from->expires_ns, ret_copy, err);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool aws_credentials_equal(const struct aws_credentials *a, const struct aws_credentials *b)
{
    return same_text(a->access_key, b->access_key) && same_text(a->secret_key, b->secret_key) &&
           same_text(a->session_token, b->session_token);
}

int aws_credentials_fingerprint(const struct aws_credentials *credentials, char ret_text[AWS_FINGERPRINT],
                                struct error *err)
{
    _cleanup_digest_ struct digest digest = {0};
    char text[SHA256_TEXT];
    if (!credentials->access_key) {
        (void)snprintf(ret_text, AWS_FINGERPRINT, "anonymous");
        return 0;
    }
    /* each text with its NUL, so that no two pairs look alike */
    if (digest_begin(&digest, DIGEST_SHA256, NULL) < 0 ||
        digest_add(&digest, credentials->access_key, strlen(credentials->access_key) + 1, NULL) < 0 ||
        digest_add(&digest, credentials->secret_key, strlen(credentials->secret_key) + 1, NULL) < 0 ||
        digest_end_text(&digest, text, NULL) < 0)
        return error_set(err, EIO, "AWS credentials: SHA-256 failed");
    (void)snprintf(ret_text, AWS_FINGERPRINT, "%.*s", AWS_FINGERPRINT - 1, text);
    return 0;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void aws_credentials_done(struct aws_credentials *credentials)
{
    wipe(credentials->access_key);
    wipe(credentials->secret_key);
    wipe(credentials->session_token);
    *credentials = (struct aws_credentials){0};
}
