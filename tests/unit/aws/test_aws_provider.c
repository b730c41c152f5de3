/* Renewal of credentials, with a source and a clock of the test's own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_provider.h"

#define SECOND  INT64_C(1000000000)
#define START   (1000000 * SECOND)
#define LONG_MS 60000 /* never reached */

/* A source that numbers what it gives: access keys "key-1", "key-2" and so on. */
struct source {
    atomic_int calls;
    atomic_int running;
    atomic_int noted; /* the last call whose result the provider has looked at */
    atomic_int freed;
    _Atomic int64_t now;
    _Atomic int64_t life; /* of what it gives; 0 for ever */
    atomic_bool fails;
    atomic_bool repeats; /* always "key-1" */
    atomic_bool final;
    atomic_bool gated; /* each call waits for one post of the gate */
    sem_t gate;
};

static _Thread_local int own_call; /* of the thread that fetches */

static int source_fetch(void *arg, struct aws_credentials *ret_credentials, bool *ret_final,
                        struct error *err)
{
    struct source *s = arg;
    cr_assert_eq(atomic_fetch_add(&s->running, 1), 0, "two fetches at once");
    int call = atomic_fetch_add(&s->calls, 1) + 1;
    own_call = call;
    if (s->gated)
        (void)sem_wait(&s->gate);
    (void)atomic_fetch_sub(&s->running, 1);
    if (s->fails)
        return error_set(err, EACCES, "call %d was refused", call);
    *ret_final = s->final;
    char key[32];
    (void)snprintf(key, sizeof key, "key-%d", s->repeats ? 1 : call);
    return aws_credentials_make(key, "secret", "token", s->life ? s->now + s->life : 0, ret_credentials, err);
}

static int64_t source_now(void *arg)
{
    struct source *s = arg;
    if (own_call > s->noted)
        s->noted = own_call;
    return s->now;
}

static void source_free(void *arg)
{
    struct source *s = arg;
    s->freed++;
}

static const struct aws_provider_ops ops = {source_fetch, source_now, source_free};

static struct source source;
static struct aws_provider *provider;

static void begin(void)
{
    source.now = START;
    cr_assert_eq(sem_init(&source.gate, 0, 0), 0);
}

static void end(void)
{
    aws_provider_free(provider);
    provider = NULL;
}

TestSuite(aws_provider, .init = begin, .fini = end, .timeout = 60);

static void open_provider(int64_t life_s)
{
    source.life = life_s * SECOND;
    struct error err = {0};
    cr_assert_eq(aws_provider_new(&ops, &source, &provider, &err), 0, "%s", err.message);
}

static void expect_key(uint64_t timeout_ms, const char *key)
{
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    struct error err = {0};
    cr_assert_eq(aws_provider_get(provider, timeout_ms, &credentials, &err), 0, "%s", err.message);
    cr_expect_str_eq(credentials.access_key, key);
}

static void expect_error(uint64_t timeout_ms, int code, const char *message)
{
    struct aws_credentials credentials = {0};
    struct error err = {0};
    cr_expect_eq(aws_provider_get(provider, timeout_ms, &credentials, &err), -code, "%s", err.message);
    cr_expect_null(credentials.access_key);
    cr_expect_str_eq(err.message, message);
}

/* Gives until they are KEY: a fetch in the background has ended then. */
static void await_key(const char *key)
{
    for (bool found = false; !found;) {
        _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
        cr_assert_eq(aws_provider_get(provider, LONG_MS, &credentials, NULL), 0);
        found = strcmp(credentials.access_key, key) == 0;
    }
}

/* Waits until the provider, holding its lock, has noted the result of a CALL that failed: the next get sees
 * it. */
static void await_noted(int call)
{
    while (source.noted < call)
        (void)sched_yield();
}

static void invalidate(void)
{
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    cr_assert_eq(aws_provider_get(provider, LONG_MS, &credentials, NULL), 0);
    aws_provider_invalidate(provider, &credentials);
}

Test(aws_provider, credentials_without_an_end_are_fetched_once)
{
    open_provider(0);
    source.now += 1000000000 * SECOND;
    expect_key(LONG_MS, "key-1");
    expect_key(0, "key-1");
    cr_expect_eq(source.calls, 1);
}

Test(aws_provider, gives_copies)
{
    open_provider(3600);
    _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
    cr_assert_eq(aws_provider_get(provider, LONG_MS, &credentials, NULL), 0);
    end();
    cr_expect_str_eq(credentials.secret_key, "secret");
    cr_expect_str_eq(credentials.session_token, "token");
    cr_expect_eq(credentials.expires_ns, START + 3600 * SECOND);
    cr_expect_eq(source.freed, 1);
}

Test(aws_provider, a_first_fetch_that_fails_is_an_error_and_the_source_is_freed)
{
    source.fails = true;
    struct error err = {0};
    cr_expect_eq(aws_provider_new(&ops, &source, &provider, &err), -EACCES);
    cr_expect_null(provider);
    cr_expect_str_eq(err.message, "call 1 was refused");
    cr_expect_eq(source.freed, 1);
}

Test(aws_provider, credentials_that_come_expired_are_an_error)
{
    source.life = -1;
    struct error err = {0};
    cr_expect_eq(aws_provider_new(&ops, &source, &provider, &err), -EKEYEXPIRED);
    cr_expect_null(provider);
}

