/* Reads an answer's header lines; see http_response.h. */
#include "http/http_response.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

#define RETRY_AFTER_MAX_S 3600

void http_response_reset(struct http_response *response)
{
    response->status = 0;
    response->etag[0] = response->content_range[0] = response->region[0] = response->body[0] = '\0';
    response->content_length = -1;
    response->retry_after_ms = 0;
    response->body_len = 0;
}

static void set_text(char *dst, size_t size, const char *value)
{
    (void)snprintf(dst, size, "%s", value);
}

static void set_etag(struct http_response *response, const char *value)
{
    if (strncmp(value, "W/", 2) == 0)
        value += 2;
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    (void)snprintf(response->etag, sizeof response->etag, "%.*s", (int)len, value);
}

static void set_range(struct http_response *response, const char *value)
{
    set_text(response->content_range, sizeof response->content_range, value);
}

static void set_region(struct http_response *response, const char *value)
{
    set_text(response->region, sizeof response->region, value);
}

static void set_length(struct http_response *response, const char *value)
{
    uint64_t length;
    if (parse_u64(value, INT64_MAX, &length) == 0)
        response->content_length = (int64_t)length;
}

/* Only the form in seconds: servers that throttle use it. */
static void set_retry_after(struct http_response *response, const char *value)
{
    uint64_t seconds;
    if (parse_u64(value, RETRY_AFTER_MAX_S, &seconds) == 0)
        response->retry_after_ms = seconds * 1000;
}

static const struct {
    const char *name;
    void (*set)(struct http_response *response, const char *value);
} headers[] = {
    {"etag", set_etag},
    {"content-range", set_range},
    {"x-amz-bucket-region", set_region},
    {"content-length", set_length},
    {"retry-after", set_retry_after},
};

void http_response_header(struct http_response *response, const char *line, size_t len)
{
    while (len && strchr("\r\n \t", line[len - 1]))
        len--;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        http_response_reset(response);
        return;
    }
    const char *colon = memchr(line, ':', len);
    if (!colon)
        return;
    size_t name_len = (size_t)(colon - line);
    const char *value = colon + 1;
    while (value < line + len && (*value == ' ' || *value == '\t'))
        value++;
    char text[256];
    (void)snprintf(text, sizeof text, "%.*s", (int)(line + len - value), value);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (strlen(headers[i].name) == name_len && strncasecmp(headers[i].name, line, name_len) == 0)
            headers[i].set(response, text);
}

void http_response_body(struct http_response *response, const char *bytes, size_t len)
{
    size_t room = sizeof response->body - 1 - response->body_len;
    if (len > room)
        len = room;
    memcpy(response->body + response->body_len, bytes, len);
    response->body_len += len;
    response->body[response->body_len] = '\0';
}
