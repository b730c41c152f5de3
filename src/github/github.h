/* Asks GitHub's API about workflow runs. Certificates are verified always. The token goes to the API's own address only: what is
   sent on to another one is asked there without it, and never from https on to http. */
#ifndef RUNFS_GITHUB_GITHUB_H
#define RUNFS_GITHUB_GITHUB_H

#include <stdint.h>

#include "base/error.h"
#include "base/wait.h"
#include "github/github_record.h"

#define GITHUB_API "https://api.github.com"

struct github;

/* Strings are borrowed until github_close(). */
struct github_config {
    const char *api_url;    /* http:// or https://, without user, query and fragment */
    const char *token;      /* NULL: none */
    const char *token_name; /* where it comes from, for messages */
};

/* Checks the configuration and makes a client of it; asks nobody. -EINVAL. */
int github_open(const struct github_config *config, struct github **ret_github, struct error *err);

/* Asks for run ID of REPOSITORY (OWNER/NAME). Blocks, for WAIT's time without progress at most; thread-safe. -ENOENT, -EBUSY
   (a rate limit), -EACCES, -EINVAL, -EBADMSG, -ETIMEDOUT, -EINTR, -EIO. */
int github_get_run(struct github *github, const char *repository, const char *id, const struct wait *wait,
                   struct github_run *ret_run, struct error *err);

/* Asks for the newest run of the workflow file WORKFLOW for the commit SHA. As above. */
int github_get_newest(struct github *github, const char *repository, const char *workflow, const char *sha,
                      const struct wait *wait, struct github_run *ret_run, struct error *err);

/* NULL is allowed; no request may be in progress. */
void github_close(struct github *github);

/* Reads GITHUB_API_URL (else GitHub's own), GITHUB_TOKEN and, where that is not set, GH_TOKEN. What is empty counts
   as not set. The strings are the environment's own. */
void github_environment_read(struct github_config *ret_config);

/* Overwrites and unsets both tokens. Call it once they have been taken, before other threads start. */
void github_environment_wipe(void);

#endif
