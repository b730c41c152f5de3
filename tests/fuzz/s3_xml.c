/* Fuzzes the reader of S3's XML: any bytes are refused with a message, or give a page whose parts lie in it,
   and the same page whether they come at once or in pieces. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "store/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds DATA in pieces of STEP bytes. */
static int parse(const char *data, size_t size, size_t step, struct s3_page *page)
{
    struct s3_parser *parser;
    struct error err = {0};
    CHECK(s3_parser_open(page, &parser, &err) == 0);
    int result = 0;
    for (size_t done = 0; result == 0 && done < size; done += step)
        result = s3_parser_feed(parser, data + done, step < size - done ? step : size - done, &err);
    if (result == 0)
        result = s3_parser_end(parser, &err);
    s3_parser_close(parser);
    CHECK(result == 0 || ((result == -EIO || result == -ENOMEM) && err.message[0]));
    CHECK(is_plain_line(err.message));
    return result;
}

static void check_page(const struct s3_page *page)
{
    CHECK(page->count <= S3_PAGE_KEYS_MAX && page->text.len <= S3_PAGE_BYTES_MAX);
    for (size_t i = 0; i < page->count; i++) {
        const struct s3_entry *entry = &page->entries[i];
        CHECK(entry->key < page->text.len && entry->key_len < page->text.len - entry->key);
        CHECK(page->text.data[entry->key + entry->key_len] == '\0');
        CHECK(entry->etag < page->text.len);
        CHECK(is_plain_line(page->text.data + entry->etag));
        CHECK(entry->size <= INT64_MAX);
    }
}

static void check_same(const struct s3_page *a, const struct s3_page *b)
{
    CHECK(a->count == b->count && a->text.len == b->text.len && a->truncated == b->truncated);
    CHECK(!a->text.len || memcmp(a->text.data, b->text.data, a->text.len) == 0);
    CHECK(!a->count || memcmp(a->entries, b->entries, a->count * sizeof *a->entries) == 0);
    CHECK(!a->token == !b->token && (!a->token || strcmp(a->token, b->token) == 0));
}

static void check_error(const char *data, size_t size)
{
    struct s3_error refusal;
    s3_error_parse(data, size, &refusal);
    CHECK(strlen(refusal.code) < sizeof refusal.code && strlen(refusal.message) < sizeof refusal.message);
    CHECK(strlen(refusal.region) < sizeof refusal.region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 7, 64};
    const char *text = (const char *)data;
    struct s3_page whole = S3_PAGE_INIT;
    int result = parse(text, size, SIZE_MAX, &whole);
    if (result == 0)
        check_page(&whole);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct s3_page pieces = S3_PAGE_INIT;
        CHECK(parse(text, size, steps[i], &pieces) == result);
        if (result == 0)
            check_same(&whole, &pieces);
        s3_page_done(&pieces);
    }
    s3_page_done(&whole);
    check_error(text, size);
    return 0;
}
