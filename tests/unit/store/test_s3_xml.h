/* What the tests of the XML reader share: feeding an answer and building listings. */
#ifndef RUNFS_TESTS_STORE_TEST_S3_XML_H
#define RUNFS_TESTS_STORE_TEST_S3_XML_H

#include <errno.h>

#include "base/strbuf.h"
#include "store/s3_xml.h"
#include "testing.h"

#define NAMESPACE "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define HEAD      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult " NAMESPACE ">"
#define TAIL      "</ListBucketResult>"
#define ITEM(key) "<Contents><Key>" key "</Key><Size>1</Size></Contents>"

/* The page of the test; freed by free_page(), a .fini. */
static struct s3_page page = S3_PAGE_INIT;

static inline void free_page(void)
{
    s3_page_done(&page);
}

/* Parses XML (LEN bytes), fed in pieces of STEP bytes, into PAGE. */
static inline int parse_bytes(const char *xml, size_t len, size_t step, struct s3_page *into,
                              struct error *err)
{
    struct s3_parser *parser;
    int result = s3_parser_open(into, &parser, err);
    if (result < 0)
        return result;
    for (size_t done = 0; result == 0 && done < len; done += step)
        result = s3_parser_feed(parser, xml + done, step < len - done ? step : len - done, err);
    if (result == 0)
        result = s3_parser_end(parser, err);
    s3_parser_close(parser);
    return result;
}

static inline int parse(const char *xml, struct error *err)
{
    s3_page_clear(&page);
    return parse_bytes(xml, strlen(xml), SIZE_MAX, &page, err);
}

static inline void assert_parsed(const char *xml)
{
    struct error err = {0};
    assert_ok(parse(xml, &err), &err);
}

static inline void assert_malformed(const char *xml, const char *why)
{
    struct error err = {0};
    int result = parse(xml, &err);
    cr_assert_eq(result, -EIO, "%d (%s) for %.200s", result, err.message, xml);
    cr_assert(strstr(err.message, why), "'%s' is not in: %s", why, err.message);
}

static inline const char *key_at(size_t i)
{
    cr_assert_lt(i, page.count);
    cr_assert_eq(strlen(page.text.data + page.entries[i].key), page.entries[i].key_len);
    return page.text.data + page.entries[i].key;
}

static inline const char *etag_at(size_t i)
{
    cr_assert_lt(i, page.count);
    return page.text.data + page.entries[i].etag;
}

#endif
