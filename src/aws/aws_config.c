/* Resolves AWS's configuration; see aws_config.h. */
#include "aws/aws_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_profile.h"
#include "base/cleanup.h"
#include "base/environment.h"
#include "base/strbuf.h"

static const char *from_environment(const char *name)
{
    return aws_present(getenv(name));
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    return a ? a : b ? b : c;
}

static int copy(const char *text, char **ret_copy, struct error *err)
{
    return text_copy(text, ret_copy) ? 0 : error_errno(err, ENOMEM, "AWS configuration");
}

static int join_path(const char *directory, const char *rest, char **ret_path, struct error *err)
{
    if (asprintf(ret_path, "%s/%s", directory, rest) < 0) {
        *ret_path = NULL;
        return error_errno(err, ENOMEM, "AWS configuration");
    }
    return 0;
}

/* PATH as seen from the working directory of now; NULL stays NULL. */
static int make_absolute(const char *path, char **ret_path, struct error *err)
{
    if (!path || *path == '/')
        return copy(path, ret_path, err);
    _cleanup_free_ char *here = get_current_dir_name();
    if (!here)
        return error_errno(err, errno, "%s", path);
    return join_path(here, path, ret_path, err);
}

/* The path in VARIABLE, else NAME in the home directory. */
static int find_file(const char *variable, const char *name, char **ret_path, struct error *err)
{
    const char *path = from_environment(variable);
    bool in_home = !path || strncmp(path, "~/", 2) == 0;
    if (!in_home)
        return make_absolute(path, ret_path, err);
    _cleanup_free_ char *home = environment_home();
    return home ? join_path(home, path ? path + 2 : name, ret_path, err) : 0;
}

static int set_profile(struct aws_config *config, const struct aws_config_options *options,
                       struct aws_profile *ret_profile, struct error *err)
{
    const char *named = first_of(options->profile, from_environment("AWS_PROFILE"), NULL);
    config->profile_by_option = options->profile != NULL;
    int r = copy(named ? named : "default", &config->profile, err);
    if (r == 0)
        r = find_file("AWS_CONFIG_FILE", ".aws/config", &config->config_path, err);
    if (r == 0)
        r = find_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", &config->credentials_path, err);
    _cleanup_aws_profile_ struct aws_profile profile = {0};
    if (r == 0)
        r = aws_profile_read(config->profile, config->config_path, config->credentials_path, &profile, err);
    if (r < 0)
        return r;
    if (named && !aws_profile_exists(&profile))
        return error_set(err, ENOENT,
                         "AWS profile '%s': not found in the shared config and credentials files", named);
    *ret_profile = profile;
    profile = (struct aws_profile){0};
    return 0;
}

/* The endpoint of the section that the profile's key services names; NULL where there is none. */
static int services_endpoint(const struct aws_profile *profile, const char **ret_endpoint, struct error *err)
{
    const char *services = aws_profile_get(profile, NULL, "services");
    if (services && !aws_ini_has(profile->config, "services", services))
        return error_set(err, ENOENT, "AWS profile '%s': its section [services %s] does not exist",
                         profile->name, services);
    *ret_endpoint =
        services ? aws_present(aws_ini_get(profile->config, "services", services, "s3", "endpoint_url"))
                 : NULL;
    return 0;
}

static bool ignores_endpoints(const struct aws_profile *profile)
{
    const char *ignore = first_of(from_environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
                                  aws_profile_get(profile, NULL, "ignore_configured_endpoint_urls"), NULL);
    return ignore && strcasecmp(ignore, "true") == 0;
}

static int set_endpoint(struct aws_config *config, const char *option, const struct aws_profile *profile,
                        struct error *err)
{
    const char *endpoint = option;
    if (!endpoint && !ignores_endpoints(profile)) {
        endpoint =
            first_of(from_environment("AWS_ENDPOINT_URL_S3"), from_environment("AWS_ENDPOINT_URL"), NULL);
        int r = endpoint ? 0 : services_endpoint(profile, &endpoint, err);
        if (r < 0)
            return r;
        if (!endpoint)
            endpoint = aws_profile_get(profile, NULL, "endpoint_url");
    }
    return copy(endpoint, &config->endpoint, err);
}

static int set_region(struct aws_config *config, const char *option, const struct aws_profile *profile,
                      struct error *err)
{
    const char *variable =
        first_of(from_environment("AWS_REGION"), from_environment("AWS_DEFAULT_REGION"), NULL);
    return copy(first_of(option, variable, aws_profile_get(profile, NULL, "region")), &config->region, err);
}

static int set_ca_bundle(struct aws_config *config, const struct aws_profile *profile, struct error *err)
{
    const char *path =
        first_of(from_environment("AWS_CA_BUNDLE"), aws_profile_get(profile, NULL, "ca_bundle"), NULL);
    return make_absolute(path, &config->ca_bundle, err);
}

static int set_addressing(struct aws_config *config, const struct aws_profile *profile, struct error *err)
{
    static const char *const names[] = {
        [AWS_ADDRESSING_AUTO] = "auto", [AWS_ADDRESSING_PATH] = "path", [AWS_ADDRESSING_VIRTUAL] = "virtual"};
    const char *style = aws_profile_get(profile, "s3", "addressing_style");
    if (!style)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(style, names[i]) == 0) {
            config->addressing = (enum aws_addressing)i;
            return 0;
        }
    return error_set(err, EINVAL, "AWS profile '%s': addressing_style '%s' is none of auto, path, virtual",
                     profile->name, style);
}

int aws_config_load(const struct aws_config_options *options, struct aws_config *ret_config,
                    struct error *err)
{
    _cleanup_aws_config_ struct aws_config config = {0};
    _cleanup_aws_profile_ struct aws_profile profile = {0};
    int r = set_profile(&config, options, &profile, err);
    if (r == 0)
        r = set_region(&config, options->region, &profile, err);
    if (r == 0)
        r = set_endpoint(&config, options->endpoint, &profile, err);
    if (r == 0)
        r = set_ca_bundle(&config, &profile, err);
    if (r == 0)
        r = set_addressing(&config, &profile, err);
    if (r < 0)
        return r;
    *ret_config = config;
    config = (struct aws_config){0};
    return 0;
}

void aws_config_done(struct aws_config *config)
{
    free(config->profile);
    free(config->config_path);
    free(config->credentials_path);
    free(config->region);
    free(config->endpoint);
    free(config->ca_bundle);
    *config = (struct aws_config){0};
}
