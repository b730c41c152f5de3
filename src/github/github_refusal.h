/* What GitHub's refusals mean, and how people are told. */
#ifndef RUNFS_GITHUB_GITHUB_REFUSAL_H
#define RUNFS_GITHUB_GITHUB_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* An answer other than 200. Headers are "" where they are missing. */
struct github_refusal {
    long status;
    const char *body;
    size_t body_len;
    char remaining[32];   /* x-ratelimit-remaining */
    char reset[32];       /* x-ratelimit-reset: seconds since 1970 */
    char retry_after[32]; /* seconds */
    const char *missing;  /* what a 404 means */
    const char *token;    /* was sent; NULL: none. It is in no message, whatever the body says. */
    const char *token_name;
};

/* Sets ERR: -EBUSY for a rate limit (403 or 429; until when stands in the message), -EACCES for other refusals (401, 403),
   -ENOENT (404), -EINVAL for other 4xx, -EIO. *RET_PASSING is whether it makes sense to ask again soon. */
int github_refuse(const struct github_refusal *refusal, uint64_t now_ms, const char *what, bool *ret_passing,
                  struct error *err);

#endif
