/* Fuzzes the reader of HTTP header lines: whatever a server sends, values stay in their bounds. Lines of the
   input are lines of the answer; what follows an empty one is its body. */
#include "http/http_response.h"

#include <stdint.h>
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct http_response *response)
{
    CHECK(strnlen(response->etag, sizeof response->etag) < sizeof response->etag);
    CHECK(strnlen(response->content_range, sizeof response->content_range) < sizeof response->content_range);
    CHECK(strnlen(response->region, sizeof response->region) < sizeof response->region);
    CHECK(response->content_length >= -1);
    CHECK(response->body_len < sizeof response->body && response->body[response->body_len] == '\0');
}

/* As curl gives them out: each in memory of its own, with its line end, without a NUL. */
static void feed_line(struct http_response *response, const char *line, size_t len)
{
    char *copy = malloc(len ? len : 1);
    CHECK(copy);
    memcpy(copy, line, len);
    http_response_header(response, copy, len);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_response response;
    const char *text = (const char *)data;
    http_response_reset(&response);
    while (size) {
        const char *newline = memchr(text, '\n', size);
        size_t len = newline ? (size_t)(newline - text) + 1 : size;
        feed_line(&response, text, len);
        text += len;
        size -= len;
        if (len == 1)
            break;
    }
    for (size_t done = 0; done < size; done += 1000)
        http_response_body(&response, text + done, size - done < 1000 ? size - done : 1000);
    check_bounds(&response);
    return 0;
}
