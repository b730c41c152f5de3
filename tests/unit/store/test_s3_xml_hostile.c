/* Answers that are broken, hostile or not XML: each is refused, none is taken for a listing. */
#include <errno.h>

#include "test_s3_xml.h"

TestSuite(s3_xml_hostile, .fini = free_page);

Test(s3_xml_hostile, an_answer_that_ends_too_soon_is_refused_wherever_it_is_cut)
{
    static const char whole[] = HEAD ITEM("a") ITEM("b&amp;c") "<IsTruncated>false</IsTruncated>" TAIL;
    assert_parsed(whole);
    for (size_t len = 0; len < strlen(whole); len++) {
        struct error err = {0};
        struct s3_page cut = S3_PAGE_INIT;
        cr_assert_eq(parse_bytes(whole, len, SIZE_MAX, &cut, &err), -EIO, "after %zu bytes", len);
        cr_assert(err.message[0]);
        s3_page_done(&cut);
        cr_assert_eq(parse_bytes(whole, len, 1, &cut, &err), -EIO, "after %zu single bytes", len);
        s3_page_done(&cut);
    }
}

Test(s3_xml_hostile, what_is_no_listing_is_refused)
{
    assert_malformed("", "malformed XML");
    assert_malformed("\n\n", "malformed XML");
    assert_malformed("not XML", "malformed XML");
    assert_malformed("{\"keys\": []}", "malformed XML");
    assert_malformed("<html><body>Sign in</body></html>", "not a listing");
    assert_malformed("<a><ListBucketResult/></a>", "not a listing");
    assert_malformed("<ListAllMyBucketsResult/>", "not a listing");
    assert_malformed(HEAD TAIL "<more/>", "malformed XML");
    assert_malformed(HEAD TAIL "text", "malformed XML");
    assert_malformed(HEAD "<Contents></Wrong>" TAIL, "malformed XML");
    assert_malformed(HEAD "<Contents><Key>k</Contents>" TAIL, "malformed XML");
    assert_malformed(HEAD "a & b" TAIL, "malformed XML");
}

Test(s3_xml_hostile, entries_without_key_or_size_are_refused)
{
    assert_malformed(HEAD "<Contents><Size>1</Size></Contents>" TAIL, "lacks its key or size");
    assert_malformed(HEAD "<Contents><Key>k</Key></Contents>" TAIL, "lacks its key or size");
    assert_malformed(HEAD "<Contents/>" TAIL, "lacks its key or size");
    assert_malformed(HEAD ITEM("a") "<Contents><Key>k</Key></Contents>" TAIL, "lacks its key or size");
}

Test(s3_xml_hostile, sizes_and_times_that_are_none_are_refused)
{
    static const char *const sizes[] = {
        "", "-1", "1.5", "0x10", " 1", "9223372036854775808", "18446744073709551616", "1e3"};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char xml[512];
        (void)snprintf(xml, sizeof xml, HEAD "<Contents><Key>k</Key><Size>%s</Size></Contents>" TAIL,
                       sizes[i]);
        assert_malformed(xml, "a size is not a number");
    }
    static const char *const times[] = {"", "yesterday", "2026-10-01", "2026-02-30T00:00:00Z",
                                        "1601-01-01T00:00:00Z"};
    for (size_t i = 0; i < COUNT(times); i++) {
        char xml[512];
        (void)snprintf(xml, sizeof xml,
                       HEAD
                       "<Contents><Key>k</Key><Size>1</Size><LastModified>%s</LastModified></Contents>" TAIL,
                       times[i]);
        assert_malformed(xml, "a time is not one");
    }
}

Test(s3_xml_hostile, a_document_type_is_refused_before_any_of_it_counts)
{
    assert_malformed("<!DOCTYPE ListBucketResult>" HEAD TAIL, "malformed");
    assert_malformed("<!DOCTYPE ListBucketResult><ListBucketResult/>", "document type");
    assert_malformed(
        "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><ListBucketResult>" ITEM("&b;")
            TAIL,
        "document type");
    assert_malformed("<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><ListBucketResult/>", "document type");
    assert_malformed("<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ListBucketResult>" ITEM("&x;")
                         TAIL,
                     "document type");
    assert_malformed("<!DOCTYPE l [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x\"> %p;]><ListBucketResult/>",
                     "document type");
    cr_assert_eq(page.count, 0);
}

Test(s3_xml_hostile, unknown_entities_are_refused)
{
    assert_malformed(HEAD ITEM("a&nbsp;b") TAIL, "malformed XML");
    assert_malformed(HEAD ITEM("&unheard-of;") TAIL, "malformed XML");
    assert_malformed(HEAD ITEM("&") TAIL, "malformed XML");
    assert_malformed(HEAD ITEM("&#xFFFFFFFFFF;") TAIL, "malformed XML");
}

Test(s3_xml_hostile, bytes_that_are_no_characters_are_refused_in_keys)
{
    assert_malformed(HEAD ITEM("a&#1;b") TAIL, "malformed XML");
    assert_malformed(HEAD ITEM("a\x01"
                               "b") TAIL,
                     "malformed XML");
    assert_malformed(HEAD ITEM("a\xff"
                               "b") TAIL,
                     "malformed XML");
    assert_malformed(HEAD ITEM("&#0;") TAIL, "malformed XML");
    assert_malformed(HEAD ITEM("&#xD800;") TAIL, "malformed XML");
    static const char nul[] = HEAD "<Contents><Key>a\0b</Key><Size>1</Size></Contents>" TAIL;
    struct error err = {0};
    cr_assert_eq(parse_bytes(nul, sizeof nul - 1, SIZE_MAX, &page, &err), -EIO);
}

