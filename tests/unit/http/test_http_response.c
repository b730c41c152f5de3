/* The heads of answers as the callbacks of a request see them, from a server that sends any bytes. */
#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "http/http.h"
#include "testing.h"

static struct http_engine *engine;
static struct http_client *client;
static int listener;
static char url[64];

/* What came of the exchange. */
static struct http_response seen;
static int result;
static sem_t ended;

static int on_prepare(struct http_request *http, CURL *easy, struct curl_slist **headers, struct error *err)
{
    (void)http, (void)headers, (void)err;
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
}

static int on_begin(struct http_request *http, const struct http_response *response, struct error *err)
{
    (void)http, (void)err;
    seen = *response;
    return 0;
}

static int on_data(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    (void)http, (void)bytes, (void)len, (void)err;
    return 0;
}

static enum http_verdict on_refused(struct http_request *http, const struct http_response *response,
                                    struct error *err)
{
    (void)http;
    seen = *response;
    (void)error_set(err, EACCES, "refused");
    return HTTP_FAIL;
}

static void on_done(struct http_request *http, int code, const struct error *err)
{
    (void)http, (void)err;
    result = code;
    (void)sem_post(&ended);
}

static const struct http_request_ops ops = {
    .prepare = on_prepare, .begin = on_begin, .data = on_data, .refused = on_refused, .done = on_done};

static void set_up(void)
{
    struct http_config config = {.connections = 1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct error err;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    (void)sem_init(&ended, 0, 0);
    assert_ok(http_engine_open(&config, &engine, &err), &err);
    assert_ok(http_client_open(engine, &client, &err), &err);
}

static void tear_down(void)
{
    http_client_close(client);
    http_engine_close(engine);
    (void)close(listener);
}

TestSuite(http_response, .init = set_up, .fini = tear_down);

/* Answers one request with HEAD and BODY; *SEEN is what the callbacks saw then. */
static void exchange(const char *head, const char *body)
{
    char request[4096];
    struct http_request http = {.ops = &ops, .what = "test", .timeout_ms = 5000};
    _cleanup_free_ char *text = NULL;
    seen = (struct http_response){0};
    cr_assert_gt(asprintf(&text, "%s\r\nConnection: close\r\n\r\n%s", head, body), 0);
    http_submit(client, &http);
    _cleanup_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_gt(read(fd, request, sizeof request), 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    (void)sem_wait(&ended);
}

Test(http_response, has_the_headers_that_matter)
{
    exchange("HTTP/1.1 206 Partial Content\r\nETAG: \t \"abc-1\" \t\r\nContent-Range: bytes 0-9/100\r\n"
             "Content-Length: 10\r\nx-amz-bucket-region: eu-west-1\r\nx-etag: \"d\"",
             "0123456789");
    cr_assert_eq(result, 0);
    cr_assert_eq(seen.status, 206);
    cr_assert_str_eq(seen.etag, "abc-1");
    cr_assert_str_eq(seen.content_range, "bytes 0-9/100");
    cr_assert_eq(seen.content_length, 10);
    cr_assert_str_eq(seen.region, "eu-west-1");
}

Test(http_response, is_empty_where_headers_are_missing)
{
    exchange("HTTP/1.1 200 OK\r\nServer: other", "0123456789");
    cr_assert_eq(result, 0);
    cr_assert_str_eq(seen.etag, "");
    cr_assert_str_eq(seen.content_range, "");
    cr_assert_str_eq(seen.region, "");
    cr_assert_eq(seen.content_length, -1);
}

Test(http_response, etags_lose_their_quotes_and_weakness)
{
    static const char *const cases[][2] = {
        {"W/\"abc\"", "abc"}, {"abc", "abc"}, {"\"\"", ""}, {"\"", "\""}, {"\"a\"b\"", "a\"b"}};
    char head[128];
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nETag: %s", cases[i][0]);
        exchange(head, "");
        cr_assert_str_eq(seen.etag, cases[i][1], "%s", cases[i][0]);
    }
}

Test(http_response, an_interim_answer_is_forgotten)
{
    exchange("HTTP/1.1 100 Continue\r\nETag: \"interim\"\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\n"
             "Server: x",
             "0123456789");
    cr_assert_str_eq(seen.etag, "");
    cr_assert_eq(seen.content_length, -1);
}

Test(http_response, overlong_values_are_cut)
{
    char head[2000];
    size_t len = (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nX-Amz-Bucket-Region: ");
    memset(head + len, 'x', sizeof head - len - 1);
    head[sizeof head - 1] = '\0';
    exchange(head, "");
    cr_assert_eq(strlen(seen.region), sizeof seen.region - 1);
}

Test(http_response, keeps_the_start_of_a_refusals_body)
{
    static char body[3 * HTTP_ERROR_BODY_MAX];
    memset(body, 'p', sizeof body - 1);
    exchange("HTTP/1.1 403 Forbidden\r\nRetry-After: 7", body);
    cr_assert_eq(result, -EACCES);
    cr_assert_eq(seen.retry_after_ms, 7000);
    cr_assert_eq(seen.body_len, HTTP_ERROR_BODY_MAX - 1);
    cr_assert_eq(strlen(seen.body), HTTP_ERROR_BODY_MAX - 1);
}

Test(http_response, a_time_to_wait_that_is_no_number_is_none)
{
    exchange("HTTP/1.1 403 Forbidden\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT", "");
    cr_assert_eq(seen.retry_after_ms, 0);
}
