/* Listings in the shapes that servers send them, piece by piece and whole; refusals. */
#include <errno.h>

#include "test_s3_xml.h"

TestSuite(s3_xml, .fini = free_page);

static const char aws[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult " NAMESPACE "><Name>therock-ci-artifacts</Name><Prefix>123-linux/</Prefix>"
    "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</"
    "NextContinuationToken><KeyCount>2</KeyCount>"
    "<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
    "<Contents><Key>123-linux/logs/a+b%2Bc%25.log</Key><LastModified>2026-10-01T12:00:00.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><ChecksumAlgorithm>CRC64NVME</"
    "ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>0</Size><StorageClass>STANDARD</StorageClass></Contents>"
    "<Contents><Key>123-linux/x.tar.xz</Key><LastModified>2026-10-01T12:00:01.000Z</LastModified>"
    "<ETag>&quot;9b2cf535f27731c974343645a3985328-12&quot;</ETag><Size>5368709121</Size>"
    "<StorageClass>INTELLIGENT_TIERING</StorageClass></Contents></ListBucketResult>";

Test(s3_xml, reads_a_page_of_aws)
{
    assert_parsed(aws);
    cr_assert_eq(page.count, 2);
    cr_assert_str_eq(key_at(0), "123-linux/logs/a b+c%.log");
    cr_assert_str_eq(etag_at(0), "d41d8cd98f00b204e9800998ecf8427e");
    cr_assert_eq(page.entries[0].size, 0);
    cr_assert_eq(page.entries[0].mtime_ns, 1790856000 * 1000000000LL);
    cr_assert_str_eq(key_at(1), "123-linux/x.tar.xz");
    cr_assert_str_eq(etag_at(1), "9b2cf535f27731c974343645a3985328-12");
    cr_assert_eq(page.entries[1].size, 5368709121);
    cr_assert(page.truncated);
    cr_assert_str_eq(page.token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
}

/* Ceph RGW: Owner inside Contents, the token a raw key, CommonPrefixes, fields in an order of its own. */
Test(s3_xml, reads_a_page_of_ceph)
{
    assert_parsed("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult " NAMESPACE
                  "><Name>b</Name><Prefix></Prefix>"
                  "<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
                  "<NextContinuationToken>run/a &amp; "
                  "b</NextContinuationToken><KeyCount>1</KeyCount><ContinuationToken></ContinuationToken>"
                  "<StartAfter></StartAfter><Contents><Key>run/a%20%26%20b</"
                  "Key><LastModified>2026-10-01T12:00:00.250Z</LastModified>"
                  "<ETag>&quot;e&quot;</ETag><Size>3</Size><StorageClass>STANDARD</StorageClass>"
                  "<Owner><ID>Key</ID><DisplayName>Size</DisplayName><Size>999</Size></Owner><Type>Normal</"
                  "Type></Contents>"
                  "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes></ListBucketResult>");
    cr_assert_eq(page.count, 1);
    cr_assert_str_eq(key_at(0), "run/a & b");
    cr_assert_eq(page.entries[0].size, 3);
    cr_assert_str_eq(page.token, "run/a & b");
}

/* MinIO: no declaration, user metadata and versions among the fields. */
Test(s3_xml, reads_a_page_of_minio)
{
    assert_parsed("<ListBucketResult " NAMESPACE
                  "><Name>b</Name><Prefix>p</Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys>"
                  "<IsTruncated>false</IsTruncated><Contents><Key>p/&lt;&#228;&gt;</Key>"
                  "<LastModified>2026-10-01T12:00:00Z</LastModified><ETag>&#34;abc&#34;</ETag><Size>7</Size>"
                  "<Owner><ID></ID><DisplayName></DisplayName></Owner><StorageClass>STANDARD</StorageClass>"
                  "<UserMetadata><Items><Key>X-Amz-Meta</Key></Items></UserMetadata><IsLatest>true</"
                  "IsLatest></Contents>"
                  "<EncodingType></EncodingType></ListBucketResult>");
    cr_assert_eq(page.count, 1);
    cr_assert_str_eq(key_at(0), "p/<\xc3\xa4>");
    cr_assert_str_eq(etag_at(0), "abc");
    cr_assert_not(page.truncated);
    cr_assert_null(page.token);
}

Test(s3_xml, an_empty_listing_is_one)
{
    assert_parsed("<ListBucketResult/>");
    cr_assert_eq(page.count, 0);
    assert_parsed("\xef\xbb\xbf" HEAD "\n  <IsTruncated>false</IsTruncated>\n" TAIL "\n");
    cr_assert_eq(page.count, 0);
}

Test(s3_xml, another_prefix_of_the_namespace_is_the_same)
{
    assert_parsed("<s3:ListBucketResult "
                  "xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\"><s3:Contents><s3:Key>k</s3:Key>"
                  "<s3:Size>1</s3:Size></s3:Contents></s3:ListBucketResult>");
    cr_assert_str_eq(key_at(0), "k");
}

Test(s3_xml, keys_in_cdata_and_with_blanks_are_kept_as_they_are)
{
    assert_parsed(HEAD ITEM("<![CDATA[a<&>b]]>") ITEM(" a ") ITEM(" ") ITEM("a<!-- no -->b")
                      ITEM("&#13;&#10;&#9;") ITEM("") TAIL);
    cr_assert_eq(page.count, 6);
    cr_assert_str_eq(key_at(0), "a<&>b");
    cr_assert_str_eq(key_at(1), " a ");
    cr_assert_str_eq(key_at(2), " ");
    cr_assert_str_eq(key_at(3), "ab");
    cr_assert_str_eq(key_at(4), "\r\n\t");
    cr_assert_str_eq(key_at(5), "");
    cr_assert_str_eq(etag_at(0), "");
}

/* encoding-type=url: form encoding, '+' for a blank; where a server ignored it, nothing is decoded. */
Test(s3_xml, keys_are_decoded_only_where_the_server_says_that_they_are_encoded)
{
    assert_parsed(HEAD ITEM("a+b%20c%2Bd%25e%2f") ITEM("%00%01%ff") "<EncodingType>url</EncodingType>" TAIL);
    cr_assert_str_eq(key_at(0), "a b c+d%e/");
    cr_assert_eq(page.entries[1].key_len, 3);
    cr_assert_eq(memcmp(page.text.data + page.entries[1].key, "\0\x01\xff", 4), 0);
    assert_parsed(HEAD ITEM("a+b%20c%2Bd%25e%zz") TAIL);
    cr_assert_str_eq(key_at(0), "a+b%20c%2Bd%25e%zz");
}

Test(s3_xml, keys_that_are_not_encoded_as_the_page_says_are_refused)
{
    assert_malformed(HEAD ITEM("a%") "<EncodingType>url</EncodingType>" TAIL, "not url-encoded");
    assert_malformed(HEAD ITEM("a%2") "<EncodingType>url</EncodingType>" TAIL, "not url-encoded");
    assert_malformed(HEAD "<EncodingType>url</EncodingType>" ITEM("good") ITEM("a%zz") TAIL,
                     "not url-encoded");
}

/* Whatever the network cuts it into, the page is the same. */
Test(s3_xml, pieces_of_any_size_give_the_same_page)
{
    static const size_t steps[] = {1, 2, 3, 5, 7, 64, 1000};
    struct error err = {0};
    assert_parsed(aws);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct s3_page pieces = S3_PAGE_INIT;
        assert_ok(parse_bytes(aws, strlen(aws), steps[i], &pieces, &err), &err);
        cr_assert_eq(pieces.count, page.count);
        cr_assert_eq(pieces.text.len, page.text.len);
        cr_assert_eq(memcmp(pieces.text.data, page.text.data, page.text.len), 0);
        cr_assert_eq(memcmp(pieces.entries, page.entries, page.count * sizeof *page.entries), 0);
        cr_assert_str_eq(pieces.token, page.token);
        cr_assert_eq(pieces.truncated, page.truncated);
        s3_page_done(&pieces);
    }
}

Test(s3_xml, a_cleared_page_takes_another_answer)
{
    assert_parsed(aws);
    assert_parsed(HEAD ITEM("only") TAIL);
    cr_assert_eq(page.count, 1);
    cr_assert_not(page.truncated);
    cr_assert_null(page.token);
    cr_assert_str_eq(key_at(0), "only");
}

Test(s3_xml, a_page_of_1000_long_keys_is_read)
{
    _cleanup_strbuf_ struct strbuf xml = STRBUF_INIT(8 << 20);
    char key[1025];
    memset(key, 'k', 1020);
    strbuf_adds(&xml, HEAD);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key + 1020, sizeof key - 1020, "%04d", i);
        strbuf_addf(&xml, "<Contents><Key>%s</Key><Size>%d</Size></Contents>", key, i);
    }
    strbuf_adds(&xml, TAIL);
    assert_parsed(strbuf_text(&xml));
    cr_assert_eq(page.count, 1000);
    for (size_t i = 0; i < 1000; i++)
        cr_assert_eq(page.entries[i].size, i);
    cr_assert_str_eq(key_at(999), key);
}

