/* The HTTP engine against a real server: what its callbacks' verdicts do, urgency, bounds, endings. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/http.h"
#include "store/test_s3_server.h"

static struct http_engine *engine;
static struct http_client *client;

/* A GET of URL, with the verdict of each callback. */
struct probe {
    struct http_request http;
    char url[128];
    int prepare_result;
    int begin_result;
    int data_result;
    int end_result;
    enum http_verdict verdict;
    unsigned mended; /* so many refusals are answered with HTTP_AGAIN */
    atomic_bool cancelled;
    atomic_uint prepared;   /* attempts */
    struct probe *follower; /* submitted by done(); NULL: none */
    uint64_t received;
    long status;
    unsigned calls; /* of done() */
    unsigned order; /* of done() among all */
    int result;
    struct error err;
    sem_t ended;
};

static atomic_uint ended_count;
static atomic_int on_wire;
static atomic_int most_on_wire;

static int on_prepare(struct http_request *http, CURL *easy, struct curl_slist **headers, struct error *err)
{
    struct probe *probe = (struct probe *)http;
    (void)headers;
    int now = atomic_fetch_add(&on_wire, 1) + 1;
    if (now > atomic_load(&most_on_wire))
        atomic_store(&most_on_wire, now);
    atomic_fetch_add(&probe->prepared, 1);
    probe->received = 0;
    if (probe->prepare_result < 0)
        return error_set(err, -probe->prepare_result, "cannot prepare");
    return curl_easy_setopt(easy, CURLOPT_URL, probe->url) == CURLE_OK ? 0 : -ENOMEM;
}

static int on_begin(struct http_request *http, const struct http_response *response, struct error *err)
{
    struct probe *probe = (struct probe *)http;
    probe->status = response->status;
    return probe->begin_result < 0 ? (void)error_set(err, EIO, "bad head"), probe->begin_result : 0;
}

static int on_data(struct http_request *http, const void *bytes, size_t len, struct error *err)
{
    struct probe *probe = (struct probe *)http;
    (void)bytes;
    probe->received += len;
    return probe->data_result < 0 ? (void)error_set(err, EIO, "bad bytes"), probe->data_result : 0;
}

static int on_end(struct http_request *http, struct error *err)
{
    struct probe *probe = (struct probe *)http;
    return probe->end_result < 0 ? (void)error_set(err, EIO, "not whole"), probe->end_result : 0;
}

static enum http_verdict on_refused(struct http_request *http, const struct http_response *response,
                                    struct error *err)
{
    struct probe *probe = (struct probe *)http;
    probe->status = response->status;
    (void)error_set(err, EACCES, "refused with %ld: %.30s", response->status, response->body);
    if (probe->mended) {
        probe->mended--;
        return HTTP_AGAIN;
    }
    return probe->verdict;
}

static bool is_cancelled(struct http_request *http)
{
    return atomic_load(&((struct probe *)http)->cancelled);
}

static void on_done(struct http_request *http, int result, const struct error *err)
{
    struct probe *probe = (struct probe *)http;
    probe->calls++;
    probe->order = atomic_fetch_add(&ended_count, 1);
    probe->result = result;
    probe->err = *err;
    atomic_fetch_sub(&on_wire, 1);
    if (probe->follower)
        http_submit(client, &probe->follower->http);
    (void)sem_post(&probe->ended);
}

static const struct http_request_ops probe_ops = {
    .prepare = on_prepare,
    .begin = on_begin,
    .data = on_data,
    .end = on_end,
    .refused = on_refused,
    .cancelled = is_cancelled,
    .done = on_done,
};

static void open_engine(unsigned connections)
{
    struct http_config config = {.connections = connections};
    struct error err;
    http_client_close(client);
    http_engine_close(engine);
    assert_ok(http_engine_open(&config, &engine, &err), &err);
    assert_ok(http_client_open(engine, &client, &err), &err);
}

static void set_up(void)
{
    server_open();
    open_engine(4);
}

