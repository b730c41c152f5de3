/* One profile of AWS's shared config and credentials files, looked up as the AWS CLI does. */
#ifndef RUNFS_AWS_AWS_PROFILE_H
#define RUNFS_AWS_AWS_PROFILE_H

#include <stdbool.h>

#include "aws/aws_ini.h"
#include "base/error.h"

/* What is empty counts as not set. */
static inline const char *aws_present(const char *value)
{
    return value && *value ? value : NULL;
}

/* Immutable once read: any number of threads may look things up. */
struct aws_profile {
    const char *name;            /* borrowed */
    const char *config_type;     /* "profile", or NULL for the section [default] of the config file */
    struct aws_ini *config;      /* owned */
    struct aws_ini *credentials; /* owned */
};

/* Reads both files for the profile NAME (borrowed). A path may be NULL or name a missing file; a profile that
   neither file holds is no error here. In the config file it is the section [profile NAME]; [default] stands
   for [profile default] where that is missing. In the credentials file it is [NAME]. Errors are those of
   aws_ini_read. */
int aws_profile_read(const char *name, const char *config_path, const char *credentials_path,
                     struct aws_profile *ret_profile, struct error *err);

bool aws_profile_exists(const struct aws_profile *profile);

/* The value of KEY, or with PARENT of KEY below PARENT, in the credentials file, else in the config file.
   NULL where it is missing or empty. Valid as long as PROFILE. */
const char *aws_profile_get(const struct aws_profile *profile, const char *parent, const char *key);

/* The same in one of the two files alone. */
const char *aws_profile_config(const struct aws_profile *profile, const char *parent, const char *key);
const char *aws_profile_credentials(const struct aws_profile *profile, const char *parent, const char *key);

/* Wipes and frees what the profile owns. A zeroed one is allowed. */
void aws_profile_done(struct aws_profile *profile);

#define _cleanup_aws_profile_ __attribute__((cleanup(aws_profile_done)))

#endif