Test(aws_provider, renews_five_minutes_before_the_end_while_the_old_ones_are_given_out)
{
    open_provider(3600);
    source.now = START + 3299 * SECOND;
    expect_key(LONG_MS, "key-1");
    cr_expect_eq(source.calls, 1);
    source.gated = true;
    source.now = START + 3300 * SECOND;
    expect_key(LONG_MS, "key-1");
    expect_key(0, "key-1");
    cr_expect_eq(sem_post(&source.gate), 0);
    await_key("key-2");
    cr_expect_eq(source.calls, 2);
}

Test(aws_provider, renews_short_lived_ones_after_half_their_life)
{
    open_provider(60);
    source.now = START + 29 * SECOND;
    expect_key(LONG_MS, "key-1");
    cr_expect_eq(source.calls, 1);
    source.now = START + 30 * SECOND;
    await_key("key-2");
}

Test(aws_provider, expired_ones_are_waited_for)
{
    open_provider(3600);
    source.now = START + 3600 * SECOND;
    expect_key(LONG_MS, "key-2");
}

Test(aws_provider, who_must_not_wait_does_not)
{
    open_provider(3600);
    source.gated = true;
    source.now = START + 3600 * SECOND;
    expect_error(0, EAGAIN, "AWS credentials: being fetched");
    expect_error(20, ETIMEDOUT, "AWS credentials: Connection timed out");
    cr_expect_eq(sem_post(&source.gate), 0);
    expect_key(LONG_MS, "key-2");
    cr_expect_eq(source.calls, 2);
}

Test(aws_provider, a_failed_renewal_leaves_valid_ones_and_is_tried_again_after_a_pause)
{
    open_provider(3600);
    source.fails = true;
    source.now = START + 3300 * SECOND;
    expect_key(LONG_MS, "key-1");
    await_noted(2);
    expect_key(LONG_MS, "key-1");
    cr_expect_eq(source.calls, 2);
    source.fails = false;
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    await_key("key-3");
}

Test(aws_provider, a_failed_renewal_of_expired_ones_is_an_error_until_the_next)
{
    open_provider(3600);
    source.fails = true;
    source.now = START + 3600 * SECOND;
    expect_error(LONG_MS, EACCES, "call 2 was refused");
    expect_error(LONG_MS, EACCES, "call 2 was refused");
    expect_error(0, EACCES, "call 2 was refused");
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    expect_error(LONG_MS, EACCES, "call 3 was refused");
    source.fails = false;
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    expect_key(LONG_MS, "key-4");
}

Test(aws_provider, refused_ones_are_fetched_anew)
{
    open_provider(0);
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    invalidate();
    expect_key(LONG_MS, "key-2");
}

Test(aws_provider, a_late_refusal_does_not_hit_the_new_ones)
{
    open_provider(0);
    _cleanup_aws_credentials_ struct aws_credentials old = {0};
    cr_assert_eq(aws_provider_get(provider, LONG_MS, &old, NULL), 0);
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    aws_provider_invalidate(provider, &old);
    expect_key(LONG_MS, "key-2");
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    aws_provider_invalidate(provider, &old);
    expect_key(LONG_MS, "key-2");
    cr_expect_eq(source.calls, 2);
}

Test(aws_provider, a_source_that_repeats_refused_ones_is_not_asked_in_a_loop)
{
    source.repeats = true;
    open_provider(0);
    source.now += AWS_PROVIDER_PAUSE_S * SECOND;
    for (int i = 0; i < 100; i++)
        invalidate();
    expect_key(LONG_MS, "key-1");
    cr_expect_eq(source.calls, 2);
}

Test(aws_provider, final_ones_stay)
{
    source.final = true;
    open_provider(0);
    source.now += 1000 * SECOND;
    invalidate();
    expect_key(0, "key-1");
    cr_expect_eq(source.calls, 1);
}

#define THREADS 16

/* Threads return what they were given where something failed, else NULL. */
static void *get_many(void *failed)
{
    for (int i = 0; i < 200; i++) {
        _cleanup_aws_credentials_ struct aws_credentials credentials = {0};
        if (aws_provider_get(provider, LONG_MS, &credentials, NULL) < 0 || !credentials.access_key)
            return failed;
    }
    return NULL;
}

static void run_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, body, &source), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        cr_assert_eq(pthread_join(threads[i], &result), 0);
        cr_expect_null(result);
    }
}

Test(aws_provider, many_threads_share_one_fetch)
{
    open_provider(3600);
    source.now = START + 3600 * SECOND;
    run_threads(get_many);
    cr_expect_eq(source.calls, 2);
    expect_key(0, "key-2");
}

static void *get_and_age(void *failed)
{
    source.now += 2 * SECOND;
    return get_many(failed);
}

Test(aws_provider, many_threads_get_on_while_time_passes)
{
    open_provider(60);
    run_threads(get_and_age);
    end();
    cr_expect_gt(source.calls, 1);
}

Test(aws_provider, freeing_waits_for_a_fetch)
{
    open_provider(3600);
    source.gated = true;
    source.now = START + 3600 * SECOND;
    expect_error(0, EAGAIN, "AWS credentials: being fetched");
    cr_expect_eq(sem_post(&source.gate), 0);
    end();
    cr_expect_eq(source.calls, 2);
    cr_expect_eq(source.freed, 1);
}