static void tear_down(void)
{
    http_client_close(client);
    http_engine_close(engine);
    server_close();
}

static void probe_init(struct probe *probe, const char *path)
{
    *probe = (struct probe){.http = {.ops = &probe_ops, .what = "it", .timeout_ms = LONG_MS}};
    (void)snprintf(probe->url, sizeof probe->url, "%s%s", server_url(), path);
    (void)sem_init(&probe->ended, 0, 0);
}

static void probe_cancel(struct probe *probe)
{
    atomic_store(&probe->cancelled, true);
    http_wake(client);
}

static int probe_wait(struct probe *probe)
{
    while (sem_wait(&probe->ended) < 0)
        cr_assert_eq(errno, EINTR);
    return probe->result;
}

static int probe_run(struct probe *probe)
{
    http_submit(client, &probe->http);
    return probe_wait(probe);
}

TestSuite(http_engine, .init = set_up, .fini = tear_down);

Test(http_engine, a_request_brings_its_bytes)
{
    struct probe probe;
    probe_init(&probe, "/b/run/plain");
    cr_assert_eq(probe_run(&probe), 0, "%s", probe.err.message);
    cr_assert_eq(probe.status, 200);
    cr_assert_eq(probe.received, PLAIN_SIZE);
    cr_assert_eq(atomic_load(&probe.prepared), 1);
}

Test(http_engine, an_empty_body_is_a_success)
{
    struct probe probe;
    scratch_write("data/b/empty", "");
    probe_init(&probe, "/b/empty");
    cr_assert_eq(probe_run(&probe), 0, "%s", probe.err.message);
    cr_assert_eq(probe.received, 0);
    cr_assert_eq(probe.status, 200);
}

/* Each callback's failure ends the request with its own words. */
Test(http_engine, what_a_callback_refuses_is_not_tried_again)
{
    struct probe probes[4];
    for (size_t i = 0; i < COUNT(probes); i++)
        probe_init(&probes[i], "/b/run/plain");
    probes[0].prepare_result = -EPERM;
    probes[1].begin_result = -EIO;
    probes[2].data_result = -EIO;
    probes[3].end_result = -EIO;
    static const char *const words[] = {"cannot prepare", "bad head", "bad bytes", "not whole"};
    for (size_t i = 0; i < COUNT(probes); i++) {
        cr_assert_eq(probe_run(&probes[i]), i ? -EIO : -EPERM);
        cr_assert_str_eq(probes[i].err.message, words[i]);
        cr_assert_eq(atomic_load(&probes[i].prepared), 1);
    }
}

Test(http_engine, what_a_callback_wants_again_is_tried_again)
{
    struct probe probe;
    probe_init(&probe, "/b/run/small");
    probe.end_result = -EAGAIN;
    open_engine(1);
    probe.http.timeout_ms = 10 * LONG_MS;
    http_submit(client, &probe.http);
    wait_until(atomic_load(&probe.prepared) >= 3);
    probe_cancel(&probe);
    cr_assert_eq(probe_wait(&probe), -ECANCELED);
}

Test(http_engine, a_refusal_fails_is_retried_or_mended_as_the_verdict_says)
{
    struct probe probe;
    server_faults("{\"first\": 2, \"p503\": 1}");
    probe_init(&probe, "/b/run/small");
    probe.verdict = HTTP_RETRY;
    cr_assert_eq(probe_run(&probe), 0, "%s", probe.err.message);
    cr_assert_eq(atomic_load(&probe.prepared), 3);
    server_faults("{\"p403\": 1}");
    probe_init(&probe, "/b/run/small");
    probe.verdict = HTTP_FAIL;
    cr_assert_eq(probe_run(&probe), -EACCES);
    cr_assert_eq(strncmp(probe.err.message, "refused with 403: <?xml", 23), 0, "%s", probe.err.message);
    cr_assert_eq(atomic_load(&probe.prepared), 1);
    server_faults("{\"p403\": 1}");
    probe_init(&probe, "/b/run/small");
    probe.verdict = HTTP_FAIL;
    probe.mended = 3;
    cr_assert_eq(probe_run(&probe), -EACCES);
    cr_assert_eq(atomic_load(&probe.prepared), 4);
}

