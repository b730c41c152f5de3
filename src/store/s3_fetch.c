/* A ranged GET of one object, bound to the ETag it was listed with. A retry goes on where the last attempt
 * ended. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/s3_request.h"

struct s3_get {
    struct s3_request request;
    struct fetch_sink *sink;
    char *key; /* below the bucket, owned */
    size_t key_len;
    char *etag; /* owned */
    uint64_t size;
    uint64_t offset;
    uint64_t len;
    uint64_t received; /* so far, over all attempts */
};

static int get_prepare(struct http_request *http, CURL *easy, struct curl_slist **headers, struct error *err)
{
    struct s3_get *get = (struct s3_get *)http;
    char range[64];
    (void)snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, get->offset + get->received,
                   get->offset + get->len - 1);
    if (curl_easy_setopt(easy, CURLOPT_RANGE, range) != CURLE_OK ||
        (get->etag[0] && http_header_add(headers, "If-Match: \"%s\"", get->etag) < 0))
        return error_errno(err, ENOMEM, "%s", get->request.what);
    return s3_request_prepare(&get->request, easy, headers, get->key, get->key_len, NULL, err);
}

static int wrong_range(const struct s3_get *get, const char *why, struct error *err)
{
    return error_set(err, EIO, "%s: the server's answer is wrong: %s", get->request.what, why);
}

/* RFC 9110, 14.4: "bytes FIRST-LAST/SIZE". */
static int check_range(const struct s3_get *get, const char *text, struct error *err)
{
    uint64_t first;
    uint64_t last;
    uint64_t size;
    char extra;
    if (sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64 "%c", &first, &last, &size, &extra) != 3)
        return wrong_range(get, "no usable Content-Range", err);
    if (size != get->size)
        return error_set(err, ESTALE, "%s: the object has been replaced (another size)", get->request.what);
    if (first != get->offset + get->received || last != get->offset + get->len - 1)
        return wrong_range(get, "not the range that was asked for", err);
    return 0;
}

static int get_begin(struct http_request *http, const struct http_response *response, struct error *err)
{
    struct s3_get *get = (struct s3_get *)http;
    if (response->etag[0] && get->etag[0] && strcmp(response->etag, get->etag) != 0)
        return error_set(err, ESTALE, "%s: the object has been replaced", get->request.what);
    if (response->status == 206)
        return check_range(get, response->content_range, err);
    if (get->offset + get->received != 0 || get->len != get->size)
        return wrong_range(get, "all of the object in place of a range", err);
    if (response->content_length >= 0 && (uint64_t)response->content_length != get->size)
        return error_set(err, ESTALE, "%s: the object has been replaced (another size)", get->request.what);
    return 0;
}

static int get_data(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct s3_get *get = (struct s3_get *)http;
    if (len > get->len - get->received)
        return wrong_range(get, "more bytes than asked for", err);
    get->received += len;
    lock_assert_none("gives bytes to a sink");
    get->sink->data(get->sink, bytes, len);
    return 0;
}

static int get_end(struct http_request *http, struct error *err)
{
    struct s3_get *get = (struct s3_get *)http;
    if (get->received == get->len)
        return 0;
    (void)error_set(err, EIO, "%s: the server sent %" PRIu64 " of %" PRIu64 " bytes", get->request.what,
                    get->received, get->len);
    return -EAGAIN;
}

static bool get_cancelled(struct http_request *http)
{
    return atomic_load(&((struct s3_get *)http)->sink->cancelled);
}

static bool get_urgent(struct http_request *http)
{
    return atomic_load(&((struct s3_get *)http)->sink->urgent);
}

static void get_free(struct s3_get *get)
{
    s3_request_done(&get->request);
    free(get->key);
    free(get->etag);
    free(get);
}

/* To a reader, an object that is gone has changed: its name was there when the file was opened. */
static void get_done(struct http_request *http, int result, const struct error *err)
{
    struct s3_get *get = (struct s3_get *)http;
    get->sink->done(get->sink, result == -ENOENT ? -ESTALE : result, err);
    get_free(get);
}

static const struct http_request_ops get_ops = {
    .prepare = get_prepare,
    .begin = get_begin,
    .data = get_data,
    .end = get_end,
    .refused = s3_request_refused,
    .cancelled = get_cancelled,
    .urgent = get_urgent,
    .done = get_done,
};

static int get_set_up(struct s3_get *get, struct s3 *s3, const struct object *object)
{
    size_t prefix_len = strlen(s3->prefix);
    get->key_len = prefix_len + object->key_len;
    get->key = malloc(get->key_len + 1);
    get->etag = strdup(object->etag);
    if (!get->key || !get->etag)
        return -ENOMEM;
    memcpy(get->key, s3->prefix, prefix_len);
    memcpy(get->key + prefix_len, object->key, object->key_len);
    get->key[get->key_len] = '\0';
    return 0;
}

int s3_fetch(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
             enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err)
{
    struct s3 *s3 = (struct s3 *)store;
    struct s3_get *get = calloc(1, sizeof *get);
    if (!get || get_set_up(get, s3, object) < 0) {
        if (get)
            get_free(get);
        return error_errno(err, ENOMEM, "%s", object->key);
    }
    get->sink = sink;
    get->size = object->size;
    get->offset = offset;
    get->len = len;
    get->request.http.ops = &get_ops;
    get->request.http.fetch_class = fetch_class;
    get->request.http.kind = REQUEST_GET;
    bool may_wait = fetch_class == FETCH_READ; /* read-ahead must not delay the reader that starts it */
    int result =
        s3_request_init(&get->request, s3, object->key, object->key_len, may_wait, sink->since_ms, err);
    if (result < 0)
        get_free(get);
    else
        http_submit(s3->client, &get->request.http);
    return result;
}
