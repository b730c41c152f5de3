/* Keeps secrets out of /proc/PID/environ. */
#ifndef RUNFS_AWS_AWS_ENVIRONMENT_H
#define RUNFS_AWS_AWS_ENVIRONMENT_H

/* Overwrites the values of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_SECURITY_TOKEN
   (the token's old name) in the memory of the environment block, also where a variable stands there twice,
   and unsets them. Call it once the credentials have been taken (aws_chain_open), before other threads start:
   it changes the environment. A credential_process that runs later does not see them. */
void aws_environment_wipe(void);

#endif