/* A server that sends from one place to the next for ever. */
Test(http_engine, mending_has_an_end)
{
    struct probe probe;
    server_faults("{\"p403\": 1}");
    probe_init(&probe, "/b/run/small");
    probe.mended = 1000000;
    cr_assert_eq(probe_run(&probe), -EACCES);
    cr_assert_leq(atomic_load(&probe.prepared), 10);
}

Test(http_engine, urgent_requests_go_first)
{
    struct probe probes[5];
    static const enum fetch_class classes[] = {FETCH_READAHEAD, FETCH_READAHEAD, FETCH_READAHEAD, FETCH_READ,
                                               FETCH_READ};
    static const unsigned wanted[] = {0, 3, 4, 1, 2};
    open_engine(1);
    server_faults("{\"first\": 1, \"delay_ms\": 200}");
    for (size_t i = 0; i < COUNT(probes); i++) {
        probe_init(&probes[i], "/b/run/small");
        probes[i].http.fetch_class = classes[i];
        http_submit(client, &probes[i].http);
        wait_until(i || server_hits() == 1);
    }
    for (size_t i = 0; i < COUNT(probes); i++) {
        cr_assert_eq(probe_wait(&probes[i]), 0, "%s", probes[i].err.message);
        cr_assert_eq(probes[i].order, wanted[i], "request %zu was number %u", i, probes[i].order);
    }
}

Test(http_engine, no_more_requests_are_on_the_wire_than_connections)
{
    struct probe probes[30];
    open_engine(3);
    for (size_t i = 0; i < COUNT(probes); i++) {
        probe_init(&probes[i], "/b/run/plain");
        http_submit(client, &probes[i].http);
    }
    for (size_t i = 0; i < COUNT(probes); i++)
        cr_assert_eq(probe_wait(&probes[i]), 0, "%s", probes[i].err.message);
    cr_assert_leq(atomic_load(&most_on_wire), 3);
}

/* The most requests that the server saw at once, among the requests from number FROM to number TO. */
static int most_at_once(int from, int to)
{
    _cleanup_free_ char *lines = scratch_read("server/at-once");
    char *rest = lines;
    int most = 0;
    for (int n = 0; n < to && *rest; n++, rest += *rest == '\n') {
        int seen = (int)strtol(rest, &rest, 10);
        if (n >= from && seen > most)
            most = seen;
    }
    return most;
}

Test(http_engine, fewer_requests_are_on_the_wire_where_the_server_asks_for_less)
{
    static struct probe probes[150];
    open_engine(24);
    server_faults("{\"most\": 3, \"delay_ms\": 20}");
    for (size_t i = 0; i < COUNT(probes); i++) {
        probe_init(&probes[i], "/b/run/small");
        probes[i].verdict = HTTP_THROTTLED;
        http_submit(client, &probes[i].http);
    }
    for (size_t i = 0; i < COUNT(probes); i++)
        cr_assert_eq(probe_wait(&probes[i]), 0, "%s", probes[i].err.message);
    cr_assert_gt(most_at_once(0, 24), 6);
    cr_assert_leq(most_at_once(100, INT_MAX), 5);
}

/* A pause and nothing more: a server that fails is not one that is asked for too much. */
Test(http_engine, other_refusals_leave_as_many_on_the_wire)
{
    static struct probe probes[30];
    open_engine(8);
    server_faults("{\"most\": 6, \"delay_ms\": 100}");
    for (size_t i = 0; i < COUNT(probes); i++) {
        probe_init(&probes[i], "/b/run/small");
        probes[i].verdict = HTTP_RETRY;
        http_submit(client, &probes[i].http);
    }
    for (size_t i = 0; i < COUNT(probes); i++)
        (void)probe_wait(&probes[i]);
    cr_assert_gt(most_at_once(8, INT_MAX), 6);
}

