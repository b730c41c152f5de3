/* Precedence of AWS's options, variables and shared files. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_config.h"
#include "test_aws_home.h"

TestSuite(aws_config, .init = aws_home_create, .fini = aws_home_remove);

static void set(const char *name, const char *value)
{
    cr_assert_eq(setenv(name, value, 1), 0);
}

static void load(const struct aws_config_options *options, struct aws_config *config)
{
    struct error err = {0};
    cr_assert_eq(aws_config_load(options, config, &err), 0, "%s", err.message);
}

static void refuse(const struct aws_config_options *options, int code, const char *message)
{
    struct aws_config config = {0};
    struct error err = {0};
    cr_expect_eq(aws_config_load(options, &config, &err), -code);
    cr_expect_null(config.profile);
    cr_expect_str_eq(err.message, message);
}

static const struct aws_config_options none;

static struct aws_config_options of_profile(const char *profile)
{
    return (struct aws_config_options){.profile = profile};
}

/* Loads with OPTIONS and compares a text field. */
#define EXPECT(field, expected, options)                                                                     \
    do {                                                                                                     \
        const struct aws_config_options options_ = (options);                                                \
        _cleanup_aws_config_ struct aws_config config_ = {0};                                                \
        load(&options_, &config_);                                                                           \
        cr_expect_not_null(config_.field);                                                                   \
        if (config_.field)                                                                                   \
            cr_expect_str_eq(config_.field, expected);                                                       \
    } while (0)

Test(aws_config, without_anything_there_are_defaults)
{
    _cleanup_aws_config_ struct aws_config config = {0};
    load(&none, &config);
    cr_expect_str_eq(config.profile, "default");
    cr_expect_not(config.profile_by_option);
    cr_expect_str_eq(config.config_path, aws_home_path(".aws/config"));
    cr_expect_str_eq(config.credentials_path, aws_home_path(".aws/credentials"));
    cr_expect_null(config.region);
    cr_expect_null(config.endpoint);
    cr_expect_null(config.ca_bundle);
    cr_expect_eq(config.addressing, AWS_ADDRESSING_AUTO);
}

Test(aws_config, profile_is_option_then_variable_then_default)
{
    aws_home_write(".aws/config",
                   "[default]\nregion = d\n[profile env]\nregion = e\n[profile option]\nregion = o\n");
    EXPECT(region, "d", none);
    EXPECT(region, "o", of_profile("option"));
    set("AWS_PROFILE", "env");
    EXPECT(region, "e", none);
    EXPECT(region, "o", of_profile("option"));
    set("AWS_PROFILE", "");
    EXPECT(profile, "default", none);
}

Test(aws_config, knows_a_profile_given_by_option)
{
    aws_home_write(".aws/credentials", "[a]\n");
    _cleanup_aws_config_ struct aws_config config = {0};
    load(&(struct aws_config_options){.profile = "a"}, &config);
    cr_expect(config.profile_by_option);
}

Test(aws_config, a_named_profile_must_exist_in_either_file)
{
    aws_home_write(".aws/config", "[profile c]\n[plain]\n");
    aws_home_write(".aws/credentials", "[k]\n");
    EXPECT(profile, "c", of_profile("c"));
    EXPECT(profile, "k", of_profile("k"));
    refuse(&(struct aws_config_options){.profile = "plain"}, ENOENT,
           "AWS profile 'plain': not found in the shared config and credentials files");
    set("AWS_PROFILE", "default");
    refuse(&none, ENOENT, "AWS profile 'default': not found in the shared config and credentials files");
}

Test(aws_config, profile_default_goes_before_plain_default)
{
    aws_home_write(".aws/config",
                   "[profile default]\nregion = named\n[default]\nregion = plain\nca_bundle = /x\n");
    EXPECT(region, "named", none);
    _cleanup_aws_config_ struct aws_config config = {0};
    load(&none, &config);
    cr_expect_null(config.ca_bundle);
}

Test(aws_config, region_is_option_then_variables_then_profile)
{
    aws_home_write(".aws/config", "[default]\nregion = profile\n");
    EXPECT(region, "profile", none);
    set("AWS_DEFAULT_REGION", "default-variable");
    EXPECT(region, "default-variable", none);
    set("AWS_REGION", "variable");
    EXPECT(region, "variable", none);
    EXPECT(region, "option", ((struct aws_config_options){.region = "option"}));
    set("AWS_REGION", "");
    set("AWS_DEFAULT_REGION", "");
    EXPECT(region, "profile", none);
}

Test(aws_config, the_credentials_file_goes_before_the_config_file)
{
    aws_home_write(".aws/config", "[default]\nregion = config\nca_bundle = /config\n");
    aws_home_write(".aws/credentials", "[default]\nregion = credentials\nca_bundle =\n");
    EXPECT(region, "credentials", none);
    EXPECT(ca_bundle, "/config", none);
}

