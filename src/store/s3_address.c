/* Where a bucket is, and the URLs of its objects; see s3_address.h. */
#include "store/s3_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "http/http.h"

#define LOWER_DIGITS   "abcdefghijklmnopqrstuvwxyz0123456789"
#define BUCKET_CHARS   LOWER_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-"
#define HOST_LABEL_MAX 63

bool s3_region_valid(const char *text)
{
    size_t len = strspn(text, LOWER_DIGITS "-");
    return len > 0 && len < S3_REGION_MAX && text[len] == '\0';
}

static int check_bucket(const char *bucket, struct error *err)
{
    size_t len = strspn(bucket, BUCKET_CHARS);
    if (len == 0 || len > 255 || bucket[len] != '\0' || strcmp(bucket, ".") == 0 || strcmp(bucket, "..") == 0)
        return error_set(err, EINVAL, "bucket '%s': not a bucket name", bucket);
    return 0;
}

/* A name with dots would not match a wildcard certificate, so only single labels count. */
static bool fits_host_name(const char *bucket)
{
    size_t len = strspn(bucket, LOWER_DIGITS "-");
    return len > 0 && bucket[len] == '\0' && len <= HOST_LABEL_MAX && bucket[0] != '-' &&
           bucket[len - 1] != '-';
}

/* Addresses and plain "localhost" have no names below them. */
static bool has_subdomains(const char *host)
{
    struct in_addr ignored;
    return host[0] != '[' && inet_pton(AF_INET, host, &ignored) != 1 && strcmp(host, "localhost") != 0;
}

static void free_curl(char **text)
{
    curl_free(*text);
}

static void free_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

#define _cleanup_curl_ __attribute__((cleanup(free_curl)))
#define _cleanup_url_  __attribute__((cleanup(free_url)))

static int copy_authority(struct s3_address *address, const char *host, const char *port)
{
    struct strbuf text = STRBUF_INIT(512);
    strbuf_adds(&text, host);
    if (port)
        strbuf_addf(&text, ":%s", port);
    int result = strbuf_take(&text, &address->authority);
    strbuf_done(&text);
    return result;
}

static int read_endpoint(struct s3_address *address, const char *endpoint, struct error *err)
{
    _cleanup_url_ CURLU *url = curl_url();
    _cleanup_curl_ char *scheme = NULL;
    _cleanup_curl_ char *host = NULL;
    _cleanup_curl_ char *port = NULL;
    _cleanup_curl_ char *path = NULL;
    _cleanup_curl_ char *user = NULL;
    _cleanup_curl_ char *query = NULL;
    if (!url)
        return error_errno(err, ENOMEM, "endpoint");
    if (curl_url_set(url, CURLUPART_URL, endpoint, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return error_set(err, EINVAL, "endpoint '%s': not an http:// or https:// address", endpoint);
    (void)curl_url_get(url, CURLUPART_PORT, &port, 0);
    if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
        curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK)
        return error_set(err, EINVAL, "endpoint: may hold no user and no query");
    size_t path_len = strlen(path);
    while (path_len && path[path_len - 1] == '/')
        path_len--;
    address->scheme = strdup(scheme);
    address->path = strndup(path, path_len);
    if (!address->scheme || !address->path || copy_authority(address, host, port) < 0)
        return error_errno(err, ENOMEM, "endpoint");
    if (!has_subdomains(host))
        address->path_style = true;
    return 0;
}

int s3_address_init(struct s3_address *address, const char *endpoint, const char *bucket, bool path_style,
                    struct error *err)
{
    *address = (struct s3_address){.path_style = path_style || !fits_host_name(bucket)};
    int result = check_bucket(bucket, err);
    if (result == 0 && endpoint)
        result = read_endpoint(address, endpoint, err);
    if (result == 0 && !(address->bucket = strdup(bucket)))
        result = error_errno(err, ENOMEM, "bucket");
    if (result < 0)
        s3_address_done(address);
    return result;
}

void s3_address_done(struct s3_address *address)
{
    free(address->bucket);
    free(address->scheme);
    free(address->authority);
    free(address->path);
    *address = (struct s3_address){0};
}

void s3_address_url(const struct s3_address *address, const char *region, const char *key, size_t key_len,
                    struct strbuf *out)
{
    const char *china = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";
    strbuf_addf(out, "%s://", address->scheme ? address->scheme : "https");
    if (!address->path_style)
        strbuf_addf(out, "%s.", address->bucket);
    if (address->scheme)
        strbuf_addf(out, "%s%s", address->authority, address->path);
    else
        strbuf_addf(out, "s3.%s.amazonaws.com%s", region, china);
    if (address->path_style)
        strbuf_addf(out, "/%s", address->bucket);
    strbuf_adds(out, "/");
    escape_percent(out, key, key_len, true);
}