Test(http_engine, requests_can_be_cancelled_in_the_queue)
{
    struct probe first;
    struct probe queued;
    open_engine(1);
    server_faults("{\"phang\": 1}");
    probe_init(&first, "/b/run/small");
    probe_init(&queued, "/b/run/small");
    http_submit(client, &first.http);
    wait_until(server_hits() == 1);
    http_submit(client, &queued.http);
    probe_cancel(&queued);
    cr_assert_eq(probe_wait(&queued), -ECANCELED);
    cr_assert_eq(atomic_load(&queued.prepared), 0);
    probe_cancel(&first);
    cr_assert_eq(probe_wait(&first), -ECANCELED);
}

Test(http_engine, a_request_in_the_queue_ends_by_its_timeout)
{
    struct probe first;
    struct probe queued;
    open_engine(1);
    server_faults("{\"phang\": 1}");
    probe_init(&first, "/b/run/small");
    probe_init(&queued, "/b/run/small");
    http_submit(client, &first.http);
    wait_until(server_hits() == 1);
    queued.http.timeout_ms = 100;
    cr_assert_eq(probe_run(&queued), -ETIMEDOUT);
    cr_assert(strstr(queued.err.message, "it: timed out"), "%s", queued.err.message);
    probe_cancel(&first);
    cr_assert_eq(probe_wait(&first), -ECANCELED);
}

/* The caller has waited in queues of its own before. */
Test(http_engine, the_time_before_the_submission_counts)
{
    struct probe first;
    struct probe late;
    open_engine(1);
    server_faults("{\"phang\": 1}");
    probe_init(&first, "/b/run/small");
    probe_init(&late, "/b/run/small");
    http_submit(client, &first.http);
    wait_until(server_hits() == 1);
    late.http.since_ms = clock_ms() - LONG_MS;
    cr_assert_eq(probe_run(&late), -ETIMEDOUT);
    cr_assert_eq(atomic_load(&late.prepared), 0);
    probe_cancel(&first);
    cr_assert_eq(probe_wait(&first), -ECANCELED);
}

/* A request that ends by its timeout brings nothing to those behind it. */
Test(http_engine, the_time_behind_a_silent_request_counts, .timeout = 20)
{
    struct probe first;
    struct probe second;
    open_engine(1);
    server_faults("{\"phang\": 1}");
    probe_init(&first, "/b/run/small");
    probe_init(&second, "/b/run/small");
    first.http.timeout_ms = SHORT_MS;
    second.http.since_ms = clock_ms() + 2 * SHORT_MS - LONG_MS;
    http_submit(client, &first.http);
    wait_until(server_hits() == 1);
    http_submit(client, &second.http);
    cr_assert_eq(probe_wait(&first), -ETIMEDOUT);
    cr_assert_eq(probe_wait(&second), -ETIMEDOUT);
}

/* Whole answers are progress, however small: those behind them wait for longer than their timeout. */
Test(http_engine, the_time_behind_requests_that_are_answered_does_not_count)
{
    static const char *const faults[] = {"{\"delay_ms\": 500}", "{\"delay_ms\": 500, \"p403\": 1}"};
    for (size_t f = 0; f < COUNT(faults); f++) {
        struct probe probes[8];
        open_engine(1);
        server_faults(faults[f]);
        for (size_t i = 0; i < COUNT(probes); i++) {
            probe_init(&probes[i], "/b/run/small");
            probes[i].http.timeout_ms = 3000;
            http_submit(client, &probes[i].http);
        }
        for (size_t i = 0; i < COUNT(probes); i++)
            cr_assert_eq(probe_wait(&probes[i]), f ? -EACCES : 0, "%zu: %s", i, probes[i].err.message);
    }
}

