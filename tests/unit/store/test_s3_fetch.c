/* Fetching objects from a real server that is well or falsifies its answers: right bytes, or the right error.
 */
#include <errno.h>

#include "test_s3_server.h"

static struct store *store;
static struct object plain;

static void set_up(void)
{
    server_open();
    store = server_store(LONG_MS);
    plain = server_object(store, "plain");
    server_faults("[]");
}

static void tear_down(void)
{
    store_close(store);
    server_close();
}

/* From here on requests may go unanswered for a short time only. */
static void hurry(void)
{
    store_close(store);
    store = server_store(SHORT_MS);
}

static void assert_fetched(uint64_t offset, uint64_t len)
{
    struct error err;
    assert_ok(fetch_pattern(store, &plain, offset, len, &err), &err);
}

/* What a fetch of 20,000 bytes from 1,000 on comes to. */
static void assert_fails(int code, const char *text)
{
    struct error err = {0};
    int result = fetch_pattern(store, &plain, 1000, 20000, &err);
    cr_assert_eq(result, -code, "%d: %s", result, err.message);
    cr_assert(strstr(err.message, text), "'%s' is not in: %s", text, err.message);
    cr_assert(strstr(err.message, "s3://b/run/plain"), "%s", err.message);
}

TestSuite(s3_fetch, .init = set_up, .fini = tear_down);

Test(s3_fetch, any_range_has_the_objects_bytes)
{
    static const uint64_t ranges[][2] = {
        {0, 1}, {0, PLAIN_SIZE}, {1, PLAIN_SIZE - 1}, {PLAIN_SIZE - 1, 1}, {4096, 8192}, {50000, 50000}};
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_fetched(ranges[i][0], ranges[i][1]);
    wait_until(server_asked("4096-12287"));
}

Test(s3_fetch, many_fetches_at_once_do_not_mix)
{
    struct download downloads[64];
    for (uint64_t i = 0; i < COUNT(downloads); i++)
        cr_assert_eq(download_start(&downloads[i], store, &plain, i * 1500, 1500,
                                    (enum fetch_class)(i % FETCH_CLASSES)),
                     0);
    for (uint64_t i = 0; i < COUNT(downloads); i++) {
        cr_assert_eq(download_wait(&downloads[i]), 0, "%s", downloads[i].err.message);
        cr_assert_eq(pattern_check(downloads[i].bytes, 1500, i * 1500), 1500);
        cr_assert_eq(downloads[i].calls, 1);
        download_free(&downloads[i]);
    }
}

/* Faults that pass: the reader does not notice, and what had come is not asked for again. */
Test(s3_fetch, faults_that_pass_are_tried_again)
{
    static const char *const faults[] = {"{\"first\": 2, \"p503\": 1}", "{\"first\": 2, \"p500\": 1}",
                                         "{\"first\": 2, \"preset\": 1}", "{\"first\": 1, \"ptrunc\": 1}"};
    for (size_t i = 0; i < COUNT(faults); i++) {
        server_faults(faults[i]);
        assert_fetched(1000, 90000);
        cr_assert_geq(server_hits(), 1, "%s", faults[i]);
    }
}

Test(s3_fetch, a_retry_goes_on_where_the_last_attempt_ended)
{
    server_faults("{\"first\": 1, \"ptrunc\": 1}");
    assert_fetched(1000, 90000);
    wait_until(server_asked("1000-90999"));
    wait_until(server_asked("46000-90999"));
}

Test(s3_fetch, a_connection_that_stalls_is_given_up_and_tried_again)
{
    hurry();
    server_faults("{\"first\": 1, \"pstall\": 1}");
    assert_fetched(0, PLAIN_SIZE);
    server_faults("{\"first\": 1, \"phang\": 1}");
    assert_fetched(0, PLAIN_SIZE);
    server_faults("{\"first\": 1, \"ptrickle\": 1}");
    assert_fetched(0, PLAIN_SIZE);
}

Test(s3_fetch, a_server_that_says_nothing_fails_in_bounded_time)
{
    hurry();
    server_faults("{\"phang\": 1}");
    assert_fails(ETIMEDOUT, "timed out");
    server_faults("{\"pstall\": 1}");
    assert_fails(ETIMEDOUT, "timed out");
    server_faults("{\"ptrickle\": 1}");
    assert_fails(ETIMEDOUT, "timed out");
}

Test(s3_fetch, a_server_that_never_recovers_fails_with_its_own_code)
{
    hurry();
    server_faults("{\"p503\": 1}");
    struct error err = {0};
    int result = fetch_pattern(store, &plain, 0, 100, &err);
    cr_assert(result == -ETIMEDOUT || result == -EIO, "%d", result);
    cr_assert(strstr(err.message, "HTTP 503 SlowDown"), "%s", err.message);
}

Test(s3_fetch, a_refusal_is_an_answer_and_not_tried_again)
{
    server_faults("{\"p403\": 1}");
    assert_fails(EACCES, "access denied (HTTP 403 AccessDenied: AccessDenied says the fault proxy)");
    cr_assert_eq(server_hits(), 1);
}

