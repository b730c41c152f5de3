/* What every S3 request shares; see s3_request.h. */
#include "store/s3_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/s3_xml.h"

#define WHAT_MAX 400

/* A long key must not push out of a message why something failed. */
static void cut_what(char *what)
{
    if (strlen(what) > WHAT_MAX)
        memcpy(what + WHAT_MAX - 3, "...", 4);
}

/* New credentials are progress: the request's time counts from their arrival. */
static int get_credentials(struct s3_request *request, bool may_wait, struct error *err)
{
    struct aws_provider *provider = request->s3->provider;
    struct http_request *http = &request->http;
    int result = provider ? aws_provider_get(provider, 0, &request->credentials, err) : 0;
    if (result != -EAGAIN || !may_wait)
        return result;
    uint64_t now = clock_ms();
    uint64_t deadline = (http->since_ms ? http->since_ms : now) + http->timeout_ms;
    result = aws_provider_get(provider, deadline > now ? deadline - now : 1, &request->credentials, err);
    http->since_ms = clock_ms();
    return result;
}

int s3_request_init(struct s3_request *request, struct s3 *s3, const char *key, size_t key_len, bool may_wait,
                    uint64_t since_ms, struct error *err)
{
    request->s3 = s3;
    if (asprintf(&request->what, "s3://%s/%s%.*s", s3->address.bucket, s3->prefix, (int)key_len, key) < 0) {
        request->what = NULL;
        return error_errno(err, ENOMEM, "s3://%s", s3->address.bucket);
    }
    cut_what(request->what);
    request->http.what = request->what;
    request->http.timeout_ms = s3->timeout_ms;
    request->http.since_ms = since_ms;
    int result = get_credentials(request, may_wait, err);
    if (result < 0)
        s3_request_done(request);
    return result;
}

void s3_request_done(struct s3_request *request)
{
    aws_credentials_done(&request->credentials);
    free(request->what);
    request->what = NULL;
}

/* libcurl signs; it takes path and query exactly as they stand in the URL, so they are in canonical form
   already, and every header that it is given (AWS Signature Version 4, "Create a canonical request"). */
static int sign(struct s3_request *request, CURL *easy, struct curl_slist **headers)
{
    const struct aws_credentials *credentials = &request->credentials;
    char scope[S3_REGION_MAX + 16];
    (void)snprintf(scope, sizeof scope, "aws:amz:%s:s3", request->region);
    if (curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, scope) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_USERNAME, credentials->access_key) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PASSWORD, credentials->secret_key) != CURLE_OK)
        return -ENOMEM;
    if (credentials->session_token &&
        http_header_add(headers, "x-amz-security-token: %s", credentials->session_token) < 0)
        return -ENOMEM;
    return http_header_add(headers, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
}

/* A retry takes newer credentials where there are some; the engine's thread must not wait for them. */
static void renew_credentials(struct s3_request *request)
{
    struct aws_credentials newer = {0};
    if (!request->s3->provider || request->http.attempts < 2 ||
        aws_provider_get(request->s3->provider, 0, &newer, NULL) < 0)
        return;
    aws_credentials_done(&request->credentials);
    request->credentials = newer;
}

int s3_request_prepare(struct s3_request *request, CURL *easy, struct curl_slist **headers, const char *key,
                       size_t key_len, const char *query, struct error *err)
{
    struct s3 *s3 = request->s3;
    _cleanup_strbuf_ struct strbuf url = STRBUF_INIT(S3_URL_MAX);
    renew_credentials(request);
    lock_take(&s3->lock);
    memcpy(request->region, s3->region, sizeof request->region);
    lock_drop(&s3->lock);
    s3_address_url(&s3->address, request->region, key, key_len, &url);
    if (query)
        strbuf_addf(&url, "?%s", query);
    if (url.failed)
        return error_errno(err, url.failed, "%s", request->what);
    if (curl_easy_setopt(easy, CURLOPT_URL, strbuf_text(&url)) != CURLE_OK ||
        (request->credentials.access_key && sign(request, easy, headers) < 0))
        return error_errno(err, ENOMEM, "%s", request->what);
    return 0;
}

/* Learns the bucket's region from a redirect or a signature refused for its region; false where that teaches
   nothing new. */
static bool learn_region(struct s3_request *request, const struct http_response *response,
                         const struct s3_error *refusal)
{
    bool redirect = response->status >= 300 && response->status < 400;
    bool misplaced = response->status == 400 && (strcmp(refusal->code, "AuthorizationHeaderMalformed") == 0 ||
                                                 strcmp(refusal->code, "IncorrectEndpoint") == 0);
    const char *region = response->region[0] ? response->region : refusal->region;
    if ((!redirect && !misplaced) || !s3_region_valid(region) || strcmp(region, request->region) == 0)
        return false;
    struct s3 *s3 = request->s3;
    lock_take(&s3->lock);
    (void)snprintf(s3->region, sizeof s3->region, "%s", region);
    lock_drop(&s3->lock);
    return true;
}

/* LIST ends with NULL. */
static bool is_one_of(const char *code, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(code, *list) == 0)
            return true;
    return false;
}

/* The server asks for fewer requests; MinIO has a SlowDown of its own for each direction. */
static bool asks_for_less(long status, const char *code)
{
    static const char *const codes[] = {
        "SlowDown", "SlowDownRead", "Throttling", "ThrottlingException", "RequestLimitExceeded", NULL};
    return status == 429 || is_one_of(code, codes);
}

static bool may_pass(long status, const char *code)
{
    static const char *const codes[] = {"RequestTimeout", "InternalError", "ServiceUnavailable", NULL};
    return status == 408 || status == 500 || status == 502 || status == 503 || status == 504 ||
           is_one_of(code, codes);
}

static int errno_of(long status)
{
    switch (status) {
    case 401:
    case 403:
        return EACCES;
    case 404:
        return ENOENT;
    case 412:
    case 416:
        return ESTALE;
    default:
        return EIO;
    }
}

static const char *words_of(long status, const char *code)
{
    if (strcmp(code, "NoSuchBucket") == 0)
        return "no such bucket";
    switch (errno_of(status)) {
    case EACCES:
        return "access denied";
    case ENOENT:
        return "not found";
    case ESTALE:
        return "the object has been replaced";
    default:
        return status >= 300 && status < 400 ? "the bucket is elsewhere" : "the server refuses";
    }
}

enum http_verdict s3_request_refused(struct http_request *http, const struct http_response *response,
                                     struct error *err)
{
    struct s3_request *request = (struct s3_request *)http;
    struct s3_error refusal;
    s3_error_parse(response->body, response->body_len, &refusal);
    (void)error_set(err, errno_of(response->status), "%s: %s (HTTP %ld%s%s%s%s)", request->what,
                    words_of(response->status, refusal.code), response->status, refusal.code[0] ? " " : "",
                    refusal.code, refusal.message[0] ? ": " : "", refusal.message);
    if (learn_region(request, response, &refusal))
        return HTTP_AGAIN;
    if (asks_for_less(response->status, refusal.code))
        return HTTP_THROTTLED;
    bool expired = strcmp(refusal.code, "ExpiredToken") == 0;
    if (request->s3->provider && expired)
        aws_provider_invalidate(request->s3->provider, &request->credentials);
    return expired || may_pass(response->status, refusal.code) ? HTTP_RETRY : HTTP_FAIL;
}
