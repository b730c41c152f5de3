/* The chain of sources: who wins, what is half configured, what is fetched anew. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_chain.h"
#include "test_aws_home.h"

#define LONG_MS 60000 /* never reached */

TestSuite(aws_chain, .init = aws_home_create, .fini = aws_home_remove, .timeout = 60);

/* Prints credentials whose access key counts the calls, and that live for $LIFE seconds. */
#define COUNTING_SCRIPT                                                                                      \
    "echo >>\"$HOME/calls\"\n"                                                                               \
    "printf '{\"Version\": 1, \"AccessKeyId\": \"call-%d\", \"SecretAccessKey\": \"s\", \"SessionToken\": "  \
    "\"t\", '\\\n"                                                                                           \
    "'\"Expiration\": \"%s\"}' $(wc -l <\"$HOME/calls\") $(date -u -d \"+$LIFE seconds\" +%FT%TZ)\n"

static void set(const char *name, const char *value)
{
    cr_assert_eq(setenv(name, value, 1), 0);
}

static void set_environment(void)
{
    set("AWS_ACCESS_KEY_ID", "environment");
    set("AWS_SECRET_ACCESS_KEY", "s");
    set("AWS_SESSION_TOKEN", "t");
}

static int open_chain(const char *profile, uint64_t timeout_ms, struct aws_provider **ret_provider,
                      struct error *err)
{
    _cleanup_aws_config_ struct aws_config config = {0};
    cr_assert_eq(aws_config_load(&(struct aws_config_options){.profile = profile}, &config, err), 0, "%s",
                 err->message);
    return aws_chain_open(&config, timeout_ms, ret_provider, err);
}

static struct aws_provider *open_provider(const char *profile)
{
    struct aws_provider *provider = NULL;
    struct error err = {0};
    cr_assert_eq(open_chain(profile, LONG_MS, &provider, &err), 0, "%s", err.message);
    return provider;
}

/* KEY is NULL where none are expected. */
static void expect_key(struct aws_provider *provider, const char *key)
{
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    struct error err = {0};
    cr_assert_eq(aws_provider_get(provider, LONG_MS, &credentials, &err), 0, "%s", err.message);
    cr_expect_eq(credentials.access_key == NULL, key == NULL);
    if (key && credentials.access_key)
        cr_expect_str_eq(credentials.access_key, key);
}

static void expect(const char *profile, const char *key)
{
    struct aws_provider *provider = NULL;
    struct error err = {0};
    cr_assert_eq(open_chain(profile, LONG_MS, &provider, &err), 0, "%s", err.message);
    expect_key(provider, key);
    aws_provider_free(provider);
}

static void refuse(const char *profile, int code, const char *message)
{
    struct aws_provider *provider = NULL;
    struct error err = {0};
    cr_expect_eq(open_chain(profile, LONG_MS, &provider, &err), -code);
    cr_expect_null(provider);
    cr_expect_not_null(strstr(err.message, message), "%s", err.message);
    cr_expect_null(strstr(err.message, "hidden"), "%s", err.message);
}

static const char answer_config[] =
    "[default]\naws_access_key_id = config\naws_secret_access_key = s\n"
    "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"process\",\"SecretAccessKey\":\"s\"}'\n";

Test(aws_chain, nothing_means_unsigned)
{
    expect(NULL, NULL);
}

Test(aws_chain, the_environment_goes_first)
{
    aws_home_write(".aws/credentials", "[default]\naws_access_key_id = file\naws_secret_access_key = s\n");
    set_environment();
    expect(NULL, "environment");
    set("AWS_PROFILE", "default");
    expect(NULL, "environment");
}

Test(aws_chain, a_profile_given_by_option_goes_before_the_environment)
{
    aws_home_write(".aws/credentials", "[a]\naws_access_key_id = file\naws_secret_access_key = s\n[b]\n");
    set_environment();
    expect("a", "file");
    expect("b", NULL);
}

Test(aws_chain, credentials_file_then_process_then_config_file)
{
    aws_home_write(".aws/credentials", "[default]\naws_access_key_id = file\naws_secret_access_key = s\n");
    aws_home_write(".aws/config", answer_config);
    expect(NULL, "file");
    aws_home_write(".aws/credentials", "[default]\n");
    expect(NULL, "process");
    aws_home_write(".aws/config", "[default]\naws_access_key_id = config\naws_secret_access_key = s\n");
    expect(NULL, "config");
}

Test(aws_chain, keys_come_with_their_token)
{
    aws_home_write(".aws/credentials",
                   "[default]\naws_access_key_id = a\naws_secret_access_key = s\naws_session_token = t\n");
    struct aws_provider *provider = open_provider(NULL);
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    cr_assert_eq(aws_provider_get(provider, 0, &credentials, NULL), 0);
    cr_expect_str_eq(credentials.secret_key, "s");
    cr_expect_str_eq(credentials.session_token, "t");
    cr_expect_eq(credentials.expires_ns, 0);
    aws_provider_free(provider);
}

