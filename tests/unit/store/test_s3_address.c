/* Where a bucket is: endpoints, regions, styles, and the URLs of keys. */
#include "store/s3_address.h"

#include <errno.h>

#include "testing.h"

static struct s3_address address;

static void free_address(void)
{
    s3_address_done(&address);
}

TestSuite(s3_address, .fini = free_address);

/* The URL of KEY after the address has been made anew. */
static const char *url_of(const char *endpoint, const char *bucket, bool path_style, const char *region,
                          const char *key)
{
    static char copy[8192];
    struct error err = {0};
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(S3_URL_MAX);
    s3_address_done(&address);
    assert_ok(s3_address_init(&address, endpoint, bucket, path_style, &err), &err);
    s3_address_url(&address, region, key, strlen(key), &out);
    cr_assert_eq(out.failed, 0);
    (void)snprintf(copy, sizeof copy, "%s", strbuf_text(&out));
    return copy;
}

Test(s3_address, aws_has_an_endpoint_for_each_region)
{
    cr_assert_str_eq(url_of(NULL, "bucket", false, "us-east-2", "a/b"),
                     "https://bucket.s3.us-east-2.amazonaws.com/a/b");
    cr_assert_str_eq(url_of(NULL, "bucket", false, "cn-north-1", "a"),
                     "https://bucket.s3.cn-north-1.amazonaws.com.cn/a");
    cr_assert_str_eq(url_of(NULL, "bucket", true, "us-east-2", "a"),
                     "https://s3.us-east-2.amazonaws.com/bucket/a");
    cr_assert_str_eq(url_of(NULL, "bucket", false, "us-east-2", ""),
                     "https://bucket.s3.us-east-2.amazonaws.com/");
}

Test(s3_address, endpoints_keep_scheme_port_and_path)
{
    cr_assert_str_eq(url_of("https://s3.example.com", "b", false, "r", "k"), "https://b.s3.example.com/k");
    cr_assert_str_eq(url_of("https://s3.example.com", "b", true, "r", "k"), "https://s3.example.com/b/k");
    cr_assert_str_eq(url_of("http://s3.example.com:8080/", "b", false, "r", "k"),
                     "http://b.s3.example.com:8080/k");
    cr_assert_str_eq(url_of("http://s3.example.com/base/path//", "b", true, "r", "k"),
                     "http://s3.example.com/base/path/b/k");
    cr_assert_str_eq(url_of("HTTP://S3.Example.com", "b", true, "r", ""), "http://S3.Example.com/b/");
}

/* Addresses and a bare "localhost" have no names below them. */
Test(s3_address, hosts_without_subdomains_take_the_bucket_in_the_path)
{
    cr_assert_str_eq(url_of("http://127.0.0.1:7480", "b", false, "r", "k"), "http://127.0.0.1:7480/b/k");
    cr_assert_str_eq(url_of("http://[::1]:9000", "b", false, "r", "k"), "http://[::1]:9000/b/k");
    cr_assert_str_eq(url_of("http://localhost:9000", "b", false, "r", "k"), "http://localhost:9000/b/k");
    cr_assert_str_eq(url_of("http://s3.localhost:9000", "b", false, "r", "k"),
                     "http://b.s3.localhost:9000/k");
}

/* Only what is one label of a host name can stand in one and match a wildcard certificate. */
Test(s3_address, buckets_that_fit_no_host_name_go_into_the_path)
{
    static const char *const awkward[] = {"with.dots", "Upper", "under_score", "-first", "last-", "1.2.3.4"};
    for (size_t i = 0; i < COUNT(awkward); i++) {
        char wanted[128];
        (void)snprintf(wanted, sizeof wanted, "https://s3.r.amazonaws.com/%s/k", awkward[i]);
        cr_assert_str_eq(url_of(NULL, awkward[i], false, "r", "k"), wanted);
    }
    char name[65];
    memset(name, 'n', 64);
    name[64] = '\0';
    cr_assert(strstr(url_of(NULL, name, false, "r", "k"), "amazonaws.com/nnn"));
    name[63] = '\0';
    cr_assert(strstr(url_of(NULL, name, false, "r", "k"), "nnn.s3.r.amazonaws.com/k"));
}

