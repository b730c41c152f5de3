/* One attempt of a request on the wire: curl's options and callbacks, and the judgement of how it ended. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/wait.h"
#include "http/http_engine.h"

#define CONNECT_TIMEOUT_MAX_MS 10000
#define RECEIVE_BUFFER         (128L * 1024)
#define CONNECT_ATTEMPTS_MAX   4
#define RETRY_AFTER_MAX_S      3600
#define HEADER_MAX             16384 /* session tokens run to a few thousand bytes */

static bool is_success(long status)
{
    return status == 200 || status == 206;
}

void http_header_get(const struct http_request *request, const char *name, char *text, size_t size)
{
    struct curl_header *header;
    bool found = curl_easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
    (void)snprintf(text, size, "%s", found ? header->value : "");
}

int http_header_add(struct curl_slist **headers, const char *format, ...)
{
    char line[HEADER_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    struct curl_slist *longer = len < 0 || len >= HEADER_MAX ? NULL : curl_slist_append(*headers, line);
    explicit_bzero(line, sizeof line);
    if (!longer)
        return -ENOMEM;
    *headers = longer;
    return 0;
}

/* Takes the quotes and "W/" off an ETag. */
static void strip_etag(char *etag)
{
    char *value = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    memmove(etag, value, len);
    etag[len] = '\0';
}

/* Reads the answer's head, once its last line has come. */
static void load_head(struct http_request *request)
{
    struct http_response *response = request->response;
    CURL *easy = request->easy;
    char retry_after[32];
    curl_off_t length = -1;
    uint64_t seconds;
    if (response->status)
        return;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response->status);
    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    response->content_length = length;
    http_header_get(request, "etag", response->etag, sizeof response->etag);
    strip_etag(response->etag);
    http_header_get(request, "content-range", response->content_range, sizeof response->content_range);
    http_header_get(request, "x-amz-bucket-region", response->region, sizeof response->region);
    http_header_get(request, "retry-after", retry_after, sizeof retry_after);
    if (parse_u64(retry_after, RETRY_AFTER_MAX_S, &seconds) == 0) /* servers that throttle use this form */
        response->retry_after_ms = seconds * 1000;
}

/* Keeps the start of a refusal's body. */
static void keep_body(struct http_response *response, const char *bytes, size_t len)
{
    size_t room = sizeof response->body - 1 - response->body_len;
    if (len > room)
        len = room;
    memcpy(response->body + response->body_len, bytes, len);
    response->body_len += len;
}

/* Accepts the head of a 200 or 206 once an attempt. */
static int begin_once(struct http_request *request)
{
    if (request->begun)
        return 0;
    request->begun = true;
    return request->ops->begin(request, request->response, &request->failure);
}

static int take_body(struct http_request *request, const char *bytes, size_t len)
{
    int result = begin_once(request);
    return result < 0 ? result : request->ops->data(request, bytes, len, &request->failure);
}

/* Bytes that only trickle are no progress (PROGRESS_BYTES). */
static void notice_progress(struct http_request *request, size_t len)
{
    request->client->stats.bytes += len;
    request->unnoticed += len;
    if (request->unnoticed < PROGRESS_BYTES)
        return;
    request->unnoticed = 0;
    request->attempt_at = clock_ms();
    if (is_success(request->response->status))
        request->progress_at = request->client->engine->progress_at = request->attempt_at;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_request *request = context;
    size_t len = size * count;
    load_head(request);
    notice_progress(request, len);
    if (!is_success(request->response->status)) {
        keep_body(request->response, bytes, len);
        return len;
    }
    request->abort_code = take_body(request, bytes, len);
    return request->abort_code < 0 ? CURL_WRITEFUNC_ERROR : len;
}

static int set_options(struct http_engine *engine, struct http_request *request)
{
    CURL *easy = request->easy;
    uint64_t connect_ms = request->timeout_ms / 3 + 1;
    if (connect_ms > CONNECT_TIMEOUT_MAX_MS)
        connect_ms = CONNECT_TIMEOUT_MAX_MS;
    CURLcode code = CURLE_OK;
#define SET(option, value)                                                                                   \
    if (code == CURLE_OK)                                                                                    \
    code = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_PRIVATE, (void *)request);
    SET(CURLOPT_ERRORBUFFER, request->curl_error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, (void *)request);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L); /* keys may hold ".." */
    SET(CURLOPT_USERAGENT, "runfs/" RUNFS_VERSION);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    if (engine->ca_bundle)
        SET(CURLOPT_CAINFO, engine->ca_bundle);