static void refusal_of(const char *body, struct s3_error *ret_error)
{
    memset(ret_error, 'x', sizeof *ret_error);
    s3_error_parse(body, strlen(body), ret_error);
}

Test(s3_xml, a_refusal_has_the_servers_code_message_and_region)
{
    struct s3_error refusal;
    refusal_of("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code>"
               "<Message>The authorization header is malformed; the region 'us-east-1' is wrong; expecting "
               "'eu-west-1'</Message>"
               "<Region>eu-west-1</Region><RequestId>1</RequestId><HostId>x</HostId></Error>",
               &refusal);
    cr_assert_str_eq(refusal.code, "AuthorizationHeaderMalformed");
    cr_assert(strstr(refusal.message, "expecting 'eu-west-1'"));
    cr_assert_str_eq(refusal.region, "eu-west-1");
}

Test(s3_xml, what_is_no_refusal_gives_empty_words)
{
    static const char *const bodies[] = {
        "",
        "<html><body><Code>502</Code></body></html>",
        "not XML",
        "<Error>",
        "<Error/>",
        "\x01\x02",
        "<ListBucketResult><Code>no</Code></ListBucketResult>",
        "<a><Error><Code>deep</Code></Error></a>",
        "<!DOCTYPE Error [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct s3_error refusal;
        refusal_of(bodies[i], &refusal);
        cr_assert_str_eq(refusal.code, "", "%s", bodies[i]);
        cr_assert_str_eq(refusal.message, "", "%s", bodies[i]);
        cr_assert_str_eq(refusal.region, "", "%s", bodies[i]);
    }
}

/* Only the start of a long body is kept. */
Test(s3_xml, a_refusal_that_is_cut_gives_what_came)
{
    struct s3_error refusal;
    refusal_of("<Error><Code>SlowDown</Code><Message>Please reduce your requ", &refusal);
    cr_assert_str_eq(refusal.code, "SlowDown");
    cr_assert_str_eq(refusal.message, "");
}

Test(s3_xml, overlong_words_of_a_refusal_are_cut)
{
    char body[4096] = "<Error><Code>";
    struct s3_error refusal;
    memset(body + strlen(body), 'c', 1000);
    (void)snprintf(body + 1013, sizeof body - 1013, "</Code></Error>");
    refusal_of(body, &refusal);
    cr_assert_eq(strlen(refusal.code), sizeof refusal.code - 1);
}

/* A status of 200 with an error inside is none. */
Test(s3_xml, an_error_in_place_of_a_listing_is_told)
{
    assert_malformed("<Error><Code>InternalError</Code><Message>We encountered one</Message></Error>",
                     "the server says InternalError: We encountered one");
}
