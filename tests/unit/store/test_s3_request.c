/* What a refusal of S3 means: an answer, a fault that passes, or too many requests. */
#include <errno.h>

#include "store/s3_request.h"
#include "testing.h"

static struct s3 s3 = {.lock = LOCK_INIT(LOCK_LEAF), .region = "us-east-1"};

static enum http_verdict verdict(long status, const char *code, struct error *err)
{
    char what[] = "s3://b/k";
    struct s3_request request = {.s3 = &s3, .what = what, .region = "us-east-1"};
    struct http_response response = {.status = status};
    (void)snprintf(response.body, sizeof response.body, "<Error><Code>%s</Code></Error>", code);
    response.body_len = code[0] ? strlen(response.body) : 0;
    return s3_request_refused(&request.http, &response, err);
}

Test(s3_request, refusals_are_answers_pass_or_ask_for_less)
{
    static const struct {
        long status;
        const char *code;
        enum http_verdict verdict;
        int error;
    } cases[] = {
        {503, "SlowDown", HTTP_THROTTLED, EIO},
        {503, "SlowDownRead", HTTP_THROTTLED, EIO},
        {503, "RequestLimitExceeded", HTTP_THROTTLED, EIO},
        {400, "Throttling", HTTP_THROTTLED, EIO},
        {400, "ThrottlingException", HTTP_THROTTLED, EIO},
        {429, "", HTTP_THROTTLED, EIO},
        {503, "", HTTP_RETRY, EIO},
        {503, "ServiceUnavailable", HTTP_RETRY, EIO},
        {500, "InternalError", HTTP_RETRY, EIO},
        {400, "RequestTimeout", HTTP_RETRY, EIO},
        {504, "", HTTP_RETRY, EIO},
        {403, "AccessDenied", HTTP_FAIL, EACCES},
        {404, "NoSuchKey", HTTP_FAIL, ENOENT},
        {412, "PreconditionFailed", HTTP_FAIL, ESTALE},
        {400, "InvalidRequest", HTTP_FAIL, EIO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        cr_expect_eq(verdict(cases[i].status, cases[i].code, &err), cases[i].verdict, "%ld %s",
                     cases[i].status, cases[i].code);
        cr_expect_eq(err.code, cases[i].error, "%ld %s", cases[i].status, cases[i].code);
    }
}