/* AWS Signature Version 4 wants the path encoded just so, slashes raw. */
Test(s3_address, keys_are_encoded_byte_by_byte)
{
    cr_assert_str_eq(url_of(NULL, "b", false, "r", "a b+c%d/\xc3\xbc/'\"&?#=:@!*()\x01~-._"),
                     "https://b.s3.r.amazonaws.com/"
                     "a%20b%2Bc%25d/%C3%BC/%27%22%26%3F%23%3D%3A%40%21%2A%28%29%01~-._");
    cr_assert_str_eq(url_of(NULL, "b", false, "r", "/a//../b/"), "https://b.s3.r.amazonaws.com//a//../b/");
}

Test(s3_address, keys_may_hold_a_nul_byte)
{
    struct error err = {0};
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(S3_URL_MAX);
    assert_ok(s3_address_init(&address, "http://127.0.0.1", "b", true, &err), &err);
    s3_address_url(&address, "r", "a\0b", 3, &out);
    cr_assert_str_eq(strbuf_text(&out), "http://127.0.0.1/b/a%00b");
}

Test(s3_address, bad_bucket_names_are_refused)
{
    char longest[257];
    const char *const bad[] = {"",         ".",   "..",  "a/b", "a b", "a\nb",
                               "\xc3\xbc", "a?b", "a%b", "a@b", "a:b", longest};
    memset(longest, 'n', 256);
    longest[256] = '\0';
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *on_heap = strdup(bad[i]); /* a read before or behind it is found by memory checkers */
        struct error err = {0};
        int result = s3_address_init(&address, NULL, on_heap, false, &err);
        free(on_heap);
        assert_refused(result, EINVAL, &err, "not a bucket name");
        cr_assert_null(address.bucket);
    }
}

Test(s3_address, bad_endpoints_are_refused)
{
    static const struct {
        const char *endpoint;
        const char *why;
    } bad[] = {
        {"", "not an http:// or https:// address"},
        {"127.0.0.1:9000", "not an http:// or https:// address"},
        {"s3.example.com", "not an http:// or https:// address"},
        {"ftp://s3.example.com", "not an http:// or https:// address"},
        {"file:///etc/passwd", "not an http:// or https:// address"},
        {"http://", "not an http:// or https:// address"},
        {"http://host:port", "not an http:// or https:// address"},
        {"http://host:99999", "not an http:// or https:// address"},
        {"http://a b/", "not an http:// or https:// address"},
        {"http://user@host", "no user"},
        {"http://user:secret@host", "no user"},
        {"http://host/?query", "no query"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct error err = {0};
        assert_refused(s3_address_init(&address, bad[i].endpoint, "b", false, &err), EINVAL, &err,
                       bad[i].why);
        cr_assert_null(strstr(err.message, "secret"));
    }
}

Test(s3_address, a_url_beyond_the_limit_is_a_failure)
{
    struct error err = {0};
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(20);
    assert_ok(s3_address_init(&address, "http://127.0.0.1", "b", true, &err), &err);
    s3_address_url(&address, "r", "key", 3, &out);
    cr_assert_eq(out.failed, E2BIG);
}

Test(s3_address, regions_are_lower_case_words)
{
    char name[S3_REGION_MAX + 1];
    cr_assert(s3_region_valid("us-east-1"));
    cr_assert(s3_region_valid("default"));
    static const char *const bad[] = {"", "US", "us east", "us/east", "us.east", "a@b", "a\n", "\xc3\xbc"};
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_assert_not(s3_region_valid(bad[i]), "%s", bad[i]);
    memset(name, 'r', sizeof name);
    name[S3_REGION_MAX] = '\0';
    cr_assert_not(s3_region_valid(name));
    name[S3_REGION_MAX - 1] = '\0';
    cr_assert(s3_region_valid(name));
}
