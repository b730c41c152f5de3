/* The chain of sources of AWS credentials: one table, the first that answers wins. */
#ifndef RUNFS_AWS_AWS_CHAIN_H
#define RUNFS_AWS_AWS_CHAIN_H

#include <stdint.h>

#include "aws/aws_config.h"
#include "aws/aws_provider.h"
#include "base/error.h"

/* Asks the sources in the order of the AWS CLI:
   - "environment": AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; not asked where the profile
   was given by option (aws_config.profile_by_option);
   - "credentials file": aws_access_key_id, aws_secret_access_key, aws_session_token of the profile;
   - "credential_process" of the profile, which may run for TIMEOUT_MS;
   - "config file": the same keys as above.
   Where none answers, the credentials are none, for unsigned requests; that is no error. An access key
   without its secret key is -EINVAL, saying which is missing and where. Messages never hold a secret.
   Credentials from the environment are taken now and cannot be had again (see aws_environment_wipe). The
   others are fetched anew by asking the chain below the environment again, files included: keys that another
   tool has written there since are found. If nothing answers then, that is -EACCES. CONFIG is copied as far as needed. Reads the
   environment, here only: call it while no other thread changes that. */
int aws_chain_open(const struct aws_config *config, uint64_t timeout_ms, struct aws_provider **ret_provider,
                   struct error *err);

/* Overwrites the values of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_SECURITY_TOKEN
   (the token's old name) in the memory of the environment block, also where a variable stands there twice,
   and unsets them. Call it once the credentials have been taken (aws_chain_open), before other threads start:
   it changes the environment. A credential_process that runs later does not see them. */
void aws_environment_wipe(void);

#endif