#undef SET
    /* libcurl 7.88 refuses this where it kept the buffer of an attempt that failed before it was sent: no
     * harm */
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    if (code != CURLE_OK)
        return error_set(&request->failure, EIO, "%s: %s", request->what, curl_easy_strerror(code));
    return 0;
}

static int take_handle(struct http_engine *engine, struct http_request *request)
{
    request->easy = engine->idle_count ? engine->idle[--engine->idle_count] : curl_easy_init();
    request->response = calloc(1, sizeof *request->response);
    if (!request->easy || !request->response)
        return error_errno(&request->failure, ENOMEM, "%s", request->what);
    return 0;
}

int attempt_start(struct http_engine *engine, struct http_request *request)
{
    request->attempts++;
    request->unnoticed = 0;
    request->retry_after_ms = 0;
    request->begun = false;
    request->abort_code = 0;
    request->curl_error[0] = '\0';
    request->attempt_at = clock_ms();
    int result = take_handle(engine, request);
    if (result == 0)
        result = set_options(engine, request);
    if (result == 0)
        result = request->ops->prepare(request, request->easy, &request->headers, &request->failure);
    if (result == 0 && curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers) != CURLE_OK)
        result = error_errno(&request->failure, ENOMEM, "%s", request->what);
    if (result == 0 && curl_multi_add_handle(engine->multi, request->easy) != CURLM_OK)
        result = error_set(&request->failure, EIO, "%s: cannot start the transfer", request->what);
    return result;
}

void attempt_stop(struct http_engine *engine, struct http_request *request)
{
    if (request->easy) {
        (void)curl_multi_remove_handle(engine->multi, request->easy);
        curl_easy_reset(request->easy); /* it must not point into the request, nor keep its secrets */
        if (engine->idle_count < engine->connections)
            engine->idle[engine->idle_count++] = request->easy;
        else
            curl_easy_cleanup(request->easy);
    }
    request->easy = NULL;
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    free(request->response);
    request->response = NULL;
}

/* Faults that pass by themselves; the others (bad certificate, no such CA file) do not. */
static bool is_passing(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
        return true;
    default:
        return false;
    }
}

static enum attempt_result judge_fault(struct http_request *request, CURLcode code)
{
    const char *text = request->curl_error[0] ? request->curl_error : curl_easy_strerror(code);
    (void)error_set(&request->failure, EIO, "%s: %s", request->what, text);
    request->fault = code == CURLE_OPERATION_TIMEDOUT ? REQUEST_TIMEOUT : REQUEST_CONNECTION;
    bool connecting = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
                      code == CURLE_SSL_CONNECT_ERROR;
    if (connecting && request->attempts >= CONNECT_ATTEMPTS_MAX)
        return ATTEMPT_FAILED;
    return is_passing(code) ? ATTEMPT_RETRY : ATTEMPT_FAILED;
}

static enum attempt_result judge_code(struct http_request *request, int result)
{
    request->fault = REQUEST_SERVER_ERROR;
    return result == 0 ? ATTEMPT_DONE : result == -EAGAIN ? ATTEMPT_RETRY : ATTEMPT_FAILED;
}

static enum attempt_result judge_success(struct http_request *request)
{
    int result = begin_once(request);
    if (result == 0 && request->ops->end)
        result = request->ops->end(request, &request->failure);
    return judge_code(request, result);
}

static enum attempt_result judge_refusal(struct http_request *request)
{
    request->retry_after_ms = request->response->retry_after_ms;
    switch (request->ops->refused(request, request->response, &request->failure)) {
    case HTTP_AGAIN:
        return ATTEMPT_AGAIN;
    case HTTP_RETRY:
        request->fault = REQUEST_SERVER_ERROR;
        return ATTEMPT_RETRY;
    case HTTP_THROTTLED:
        request->fault = REQUEST_THROTTLED;
        return ATTEMPT_THROTTLED;
    default:
        request->client->engine->progress_at = clock_ms(); /* it is an answer */
        return ATTEMPT_FAILED;
    }
}

enum attempt_result attempt_judge(struct http_request *request, CURLcode code)
{
    load_head(request);
    if (request->abort_code < 0)
        return judge_code(request, request->abort_code);
    if (code != CURLE_OK)
        return judge_fault(request, code);
    return is_success(request->response->status) ? judge_success(request) : judge_refusal(request);
}
