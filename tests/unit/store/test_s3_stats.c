/* The statistics of an S3 store, against a real server: each kind of request and what became of it. */
#include <errno.h>

#include "http/http.h"
#include "test_s3_server.h"

#define PATIENT_MS 3000 /* a third of it is the silence after which a first attempt is given up */

static struct store *store;
static struct object plain;
static struct request_stats before;
static struct request_stats now;

static void set_up(void)
{
    server_open();
    store = server_store(PATIENT_MS);
    plain = server_object(store, "plain");
    store->ops->stats(store, &before);
}

static void tear_down(void)
{
    store_close(store);
    server_close();
}

static int fetch(void)
{
    struct error err;
    return fetch_pattern(store, &plain, 0, PLAIN_SIZE, &err);
}

/* How many GETs have had RESULT since set_up(). */
static uint64_t gets(enum request_result result)
{
    store->ops->stats(store, &now);
    return now.results[REQUEST_GET][result] - before.results[REQUEST_GET][result];
}

TestSuite(s3_stats, .init = set_up, .fini = tear_down);

Test(s3_stats, listings_and_fetches_are_counted_apart)
{
    cr_assert_eq(before.results[REQUEST_LIST][REQUEST_OK], 1);
    cr_assert_eq(before.results[REQUEST_GET][REQUEST_OK], 0);
    cr_assert_eq(before.attempts, 1);
    cr_assert_gt(before.bytes, 0);
    cr_assert_eq(fetch(), 0);
    cr_assert_eq(gets(REQUEST_OK), 1);
    cr_assert_eq(now.results[REQUEST_LIST][REQUEST_OK], 1);
    cr_assert_eq(now.attempts, 2);
    cr_assert_eq(now.bytes, before.bytes + PLAIN_SIZE);
    cr_assert_eq(histogram_count(&now.first_byte), 2);
    cr_assert_eq(histogram_count(&now.whole), 2);
    cr_assert_gt(histogram_percentiles(&now.whole).p50, 0);
    cr_assert_eq(now.active, 0);
    cr_assert_eq(now.waiting, 0);
}

Test(s3_stats, retries_have_reasons)
{
    static const struct {
        const char *faults;
        enum request_result reason;
    } cases[] = {
        {"{\"first\": 1, \"p503\": 1}", REQUEST_THROTTLED},
        {"{\"first\": 1, \"p500\": 1}", REQUEST_SERVER_ERROR},
        {"{\"first\": 1, \"phang\": 1}", REQUEST_TIMEOUT},
        {"{\"first\": 1, \"ptrunc\": 1}", REQUEST_CONNECTION},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        store->ops->stats(store, &before);
        server_faults(cases[i].faults);
        cr_assert_eq(fetch(), 0, "%s", cases[i].faults);
        cr_assert_eq(gets(cases[i].reason), 1, "%s", cases[i].faults);
        cr_assert_eq(gets(REQUEST_OK), 1, "%s", cases[i].faults);
        cr_assert_eq(now.attempts, before.attempts + 2, "%s", cases[i].faults);
    }
}

Test(s3_stats, failures_have_reasons)
{
    server_faults("{\"p403\": 1}");
    cr_assert_eq(fetch(), -EACCES);
    cr_assert_eq(gets(REQUEST_DENIED), 1);
    server_faults("[]");
    plain.etag = "another";
    cr_assert_eq(fetch(), -ESTALE);
    cr_assert_eq(gets(REQUEST_CHANGED), 1);
    plain.key = "never";
    plain.key_len = strlen("never");
    cr_assert_eq(fetch(), -ESTALE);
    cr_assert_eq(gets(REQUEST_MISSING), 1);
    cr_assert_eq(gets(REQUEST_OK), 0);
}

Test(s3_stats, what_waits_what_runs_and_what_was_cancelled)
{
    struct http_engine *engine = server_engine(2);
    struct s3_config config = {.engine = engine, .timeout_ms = LONG_MS};
    struct download downloads[5];
    store_close(store);
    store = server_store_of(&config);
    store->ops->stats(store, &before);
    cr_assert_eq(before.allowed, 2);
    server_faults("{\"phang\": 1}");
    for (size_t i = 0; i < COUNT(downloads); i++)
        cr_assert_eq(download_start(&downloads[i], store, &plain, 0, PLAIN_SIZE, FETCH_READ), 0);
    wait_until(server_hits() == 2);
    store->ops->stats(store, &now);
    cr_assert_eq(now.active, 2);
    cr_assert_eq(now.waiting, 3);
    for (size_t i = 0; i < COUNT(downloads); i++)
        atomic_store(&downloads[i].sink.cancelled, true);
    store->ops->wake(store);
    for (size_t i = 0; i < COUNT(downloads); i++) {
        cr_assert_eq(download_wait(&downloads[i]), -ECANCELED);
        download_free(&downloads[i]);
    }
    cr_assert_eq(gets(REQUEST_CANCELLED), 5);
    cr_assert_eq(now.waiting, 0);
    store_close(store);
    store = NULL;
    http_engine_close(engine);
}

/* The store says how far it has gone back. */
Test(s3_stats, a_throttled_store_allows_fewer)
{
    server_faults("{\"first\": 1, \"p503\": 1}");
    cr_assert_eq(fetch(), 0);
    cr_assert_eq(gets(REQUEST_THROTTLED), 1);
    cr_assert_lt(now.allowed, before.allowed);
}
