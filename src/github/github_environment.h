/* Where GitHub's API is and as whom to ask it, by the environment. */
#ifndef RUNFS_GITHUB_GITHUB_ENVIRONMENT_H
#define RUNFS_GITHUB_GITHUB_ENVIRONMENT_H

#include "github/github.h"

/* Reads GITHUB_API_URL (else GitHub's own), GITHUB_TOKEN and, where that is not set, GH_TOKEN. What is empty counts
   as not set. The strings are the environment's own. */
void github_environment_read(struct github_config *ret_config);

/* Overwrites and unsets both tokens. Call it once they have been taken, before other threads start. */
void github_environment_wipe(void);

#endif
