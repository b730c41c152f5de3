/* What AWS's environment variables and shared files say about where to go and as whom, resolved with the
   precedence of the AWS CLI (version 2): option, environment, profile. Holds no secrets; those are for
   aws_chain.h. */
#ifndef RUNFS_AWS_AWS_CONFIG_H
#define RUNFS_AWS_AWS_CONFIG_H

#include <stdbool.h>

#include "base/error.h"

/* What the user asked for explicitly; borrowed, NULL where not given. */
struct aws_config_options {
    const char *profile;
    const char *region;
    const char *endpoint;
};

enum aws_addressing { AWS_ADDRESSING_AUTO, AWS_ADDRESSING_PATH, AWS_ADDRESSING_VIRTUAL };

/* All strings are owned. Paths are absolute, so that a later chdir does no harm. Immutable once loaded. */
struct aws_config {
    char *profile;          /* option, AWS_PROFILE, "default" */
    bool profile_by_option; /* then the profile goes before credentials of the environment */
    char *config_path;      /* AWS_CONFIG_FILE, ~/.aws/config; NULL without a home directory */
    char *credentials_path; /* AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials; NULL: no home directory */
    char *region;           /* option, AWS_REGION, AWS_DEFAULT_REGION, region; or NULL */
    char *endpoint;         /* see aws_config_load; or NULL */
    char *ca_bundle;        /* AWS_CA_BUNDLE, ca_bundle; or NULL */
    enum aws_addressing addressing; /* addressing_style below s3 */
};

/* Resolves the configuration. An empty variable or value counts as unset. "~/" at the start of a file's path
   is the home directory: HOME, else that of the user's account. Endpoint: the option, AWS_ENDPOINT_URL_S3,
   AWS_ENDPOINT_URL, endpoint_url below s3 in the section [services NAME] that the profile's key services
   names, endpoint_url of the profile. Only the option counts where AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, or
   else the profile's ignore_configured_endpoint_urls, is "true". Region and endpoint are given as written:
   whoever uses them checks them. Errors: -ENOENT for a profile named by option or AWS_PROFILE, or a services
   section, that does not exist; -EINVAL for a bad addressing_style; a file that cannot be read or parsed, as
   aws_ini_read says. Reads the environment: call it while no other thread changes that. */
int aws_config_load(const struct aws_config_options *options, struct aws_config *ret_config,
                    struct error *err);

/* Frees what CONFIG owns. A zeroed one is allowed. */
void aws_config_done(struct aws_config *config);

#define _cleanup_aws_config_ __attribute__((cleanup(aws_config_done)))

#endif
