/* One profile of AWS's shared files; see aws_profile.h. */
#include "aws/aws_profile.h"

#include <string.h>

#include "base/cleanup.h"

static int read_file(const char *path, struct aws_ini **ret_ini, struct error *err)
{
    return path ? aws_ini_read(path, ret_ini, err) : aws_ini_parse("", 0, ret_ini, err);
}

int aws_profile_read(const char *name, const char *config_path, const char *credentials_path,
                     struct aws_profile *ret_profile, struct error *err)
{
    _cleanup_aws_ini_ struct aws_ini *config = NULL;
    _cleanup_aws_ini_ struct aws_ini *credentials = NULL;
    int r = read_file(config_path, &config, err);
    if (r == 0)
        r = read_file(credentials_path, &credentials, err);
    if (r < 0)
        return r;
    bool plain = strcmp(name, "default") == 0 && !aws_ini_has(config, "profile", name);
    *ret_profile = (struct aws_profile){
        .name = name,
        .config_type = plain ? NULL : "profile",
        .config = TAKE_PTR(config),
        .credentials = TAKE_PTR(credentials),
    };
    return 0;
}

bool aws_profile_exists(const struct aws_profile *profile)
{
    return aws_ini_has(profile->config, profile->config_type, profile->name) ||
           aws_ini_has(profile->credentials, NULL, profile->name);
}

const char *aws_profile_config(const struct aws_profile *profile, const char *parent, const char *key)
{
    return aws_present(aws_ini_get(profile->config, profile->config_type, profile->name, parent, key));
}

const char *aws_profile_credentials(const struct aws_profile *profile, const char *parent, const char *key)
{
    return aws_present(aws_ini_get(profile->credentials, NULL, profile->name, parent, key));
}

const char *aws_profile_get(const struct aws_profile *profile, const char *parent, const char *key)
{
    const char *value = aws_profile_credentials(profile, parent, key);
    return value ? value : aws_profile_config(profile, parent, key);
}

void aws_profile_done(struct aws_profile *profile)
{
    aws_ini_free(profile->config);
    aws_ini_free(profile->credentials);
    *profile = (struct aws_profile){0};
}