Test(s3_fetch, wrong_answers_are_errors_never_bytes)
{
    server_faults("{\"pshort\": 1}");
    assert_fails(EIO, "not the range that was asked for");
    server_faults("{\"plong\": 1}");
    assert_fails(EIO, "not the range that was asked for");
    server_faults("{\"pshift\": 1}");
    assert_fails(EIO, "not the range that was asked for");
    server_faults("{\"prange\": 1}");
    assert_fails(EIO, "not the range that was asked for");
    server_faults("{\"ptotal\": 1}");
    assert_fails(ESTALE, "another size");
    server_faults("{\"p200\": 1}");
    assert_fails(EIO, "all of the object in place of a range");
}

/* A server without ranges is good enough for whole objects. */
Test(s3_fetch, all_of_an_object_may_come_without_a_range)
{
    server_faults("{\"p200\": 1}");
    assert_fetched(0, PLAIN_SIZE);
    cr_assert_eq(server_hits(), 1);
}

Test(s3_fetch, a_whole_answer_of_another_size_is_stale)
{
    server_faults("{\"p200\": 1}");
    struct error err = {0};
    struct object object = plain;
    object.size = 20000;
    assert_refused(fetch_pattern(store, &object, 0, 20000, &err), ESTALE, &err, "another size");
}

Test(s3_fetch, a_replaced_object_is_stale)
{
    struct error err = {0};
    struct object object = plain;
    object.etag = "other";
    assert_refused(fetch_pattern(store, &object, 0, 10, &err), ESTALE, &err, "has been replaced");
    object = plain;
    object.size++;
    assert_refused(fetch_pattern(store, &object, 0, 10, &err), ESTALE, &err, "another size");
    assert_refused(fetch_pattern(store, &object, PLAIN_SIZE, 1, &err), ESTALE, &err, "has been replaced");
}

Test(s3_fetch, an_object_that_is_gone_is_stale)
{
    struct error err = {0};
    cr_assert_eq(unlink(scratch_path("data/b/run/plain")), 0);
    cr_assert_eq(fetch_pattern(store, &plain, 0, 10, &err), -ESTALE);
    cr_assert(strstr(err.message, "HTTP 404 NoSuchKey"), "%s", err.message);
}

/* In bucket "b2", of the same size. nginx makes ETags of time and size. */
static void make_other_version(void)
{
    static const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    scratch_mkdir("data/b2");
    scratch_mkdir("data/b2/run");
    scratch_write_pattern("data/b2/run/plain", PLAIN_SIZE);
    cr_assert_eq(utimensat(AT_FDCWD, scratch_path("data/b2/run/plain"), times, 0), 0);
}

/* Without If-Match only the answer's ETag tells; half-way through, too. */
Test(s3_fetch, bytes_of_two_versions_are_never_mixed)
{
    struct error err = {0};
    struct object object = plain;
    server_faults("{\"if_match\": false}");
    object.etag = "other";
    assert_refused(fetch_pattern(store, &object, 0, 10, &err), ESTALE, &err, "has been replaced");
    make_other_version();
    server_faults("[{\"range\": \"=1000-\", \"ptrunc\": 1}, {\"swap\": \"b2\", \"if_match\": false}]");
    assert_refused(fetch_pattern(store, &plain, 1000, 50000, &err), ESTALE, &err, "has been replaced");
}

Test(s3_fetch, a_fetch_can_be_cancelled_while_it_waits)
{
    struct download download;
    server_faults("{\"phang\": 1}");
    cr_assert_eq(download_start(&download, store, &plain, 0, 100, FETCH_READ), 0);
    wait_until(server_hits() == 1);
    atomic_store(&download.sink.cancelled, true);
    store->ops->wake(store);
    cr_assert_eq(download_wait(&download), -ECANCELED);
    download_free(&download);
}

Test(s3_fetch, a_fetch_can_be_cancelled_while_it_backs_off)
{
    struct download download;
    server_faults("{\"p503\": 1}");
    cr_assert_eq(download_start(&download, store, &plain, 0, 100, FETCH_READ), 0);
    wait_until(server_hits() >= 3);
    atomic_store(&download.sink.cancelled, true);
    store->ops->wake(store);
    cr_assert_eq(download_wait(&download), -ECANCELED);
    download_free(&download);
}

Test(s3_fetch, closing_the_store_ends_every_fetch_once)
{
    struct download downloads[20];
    server_faults("{\"phang\": 1}");
    for (size_t i = 0; i < COUNT(downloads); i++)
        cr_assert_eq(download_start(&downloads[i], store, &plain, i, 1, FETCH_READ), 0);
    wait_until(server_hits() >= 8);
    store_close(store);
    for (size_t i = 0; i < COUNT(downloads); i++) {
        cr_assert_eq(downloads[i].calls, 1);
        cr_assert_eq(downloads[i].result, -ECANCELED);
        download_free(&downloads[i]);
    }
    store = server_store(LONG_MS);
}

Test(s3_fetch, a_server_that_is_not_there_is_an_error)
{
    struct error err = {0};
    struct s3_config config = {.endpoint = "http://127.0.0.1:1", .timeout_ms = LONG_MS};
    struct store *nowhere = server_store_of(&config);
    cr_assert_eq(fetch_pattern(nowhere, &plain, 0, 10, &err), -EIO);
    cr_assert(strstr(err.message, "Connection refused") || strstr(err.message, "connect"), "%s", err.message);
    store_close(nowhere);
}
