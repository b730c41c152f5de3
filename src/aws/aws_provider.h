/* Holds the current credentials, hands out copies to any number of threads and has them fetched anew before
   they expire: one fetch at a time, on a thread of its own, so that nobody runs it in passing. */
#ifndef RUNFS_AWS_AWS_PROVIDER_H
#define RUNFS_AWS_AWS_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/aws_credentials.h"
#include "base/error.h"

#define AWS_PROVIDER_REFRESH_S 300 /* so long before they expire credentials are fetched anew */
#define AWS_PROVIDER_PAUSE_S                                                                                 \
    5 /* at least so long between the end of a fetch that failed, or whose credentials the                   \
         server refused, and the next */

struct aws_provider;

/* Where credentials come from. Never called by two threads at once. */
struct aws_provider_ops {
    /* Fetches credentials; may block, but must end in bounded time. *RET_FINAL is to be set where they cannot
       be had again. ERR is never NULL. */
    int (*fetch)(void *arg, struct aws_credentials *ret_credentials, bool *ret_final, struct error *err);
    /* The time now, in nanoseconds since 1970 UTC. Called with the provider's lock held. */
    int64_t (*now_ns)(void *arg);
    void (*free)(void *arg);
};

/* Fetches credentials in the calling thread and makes a provider of them. ARG is taken over, also on failure.
   The errors are those of fetch; -EKEYEXPIRED where it gave credentials that have expired. */
int aws_provider_new(const struct aws_provider_ops *ops, void *arg, struct aws_provider **ret_provider,
                     struct error *err);

/* Copies the current credentials to *RET_CREDENTIALS, which is the caller's then; those without an access key
   mean unsigned requests. Thread-safe. Less than AWS_PROVIDER_REFRESH_S before they expire, or after half
   their life if that is shorter, a fetch is started; the current ones are given out as long as they are
   valid, also where that fetch fails. Without valid ones this waits up to TIMEOUT_MS for the fetch:
   -ETIMEDOUT after that, and with 0 -EAGAIN at once, so that a thread that must not block may call this.
   Where the fetch failed: its error, until AWS_PROVIDER_PAUSE_S later the next is started. */
int aws_provider_get(struct aws_provider *provider, uint64_t timeout_ms,
                     struct aws_credentials *ret_credentials, struct error *err);

/* The server has refused USED as expired (ExpiredToken): they are not given out again, the next
   aws_provider_get starts a fetch. Without effect where USED are not the current ones any more, where they
   are but AWS_PROVIDER_PAUSE_S old (a source that gives what the server refuses is not asked in a loop) and
   where they cannot be had again. Thread-safe. */
void aws_provider_invalidate(struct aws_provider *provider, const struct aws_credentials *used);

/* Waits for the end of a fetch under way, wipes and frees. No other thread may use the provider any more;
   NULL is allowed. */
void aws_provider_free(struct aws_provider *provider);

#endif