Test(http_engine, closing_ends_requests_wherever_they_are)
{
    struct probe probes[12];
    server_faults("[{\"match\": \"plain\", \"p503\": 1}, {\"phang\": 1}]");
    for (size_t i = 0; i < COUNT(probes); i++) {
        probe_init(&probes[i], i < 2 ? "/b/run/plain" : "/b/run/small");
        probes[i].verdict = HTTP_RETRY;
        http_submit(client, &probes[i].http);
    }
    wait_until(server_hits() >= 5);
    http_client_close(client);
    client = NULL;
    for (size_t i = 0; i < COUNT(probes); i++) {
        cr_assert_eq(probes[i].calls, 1);
        cr_assert_eq(probes[i].result, -ECANCELED);
        cr_assert(probes[i].err.message[0]);
    }
}

/* Runs of one server share its engine: on the wire, in the queue and backing off. */
Test(http_engine, closing_a_client_leaves_the_requests_of_others_alone)
{
    struct http_client *other;
    struct probe mine[8];
    struct probe others[8];
    struct request_stats stats;
    struct error err;
    assert_ok(http_client_open(engine, &other, &err), &err);
    server_faults("[{\"match\": \"plain\", \"p503\": 1}, {\"phold\": 1}]");
    for (size_t i = 0; i < COUNT(mine); i++) {
        probe_init(&mine[i], i < 2 ? "/b/run/plain" : "/b/run/small");
        probe_init(&others[i], i < 2 ? "/b/run/plain" : "/b/run/small");
        mine[i].verdict = others[i].verdict = HTTP_RETRY;
        http_submit(client, &mine[i].http);
        http_submit(other, &others[i].http);
    }
    wait_until(server_hits() >= 8);
    http_client_close(client);
    client = NULL;
    for (size_t i = 0; i < COUNT(mine); i++)
        cr_assert_eq(mine[i].result, -ECANCELED);
    http_client_stats(other, &stats);
    cr_assert_eq(stats.results[REQUEST_LIST][REQUEST_CANCELLED], 0);
    server_faults("[]");
    for (size_t i = 0; i < COUNT(others); i++)
        cr_assert_eq(probe_wait(&others[i]), 0, "%s", others[i].err.message);
    http_client_stats(other, &stats);
    cr_assert_eq(stats.results[REQUEST_LIST][REQUEST_OK], COUNT(others));
    cr_assert_eq(stats.active, 0);
    http_client_close(other);
}

/* What is submitted while the client ends its requests comes too late for the engine's thread. */
Test(http_engine, closing_ends_what_is_submitted_meanwhile)
{
    struct probe first;
    struct probe second;
    server_faults("[{\"phang\": 1}]");
    probe_init(&first, "/b/run/small");
    probe_init(&second, "/b/run/small");
    first.follower = &second;
    http_submit(client, &first.http);
    wait_until(server_hits() >= 1);
    http_client_close(client);
    client = NULL;
    cr_assert_eq(first.calls, 1);
    cr_assert_eq(second.calls, 1);
    cr_assert_eq(second.result, -ECANCELED);
}

Test(http_engine, other_protocols_and_addresses_are_refused)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "",
                                       "http://"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct probe probe;
        probe_init(&probe, "");
        (void)snprintf(probe.url, sizeof probe.url, "%s", urls[i]);
        cr_assert_eq(probe_run(&probe), -EIO, "%s", urls[i]);
        cr_assert_eq(atomic_load(&probe.prepared), 1);
    }
}

Test(http_engine, a_plain_server_on_a_tls_port_is_an_error)
{
    struct probe probe;
    probe_init(&probe, "/b/run/small");
    (void)snprintf(probe.url, sizeof probe.url, "https%s/b/run/small", server_url() + strlen("http"));
    probe.http.timeout_ms = SHORT_MS;
    int result = probe_run(&probe);
    cr_assert(result == -EIO || result == -ETIMEDOUT, "%d", result);
    cr_assert(probe.err.message[0]);
}

Test(http_engine, closing_takes_null_and_engines_without_requests)
{
    http_client_close(NULL);
    http_engine_close(NULL);
    for (int i = 0; i < 5; i++)
        open_engine(2);
}
