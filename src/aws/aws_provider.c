/* Credentials that renew themselves; see aws_provider.h. */
#include "aws/aws_provider.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"

#define SECOND_NS INT64_C(1000000000)

struct aws_provider {
    const struct aws_provider_ops *ops;
    void *arg;           /* owned; used by the thread that set BUSY */
    struct lock lock;    /* guards what follows; never held during a fetch */
    pthread_cond_t idle; /* BUSY has become false */
    bool busy;           /* a fetch runs */
    struct aws_credentials current;
    bool final;            /* they cannot be had again */
    bool refused;          /* by the server */
    int64_t fetched_ns;    /* end of the last fetch */
    int64_t refresh_at_ns; /* start of the next */
    struct error failure;  /* of the last fetch, if that failed */
};

/* When to fetch credentials anew that were fetched NOW. */
static int64_t refresh_time(const struct aws_credentials *credentials, bool final, int64_t now)
{
    if (final || !credentials->expires_ns)
        return INT64_MAX;
    int64_t life = credentials->expires_ns - now;
    int64_t reserve = AWS_PROVIDER_REFRESH_S * SECOND_NS;
    return credentials->expires_ns - (life / 2 < reserve ? life / 2 : reserve);
}

/* Fetches, without the lock. */
static int fetch(struct aws_provider *p, struct aws_credentials *ret_credentials, bool *ret_final,
                 struct error *err)
{
    _cleanup_aws_credentials_ struct aws_credentials fetched = {0};
    bool final = false;
    lock_assert_none("fetches credentials");
    int r = p->ops->fetch(p->arg, &fetched, &final, err);
    if (r < 0)
        return r;
    if (fetched.expires_ns && fetched.expires_ns <= p->ops->now_ns(p->arg))
        return error_set(err, EKEYEXPIRED, "AWS credentials: those just fetched have expired already");
    *ret_credentials = fetched;
    *ret_final = final;
    fetched = (struct aws_credentials){0};
    return 0;
}

/* Fetches and keeps the result: BUSY is the caller's, the lock is not. */
static int renew(struct aws_provider *p, struct error *err)
{
    struct aws_credentials fetched = {0};
    bool final = false;
    int r = fetch(p, &fetched, &final, err);
    lock_take(&p->lock);
    p->fetched_ns = p->ops->now_ns(p->arg);
    if (r < 0) {
        p->failure = *err;
        p->refresh_at_ns = p->fetched_ns + AWS_PROVIDER_PAUSE_S * SECOND_NS;
    } else {
        aws_credentials_done(&p->current);
        p->current = fetched;
        p->final = final;
        p->refused = false;
        p->refresh_at_ns = refresh_time(&fetched, final, p->fetched_ns);
    }
    p->busy = false;
    (void)pthread_cond_broadcast(&p->idle);
    lock_drop(&p->lock);
    return r;
}

static void *renew_thread(void *provider)
{
    struct error err = {0};
    (void)renew(provider, &err);
    return NULL;
}

/* Starts a fetch where one is due. With the lock held. */
static void start_if_due(struct aws_provider *p)
{
    int64_t now = p->ops->now_ns(p->arg);
    if (p->busy || now < p->refresh_at_ns)
        return;
    pthread_t thread;
    int code = thread_create(&thread, 0, renew_thread, p);
    p->busy = code == 0;
    if (p->busy) {
        (void)pthread_detach(thread); /* aws_provider_free() waits until it is idle */
    } else {
        (void)error_errno(&p->failure, code, "AWS credentials: starting a thread");
        p->refresh_at_ns = now + AWS_PROVIDER_PAUSE_S * SECOND_NS;
    }
}

static bool is_valid(const struct aws_provider *p)
{
    return !p->refused && (!p->current.expires_ns || p->ops->now_ns(p->arg) < p->current.expires_ns);
}

/* Waits for valid credentials. With the lock held. */
static int await_valid(struct aws_provider *p, uint64_t timeout_ms, struct error *err)
{
    uint64_t until_ms = clock_ms() + timeout_ms;
    for (;;) {
        start_if_due(p);
        if (is_valid(p))
            return 0;
        if (!p->busy)
            return error_set(err, p->failure.code, "%s", p->failure.message);
        if (!timeout_ms)
            return error_set(err, EAGAIN, "AWS credentials: being fetched");
        if (!lock_wait_until(&p->lock, &p->idle, until_ms))
            return error_errno(err, ETIMEDOUT, "AWS credentials");
    }
}

int aws_provider_get(struct aws_provider *provider, uint64_t timeout_ms,
                     struct aws_credentials *ret_credentials, struct error *err)
{
    lock_take(&provider->lock);
    int r = await_valid(provider, timeout_ms, err);
    if (r == 0)
        r = aws_credentials_copy(&provider->current, ret_credentials, err);
    lock_drop(&provider->lock);
    return r;
}

void aws_provider_invalidate(struct aws_provider *provider, const struct aws_credentials *used)
{
    lock_take(&provider->lock);
    int64_t age = provider->ops->now_ns(provider->arg) - provider->fetched_ns;
    if (!provider->final && age >= AWS_PROVIDER_PAUSE_S * SECOND_NS &&
        aws_credentials_equal(&provider->current, used)) {
        provider->refused = true;
        provider->refresh_at_ns = INT64_MIN;
    }
    lock_drop(&provider->lock);
}

int aws_provider_new(const struct aws_provider_ops *ops, void *arg, struct aws_provider **ret_provider,
                     struct error *err)
{
    struct aws_provider *p = calloc(1, sizeof *p);
    if (!p) {
        ops->free(arg);
        return error_errno(err, ENOMEM, "AWS credentials");
    }
    p->ops = ops;
    p->arg = arg;
    lock_init(&p->lock, LOCK_LEAF);
    (void)pthread_cond_init(&p->idle, NULL);
    struct error failure = {0};
    int r = renew(p, &failure);
    if (r < 0) {
        aws_provider_free(p);
        return error_set(err, failure.code, "%s", failure.message);
    }
    *ret_provider = p;
    return 0;
}

void aws_provider_free(struct aws_provider *provider)
{
    if (!provider)
        return;
    lock_take(&provider->lock);
    while (provider->busy)
        lock_wait(&provider->lock, &provider->idle);
    lock_drop(&provider->lock);
    provider->ops->free(provider->arg);
    aws_credentials_done(&provider->current);
    (void)pthread_cond_destroy(&provider->idle);
    lock_done(&provider->lock);
    free(provider);
}
