/* Reads S3's XML answers as they arrive, with libxml2's push parser: no DTD, no entities but the predefined
   ones, bounded in size, depth and number of entries. Formats: Amazon S3 API reference, ListObjectsV2 and
   REST errors. */
#ifndef RUNFS_STORE_S3_XML_H
#define RUNFS_STORE_S3_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

#define S3_PAGE_KEYS_MAX  10000
#define S3_PAGE_BYTES_MAX (64U * 1024 * 1024)

/* One <Contents>; offsets into s3_page.text, both NUL-terminated there. */
struct s3_entry {
    size_t key;
    size_t key_len;
    size_t etag;
    uint64_t size;
    int64_t mtime_ns;
};

/* A parsed page. All memory belongs to the page; begin with S3_PAGE_INIT. */
struct s3_page {
    struct s3_entry *entries;
    size_t count;
    size_t capacity;
    struct strbuf text;
    bool truncated;
    bool url_encoded;
    char *token; /* NextContinuationToken, NULL where there is none */
};

#define S3_PAGE_INIT                                                                                         \
    {                                                                                                        \
        .text = STRBUF_INIT(S3_PAGE_BYTES_MAX)                                                               \
    }

/* A text of the page. */
static inline char *s3_page_at(const struct s3_page *page, size_t offset)
{
    return page->text.data + offset;
}

/* Empties the page and keeps its memory. */
void s3_page_clear(struct s3_page *page);

/* Frees what the page holds. */
void s3_page_done(struct s3_page *page);

/* The answer's own words on a refusal; empty strings where it has none. */
struct s3_error {
    char code[64];
    char message[256];
    char region[64];
};

struct s3_parser;

/* A parser that fills PAGE, which must outlive it. */
int s3_parser_open(struct s3_page *page, struct s3_parser **ret_parser, struct error *err);

/* Takes the next bytes of the answer. -EIO: not a listing, too large, malformed. */
int s3_parser_feed(struct s3_parser *parser, const char *bytes, size_t len, struct error *err);

/* The answer has ended: checks that it was whole and decodes url-encoded keys. */
int s3_parser_end(struct s3_parser *parser, struct error *err);

/* NULL is allowed. */
void s3_parser_close(struct s3_parser *parser);

/* Reads an error answer (LEN bytes, maybe cut); always sets *RET_ERROR. */
void s3_error_parse(const char *body, size_t len, struct s3_error *ret_error);

#endif