Test(aws_config, endpoint_is_option_then_variables_then_services_then_profile)
{
    aws_home_write(".aws/config", "[profile p]\nendpoint_url = http://profile\n"
                                  "[profile s]\nendpoint_url = http://profile\nservices = local\n"
                                  "[profile other]\nendpoint_url = http://profile\nservices = sts\n"
                                  "[services local]\ns3 =\n  endpoint_url = http://services\n"
                                  "[services sts]\nsts =\n  endpoint_url = http://sts\n");
    EXPECT(endpoint, "http://profile", of_profile("p"));
    EXPECT(endpoint, "http://services", of_profile("s"));
    EXPECT(endpoint, "http://profile", of_profile("other"));
    set("AWS_ENDPOINT_URL", "http://all");
    EXPECT(endpoint, "http://all", of_profile("s"));
    set("AWS_ENDPOINT_URL_S3", "http://s3");
    EXPECT(endpoint, "http://s3", of_profile("s"));
    EXPECT(endpoint, "http://option",
           ((struct aws_config_options){.profile = "s", .endpoint = "http://option"}));
}

Test(aws_config, configured_endpoints_can_be_ignored)
{
    aws_home_write(".aws/config", "[default]\nendpoint_url = http://profile\n"
                                  "[profile i]\nendpoint_url = http://profile\n"
                                  "ignore_configured_endpoint_urls = true\n");
    set("AWS_ENDPOINT_URL", "http://all");
    _cleanup_aws_config_ struct aws_config by_profile = {0};
    load(&(struct aws_config_options){.profile = "i"}, &by_profile);
    cr_expect_null(by_profile.endpoint);
    set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false");
    EXPECT(endpoint, "http://all", of_profile("i"));
    set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True");
    _cleanup_aws_config_ struct aws_config by_variable = {0};
    load(&none, &by_variable);
    cr_expect_null(by_variable.endpoint);
    EXPECT(endpoint, "http://option", ((struct aws_config_options){.endpoint = "http://option"}));
}

Test(aws_config, a_missing_services_section_is_an_error_where_it_matters)
{
    aws_home_write(".aws/config", "[default]\nservices = gone\n");
    refuse(&none, ENOENT, "AWS profile 'default': its section [services gone] does not exist");
    EXPECT(endpoint, "http://option", ((struct aws_config_options){.endpoint = "http://option"}));
}

Test(aws_config, ca_bundle_is_variable_then_profile)
{
    aws_home_write(".aws/config", "[default]\nca_bundle = /profile.pem\n");
    EXPECT(ca_bundle, "/profile.pem", none);
    set("AWS_CA_BUNDLE", "/variable.pem");
    EXPECT(ca_bundle, "/variable.pem", none);
}

Test(aws_config, paths_become_absolute)
{
    aws_home_write("keys", "[a]\n");
    cr_assert_eq(chdir(aws_home_path("")), 0);
    set("AWS_CA_BUNDLE", "ca.pem");
    set("AWS_SHARED_CREDENTIALS_FILE", "keys");
    set("AWS_CONFIG_FILE", "~/settings");
    _cleanup_aws_config_ struct aws_config config = {0};
    load(&(struct aws_config_options){.profile = "a"}, &config);
    cr_assert_eq(chdir("/"), 0);
    cr_expect_str_eq(config.ca_bundle, aws_home_path("ca.pem"));
    cr_expect_str_eq(config.credentials_path, aws_home_path("keys"));
    cr_expect_str_eq(config.config_path, aws_home_path("settings"));
}

Test(aws_config, variables_name_the_files)
{
    aws_home_write("settings", "[profile a]\nregion = here\n");
    aws_home_write(".aws/config", "[profile a]\nregion = there\n");
    set("AWS_CONFIG_FILE", aws_home_path("settings"));
    EXPECT(region, "here", of_profile("a"));
    set("AWS_CONFIG_FILE", "");
    EXPECT(region, "there", of_profile("a"));
}

Test(aws_config, without_HOME_the_account_tells)
{
    cr_assert_eq(unsetenv("HOME"), 0);
    set("AWS_CONFIG_FILE", "/dev/null");
    _cleanup_aws_config_ struct aws_config config = {0};
    load(&none, &config);
    cr_expect(!config.credentials_path || *config.credentials_path == '/');
}

Test(aws_config, addressing_style_is_read)
{
    aws_home_write(".aws/config", "[default]\n[profile p]\ns3 =\n  addressing_style = path\n"
                                  "[profile v]\ns3 =\n  addressing_style = virtual\n"
                                  "[profile x]\ns3 =\n  addressing_style = sideways\n");
    const struct {
        const char *profile;
        enum aws_addressing expected;
    } cases[] = {{"default", AWS_ADDRESSING_AUTO}, {"p", AWS_ADDRESSING_PATH}, {"v", AWS_ADDRESSING_VIRTUAL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_aws_config_ struct aws_config config = {0};
        load(&(struct aws_config_options){.profile = cases[i].profile}, &config);
        cr_expect_eq(config.addressing, cases[i].expected, "%s", cases[i].profile);
    }
    refuse(&(struct aws_config_options){.profile = "x"}, EINVAL,
           "AWS profile 'x': addressing_style 'sideways' is none of auto, path, virtual");
}

Test(aws_config, a_broken_file_is_an_error)
{
    aws_home_write(".aws/credentials", "[default]\naws_secret_access_key\n");
    struct aws_config config = {0};
    struct error err = {0};
    cr_expect_eq(aws_config_load(&none, &config, &err), -EINVAL);
    const char *path = aws_home_path(".aws/credentials");
    cr_expect_eq(strncmp(err.message, path, strlen(path)), 0, "%s", err.message);
}