Test(aws_chain, an_access_key_without_its_secret_is_an_error)
{
    aws_home_write(".aws/credentials", "[default]\naws_access_key_id = hidden\n");
    aws_home_write(".aws/config",
                   "[default]\naws_secret_access_key = hidden\n[profile c]\naws_access_key_id = x\n");
    refuse(NULL, EINVAL,
           ".aws/credentials: profile 'default': it has aws_access_key_id but no aws_secret_access_key");
    refuse("c", EINVAL, ".aws/config: profile 'c': it has aws_access_key_id but no aws_secret_access_key");
    set("AWS_ACCESS_KEY_ID", "hidden");
    refuse(NULL, EINVAL, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
    set("AWS_SECRET_ACCESS_KEY", "");
    refuse(NULL, EINVAL, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
}

Test(aws_chain, a_secret_without_its_access_key_is_no_answer)
{
    set("AWS_SECRET_ACCESS_KEY", "s");
    aws_home_write(".aws/credentials", "[default]\naws_secret_access_key = s\n");
    expect(NULL, NULL);
}

Test(aws_chain, keys_that_no_header_can_hold_are_an_error)
{
    set("AWS_ACCESS_KEY_ID", "a");
    set("AWS_SECRET_ACCESS_KEY", "hidden\r");
    refuse(NULL, EINVAL, "AWS environment variables: the secret key");
    aws_home_write(".aws/credentials", "[f]\naws_access_key_id = a\naws_secret_access_key = s\n  hidden\n");
    refuse("f", EINVAL, ".aws/credentials: profile 'f': the secret key");
}

Test(aws_chain, a_process_that_fails_is_an_error_that_names_the_profile)
{
    aws_home_write(".aws/config",
                   "[profile a]\ncredential_process = echo hidden;echo log in first >&2;exit 7\n"
                   "[profile b]\ncredential_process = sh -c 'echo hidden'\n");
    refuse("a", EACCES, "credential_process of profile 'a': failed with status 7: log in first");
    refuse("b", EINVAL, "credential_process of profile 'b': its answer is not a JSON object");
}

Test(aws_chain, a_process_that_hangs_is_given_up)
{
    aws_home_write(".aws/config", "[default]\ncredential_process = sleep 600\n");
    struct aws_provider *provider = NULL;
    struct error err = {0};
    cr_expect_eq(open_chain(NULL, 200, &provider, &err), -ETIMEDOUT);
    cr_expect_str_eq(err.message, "credential_process of profile 'default': did not end within 200 ms");
}

static void set_counting_process(const char *life)
{
    aws_home_write("keys.sh", COUNTING_SCRIPT);
    aws_home_write(".aws/config", "[default]\ncredential_process = sh \"$HOME/keys.sh\"\n");
    set("LIFE", life);
}

Test(aws_chain, a_process_runs_once_while_its_credentials_last)
{
    set_counting_process("3600");
    struct aws_provider *provider = open_provider(NULL);
    for (int i = 0; i < 20; i++)
        expect_key(provider, "call-1");
    aws_provider_free(provider);
    cr_expect_eq(aws_home_size("calls"), 1);
}

static void *get_often(void *provider)
{
    for (int i = 0; i < 50; i++)
        expect_key(provider, "call-1");
    return NULL;
}

Test(aws_chain, many_threads_run_one_process)
{
    set_counting_process("3600");
    struct aws_provider *provider = open_provider(NULL);
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, get_often, provider), 0);
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    aws_provider_free(provider);
    cr_expect_eq(aws_home_size("calls"), 1);
}

Test(aws_chain, a_process_runs_again_before_its_credentials_expire)
{
    set_counting_process("6");
    struct aws_provider *provider = open_provider(NULL);
    expect_key(provider, "call-1");
    for (bool renewed = false; !renewed;) {
        _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
        struct error err = {0};
        cr_assert_eq(aws_provider_get(provider, LONG_MS, &credentials, &err), 0, "%s", err.message);
        renewed = strcmp(credentials.access_key, "call-2") == 0;
        (void)usleep(10000);
    }
    aws_provider_free(provider);
}

Test(aws_chain, credentials_that_a_process_gives_expired_are_an_error)
{
    set_counting_process("-10");
    refuse(NULL, EKEYEXPIRED, "expired already");
}

Test(aws_chain, environment_credentials_outlive_the_wipe)
{
    set_environment();
    aws_home_write(".aws/credentials", "[default]\naws_access_key_id = file\naws_secret_access_key = s\n");
    struct aws_provider *provider = open_provider(NULL);
    aws_environment_wipe();
    cr_expect_null(getenv("AWS_ACCESS_KEY_ID"));
    expect_key(provider, "environment");
    aws_provider_free(provider);
}
