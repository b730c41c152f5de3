/* Following a server to the bucket's region, signed. nginx does not check signatures; it looks at their
 * scope. */
#include <errno.h>

#include "aws/aws_provider.h"
#include "test_s3_server.h"

static struct aws_provider *provider;
static struct store *store;

static int give_credentials(void *arg, struct aws_credentials *ret_credentials, bool *ret_final,
                            struct error *err)
{
    (void)arg;
    *ret_final = true;
    return aws_credentials_make("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "session-token", 0, ret_credentials,
                                err);
}

static int64_t no_time(void *arg)
{
    (void)arg;
    return 0;
}

static void free_nothing(void *arg)
{
    (void)arg;
}

static void set_up(void)
{
    static const struct aws_provider_ops ops = {give_credentials, no_time, free_nothing};
    struct error err;
    server_open();
    assert_ok(aws_provider_new(&ops, NULL, &provider, &err), &err);
    struct s3_config config = {.timeout_ms = LONG_MS, .provider = provider};
    store = server_store_of(&config);
}

static void tear_down(void)
{
    store_close(store);
    aws_provider_free(provider);
    server_close();
}

TestSuite(s3_region, .init = set_up, .fini = tear_down);

static int fetch(struct error *err)
{
    struct object object = {.key = "small", .key_len = 5, .etag = "", .size = SMALL_SIZE};
    return fetch_pattern(store, &object, 0, SMALL_SIZE, err);
}

/* How often a server of region eu-west-1 has been asked, by FORM of its refusal, for three fetches. */
static void assert_follows(const char *faults)
{
    struct error err;
    server_faults(faults);
    for (int i = 0; i < 3; i++)
        assert_ok(fetch(&err), &err);
    cr_assert_eq(server_hits(), 4, "%zu requests: one too many for the first fetch, none later",
                 server_hits());
}

Test(s3_region, a_redirect_is_followed_and_remembered)
{
    assert_follows("{\"region\": \"eu-west-1\"}");
}

Test(s3_region, a_signature_refused_for_its_region_is_made_anew)
{
    assert_follows("{\"region\": \"eu-west-1\", \"region_form\": \"400\"}");
}

Test(s3_region, a_bucket_that_is_nowhere_is_an_error)
{
    struct error err = {0};
    server_faults("{\"region\": \"eu-west-1\", \"region_next\": \"eu-west-2\"}");
    cr_assert_eq(fetch(&err), -EIO);
    cr_assert(strstr(err.message, "the bucket is elsewhere (HTTP 301"), "%s", err.message);
    cr_assert_leq(server_hits(), 10);
}

Test(s3_region, a_region_that_is_no_name_is_not_followed)
{
    struct error err = {0};
    server_faults("{\"region\": \"evil.example.com/\", \"region_form\": \"400\"}");
    cr_assert_eq(fetch(&err), -EIO);
    cr_assert(strstr(err.message, "HTTP 400 AuthorizationHeaderMalformed"), "%s", err.message);
    cr_assert_eq(server_hits(), 1);
}

Test(s3_region, a_region_that_is_no_name_is_refused_when_the_store_is_opened)
{
    struct s3_config config = {
        .endpoint = server_url(), .bucket = "b", .prefix = "", .region = "Not A Region"};
    struct store *none = NULL;
    struct error err = {0};
    assert_refused(s3_open(&config, &none, &err), EINVAL, &err, "region 'Not A Region'");
    config.region = NULL;
    config.bucket = "a/b";
    assert_refused(s3_open(&config, &none, &err), EINVAL, &err, "bucket 'a/b'");
    config.bucket = "b";
    config.endpoint = "nowhere";
    assert_refused(s3_open(&config, &none, &err), EINVAL, &err, "endpoint 'nowhere'");
    cr_assert_null(none);
}