/* Ceph sends keys as they are as tokens, with references that XML forbids: the page counts, the token does
 * not. */
Test(s3_xml_hostile, a_token_with_forbidden_characters_is_left_out)
{
    static const char *const tokens[] = {"a&#1;b",
                                         "&#x1;",
                                         "a&#0;",
                                         "&#1;&#2;&#3;",
                                         "a&#x1F;b&#x7;c",
                                         "a\x01"
                                         "b\x02"
                                         "c"};
    for (size_t i = 0; i < COUNT(tokens); i++)
        for (size_t step = 1; step < 1000; step *= 10) {
            char xml[1024];
            struct error err = {0};
            (void)snprintf(
                xml, sizeof xml,
                HEAD
                "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>" ITEM("k")
                    TAIL,
                tokens[i]);
            s3_page_clear(&page);
            int result = parse_bytes(xml, strlen(xml), step, &page, &err);
            cr_assert_eq(result, 0, "%s: %s", tokens[i], err.message);
            cr_assert_null(page.token);
            cr_assert(page.truncated);
            cr_assert_str_eq(key_at(0), "k");
        }
}

Test(s3_xml_hostile, forbidden_characters_behind_a_broken_token_are_refused)
{
    assert_malformed(HEAD "<NextContinuationToken>a&#1;</NextContinuationToken>" ITEM("b&#1;") TAIL,
                     "malformed XML");
    assert_malformed(HEAD "<NextContinuationToken>a&#1;</NextContinuationToken>" ITEM("b") "&#1;" TAIL,
                     "malformed XML");
}

Test(s3_xml_hostile, depth_is_limited)
{
    _cleanup_strbuf_ struct strbuf xml = STRBUF_INIT(8 << 20);
    strbuf_adds(&xml, HEAD);
    for (int i = 0; i < 200000; i++)
        strbuf_adds(&xml, "<deep>");
    assert_malformed(strbuf_text(&xml), "nested too deeply");
}

Test(s3_xml_hostile, an_element_is_limited)
{
    _cleanup_strbuf_ struct strbuf xml = STRBUF_INIT(64 << 20);
    strbuf_adds(&xml, HEAD "<Contents><Key>");
    for (int i = 0; i < 100; i++)
        strbuf_addf(&xml, "%01000d", 0);
    strbuf_adds(&xml, "</Key><Size>1</Size></Contents>" TAIL);
    assert_malformed(strbuf_text(&xml), "too long");
}

Test(s3_xml_hostile, the_number_of_entries_is_limited)
{
    _cleanup_strbuf_ struct strbuf xml = STRBUF_INIT(64 << 20);
    strbuf_adds(&xml, HEAD);
    for (int i = 0; i < S3_PAGE_KEYS_MAX + 1; i++)
        strbuf_adds(&xml, ITEM("k"));
    strbuf_adds(&xml, TAIL);
    assert_malformed(strbuf_text(&xml), "too large");
}

/* Comments for ever: nothing to keep, but not without end. */
Test(s3_xml_hostile, the_size_of_an_answer_is_limited)
{
    static char comment[1 << 20];
    struct s3_parser *parser;
    struct error err = {0};
    (void)snprintf(comment, sizeof comment, "<!--%0*d-->", (int)sizeof comment - 8, 0);
    assert_ok(s3_parser_open(&page, &parser, &err), &err);
    int result = s3_parser_feed(parser, HEAD, strlen(HEAD), &err);
    for (size_t fed = 0; result == 0 && fed <= S3_PAGE_BYTES_MAX; fed += strlen(comment))
        result = s3_parser_feed(parser, comment, strlen(comment), &err);
    s3_parser_close(parser);
    assert_refused(result, EIO, &err, "too large");
}

/* An ETag goes into a request's header. */
Test(s3_xml_hostile, an_etag_with_control_characters_is_refused)
{
    assert_malformed(
        HEAD
        "<Contents><Key>k</Key><Size>1</Size><ETag>&quot;e&quot;&#13;&#10;X-Evil: 1</ETag></Contents>" TAIL,
        "malformed");
    assert_malformed(HEAD "<Contents><Key>k</Key><Size>1</Size><ETag>a&#10;b</ETag></Contents>" TAIL,
                     "malformed");
    assert_malformed(HEAD "<Contents><Key>k</Key><Size>1</Size><ETag>a&quot;b</ETag></Contents>" TAIL,
                     "malformed");
}

Test(s3_xml_hostile, after_a_failure_nothing_is_taken_any_more)
{
    struct s3_parser *parser;
    struct error err = {0};
    assert_ok(s3_parser_open(&page, &parser, &err), &err);
    cr_assert_eq(s3_parser_feed(parser, "<x></y>", 7, &err), -EIO);
    cr_assert_eq(s3_parser_feed(parser, HEAD ITEM("k") TAIL, strlen(HEAD ITEM("k") TAIL), &err), -EIO);
    cr_assert_eq(s3_parser_end(parser, &err), -EIO);
    cr_assert_eq(page.count, 0);
    s3_parser_close(parser);
}

Test(s3_xml_hostile, a_parser_may_be_closed_at_any_time)
{
    struct s3_parser *parser;
    struct error err = {0};
    s3_parser_close(NULL);
    assert_ok(s3_parser_open(&page, &parser, &err), &err);
    s3_parser_close(parser);
    assert_ok(s3_parser_open(&page, &parser, &err), &err);
    assert_ok(s3_parser_feed(parser, HEAD "<Contents><Key>k", strlen(HEAD "<Contents><Key>k"), &err), &err);
    s3_parser_close(parser);
}
