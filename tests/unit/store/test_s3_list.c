/* Listings from a real server, small and large, well and falsified. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "test_s3_server.h"

static const char *const no_subtrees[] = {NULL};
static const char *const subtrees[] = {"logs/", "manifests/", "python/", NULL};
static const struct wait patient = {.timeout_ms = LONG_MS};

/* What a listing gave. */
struct collection {
    char **keys;
    size_t count;
    size_t capacity;
    atomic_bool inside;
    size_t stop_at;     /* the call that sets STOP and fails with REFUSAL; 0 for none */
    struct cancel stop; /* cancels a listing */
    int refusal;
    size_t wait_at; /* the call that waits until the server has had so many requests; 0 for none */
    size_t requests;
};

static struct store *store;
static struct collection collection;

static int collect(void *context, const struct object *object, struct error *err)
{
    struct collection *c = context;
    cr_assert_not(atomic_exchange(&c->inside, true), "two calls at once");
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 1024;
        c->keys = reallocarray(c->keys, c->capacity, sizeof *c->keys);
    }
    c->keys[c->count++] = strdup(object->key);
    atomic_store(&c->inside, false);
    wait_until(c->count != c->wait_at || server_hits() >= c->requests);
    if (c->count != c->stop_at)
        return 0;
    cancel_request(&c->stop);
    return c->refusal ? error_set(err, -c->refusal, "the receiver has had enough") : 0;
}

static void clear_collection(void)
{
    for (size_t i = 0; i < collection.count; i++)
        free(collection.keys[i]);
    free(collection.keys);
    collection.keys = NULL;
    collection.count = collection.capacity = 0;
}

static int list(const char *const *trees, const struct wait *wait, struct error *err)
{
    clear_collection();
    return store->ops->list(store, trees, collect, &collection, wait, err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists and fails unless the keys are those of WANTED (COUNT, sorted), each once. */
static void assert_listed(const char *const *trees, char *const *wanted, size_t count)
{
    struct error err = {0};
    assert_ok(list(trees, &patient, &err), &err);
    qsort(collection.keys, collection.count, sizeof *collection.keys, compare);
    for (size_t i = 0; i < count && i < collection.count; i++)
        cr_assert_str_eq(collection.keys[i], wanted[i], "key %zu of %zu: %s, not %s", i, count,
                         collection.keys[i], wanted[i]);
    cr_assert_eq(collection.count, count, "%zu keys, not %zu", collection.count, count);
}

static void open_store(void)
{
    store = server_store(LONG_MS);
}

static void set_up(void)
{
    server_open();
    open_store();
}

static void tear_down(void)
{
    clear_collection();
    store_close(store);
    server_close();
}

TestSuite(s3_list, .init = set_up, .fini = tear_down);

Test(s3_list, a_small_prefix_is_one_page)
{
    char *wanted[] = {(char[]){"plain"}, (char[]){"small"}};
    assert_listed(subtrees, wanted, 2);
}

Test(s3_list, entries_have_size_time_and_etag)
{
    struct stat st;
    cr_assert_eq(stat(scratch_path("data/b/run/plain"), &st), 0);
    struct object object = server_object(store, "plain");
    cr_assert_eq(object.size, PLAIN_SIZE);
    cr_assert_eq(object.mtime_ns, st.st_mtim.tv_sec * 1000000000LL);
    cr_assert(object.etag[0] && object.etag[0] != '"');
}

Test(s3_list, a_prefix_without_objects_is_empty)
{
    struct error err;
    struct s3_config config = {.prefix = "none/", .timeout_ms = LONG_MS};
    store_close(store);
    store = server_store_of(&config);
    assert_ok(list(subtrees, &patient, &err), &err);
    cr_assert_eq(collection.count, 0);
}

Test(s3_list, a_missing_bucket_is_told)
{
    struct error err = {0};
    struct s3_config config = {.bucket = "none", .timeout_ms = LONG_MS};
    store_close(store);
    store = server_store_of(&config);
    assert_refused(list(subtrees, &patient, &err), ENOENT, &err,
                   "s3://none/run/: no such bucket (HTTP 404 NoSuchBucket");
}

Test(s3_list, a_refusal_is_told)
{
    struct error err = {0};
    server_faults("{\"p403\": 1}");
    assert_refused(list(subtrees, &patient, &err), EACCES, &err, "access denied (HTTP 403 AccessDenied");
    cr_assert_eq(server_hits(), 1);
}

Test(s3_list, faults_that_pass_are_tried_again)
{
    static const char *const faults[] = {"{\"first\": 2, \"p503\": 1}", "{\"first\": 1, \"preset\": 1}",
                                         "{\"first\": 1, \"ptrunc\": 1}"};
    char *wanted[] = {(char[]){"plain"}, (char[]){"small"}};
    for (size_t i = 0; i < COUNT(faults); i++) {
        server_faults(faults[i]);
        assert_listed(subtrees, wanted, 2);
        cr_assert_geq(server_hits(), 1);
    }
}

Test(s3_list, answers_that_are_no_listing_are_errors)
{
    struct error err = {0};
    server_faults("{\"pgarbage\": 1}");
    assert_refused(list(subtrees, &patient, &err), EIO, &err, "malformed XML");
    server_faults("{\"pxmlcut\": 1}");
    assert_refused(list(subtrees, &patient, &err), EIO, &err, "malformed XML");
    server_faults("{\"pdoctype\": 1}");
    assert_refused(list(subtrees, &patient, &err), EIO, &err, "document type");
    cr_assert(strstr(err.message, "s3://b/run/"), "%s", err.message);
}

Test(s3_list, a_server_that_says_nothing_fails_in_bounded_time)
{
    struct error err = {0};
    store_close(store);
    store = server_store(SHORT_MS);
    server_faults("{\"phang\": 1}");
    assert_refused(list(subtrees, &patient, &err), ETIMEDOUT, &err, "timed out");
}

Test(s3_list, a_page_that_does_not_advance_is_an_error)
{
    static const char *const faults[] = {"{\"pstuck\": 1}", "{\"pspin\": 1}"};
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct error err = {0};
        server_faults(faults[i]);
        assert_refused(list(no_subtrees, &patient, &err), EIO, &err, "does not advance");
        assert_refused(list(subtrees, &patient, &err), EIO, &err, "does not advance");
        cr_assert_leq(server_hits(), 20);
    }
}

Test(s3_list, a_listing_can_be_cancelled)
{
    struct cancel cancelled = CANCEL_INIT;
    struct wait wait = {.timeout_ms = LONG_MS, .cancelled = &cancelled};
    cancel_request(&cancelled);
    struct error err = {0};
    server_faults("{\"phang\": 1}");
    assert_refused(list(subtrees, &wait, &err), EINTR, &err, "s3://b/run/");
}

Test(s3_list, the_end_of_the_session_ends_a_listing)
{
    struct cancel ending = CANCEL_INIT;
    struct wait wait = {.timeout_ms = LONG_MS, .shutdown = &ending};
    cancel_request(&ending);
    struct error err = {0};
    server_faults("{\"phang\": 1}");
    assert_refused(list(subtrees, &wait, &err), EINTR, &err, "s3://b/run/");
}

Test(s3_list, a_failure_of_the_receiver_ends_the_listing)
{
    struct error err = {0};
    collection.stop_at = 1;
    collection.refusal = -ENOSPC;
    assert_refused(list(subtrees, &patient, &err), ENOSPC, &err, "the receiver has had enough");
    cr_assert_eq(collection.count, 1);
}

/* Keys of many pages: a format for the numbers from 0 to COUNT - 1. Parts are in order. */
struct part {
    const char *format;
    unsigned count;
};

static char **made;
static size_t made_count;

static void make_key(FILE *out, const char *key)
{
    (void)fputs("run/", out);
    for (const char *c = key; *c; c++)
        (void)fprintf(out, "%%%02X", (unsigned)(unsigned char)*c);
    (void)fputs("\tempty\n", out);
    made[made_count++] = strdup(key);
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void make_parts(const struct part *parts, size_t count)
{
    FILE *out = fopen(scratch_path("data/b.keys"), "we");
    char key[128];
    cr_assert(out);
    made = calloc(20000, sizeof *made);
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < parts[i].count; k++) {
            (void)snprintf(key, sizeof key, parts[i].format, k);
            make_key(out, key);
        }
    (void)fclose(out);
    scratch_write("data/empty", "");
    cr_assert_eq(unlink(scratch_path("data/b/run/plain")), 0);
    cr_assert_eq(unlink(scratch_path("data/b/run/small")), 0);
    server_start();
    open_store();
}

static void free_parts(void)
{
    for (size_t i = 0; i < made_count; i++)
        free(made[i]);
    free(made);
    made_count = 0;
    tear_down();
}

TestSuite(s3_branches, .init = server_prepare, .fini = free_parts);

Test(s3_branches, subtrees_of_many_pages_are_listed_whole_each_key_once)
{
    static const struct part parts[] = {{"a%05u", 300},
                                        {"logs/%05u", 2500},
                                        {"logs/sub/%05u", 1000},
                                        {"manifests/x%05u", 1200},
                                        {"n%05u", 1500},
                                        {"python/\xf0\x9f\x98\x80%04u", 1001},
                                        {"z%05u", 10}};
    make_parts(parts, COUNT(parts));
    assert_listed(subtrees, made, made_count);
    assert_listed(no_subtrees, made, made_count);
}

/* The first page ends inside a subtree, at its first key, at its last key and between two. */
Test(s3_branches, a_first_page_may_end_anywhere)
{
    static const unsigned before[] = {995, 998, 999, 1000};
    for (size_t i = 0; i < COUNT(before); i++) {
        const struct part parts[] = {
            {"a%05u", before[i]}, {"logs/%05u", 3}, {"m%05u", 3}, {"manifests/%05u", 1200}, {"o%05u", 2}};
        if (i) {
            free_parts();
            server_prepare();
        }
        make_parts(parts, COUNT(parts));
        assert_listed(subtrees, made, made_count);
    }
}

/* A subtree's end is found by the greatest code point; keys of other bytes sort behind it. */
Test(s3_branches, keys_behind_the_last_code_point_are_listed_too)
{
    static const struct part parts[] = {{"a%05u", 1100},
                                        {"logs/%05u", 1100},
                                        {"logs/\xf4\x8f\xbf\xbf", 1},
                                        {"logs/\xf4\x8f\xbf\xbf%05u", 5},
                                        {"logs/\xff%05u", 1500},
                                        {"logs/\xff\xfe", 1},
                                        {"m%05u", 5}};
    make_parts(parts, COUNT(parts));
    assert_listed(subtrees, made, made_count);
}

Test(s3_branches, a_run_that_is_one_subtree_is_listed)
{
    static const struct part parts[] = {{"logs/%05u", 3500}};
    make_parts(parts, COUNT(parts));
    assert_listed(subtrees, made, made_count);
}

/* The keys of the second page are given out only once the third page has been asked for. */
Test(s3_branches, the_next_page_is_asked_for_while_one_is_read)
{
    static const struct part parts[] = {{"a%05u", 3500}};
    make_parts(parts, COUNT(parts));
    server_faults("{\"match\": \"list-type\"}");
    collection.wait_at = 1001;
    collection.requests = 3;
    assert_listed(no_subtrees, made, made_count);
    cr_assert_eq(server_hits(), 4);
}

Test(s3_branches, pages_that_break_off_are_asked_for_again)
{
    static const struct part parts[] = {{"a%05u", 2500}, {"logs/%05u", 5500}};
    make_parts(parts, COUNT(parts));
    server_faults(
        "{\"ptrunc\": 0.15, \"p500\": 0.1}"); /* eight failures of one page in a row: 1 in 100,000 */
    assert_listed(subtrees, made, made_count);
    assert_listed(no_subtrees, made, made_count);
}

/* The page asked for ahead, behind key run/a01999, never comes. */
Test(s3_branches, a_listing_that_ends_waits_for_no_page_ahead)
{
    static const struct part parts[] = {{"a%05u", 3500}};
    struct error err = {0};
    make_parts(parts, COUNT(parts));
    server_faults("{\"match\": \"continuation-token=1cnVuL2EwMTk5OQ\", \"phang\": 1}");
    collection.wait_at = 1001;
    collection.requests = 1;
    collection.stop_at = 1500;
    collection.refusal = -ENOSPC;
    assert_refused(list(no_subtrees, &patient, &err), ENOSPC, &err, "the receiver has had enough");
}

Test(s3_branches, a_failure_in_a_branch_fails_the_listing)
{
    static const struct part parts[] = {{"a%05u", 1100}, {"logs/%05u", 2500}, {"manifests/%05u", 2500}};
    struct error err = {0};
    make_parts(parts, COUNT(parts));
    server_faults("{\"match\": \"prefix=run%2Fmanifests\", \"p403\": 1}");
    assert_refused(list(subtrees, &patient, &err), EACCES, &err, "access denied");
    server_faults("{\"match\": \"start-after=\", \"pgarbage\": 1}");
    assert_refused(list(subtrees, &patient, &err), EIO, &err, "malformed XML");
}

/* One branch hangs while the others go on. */
Test(s3_branches, what_ends_the_listing_ends_all_branches)
{
    static const struct part parts[] = {{"a%05u", 1100}, {"logs/%05u", 2500}, {"manifests/%05u", 2500}};
    struct wait wait = {.timeout_ms = LONG_MS, .cancelled = &collection.stop};
    cancel_init(&collection.stop);
    struct error err = {0};
    make_parts(parts, COUNT(parts));
    server_faults("{\"match\": \"prefix=run%2Fmanifests\", \"phang\": 1}");
    collection.stop_at = 1500;
    assert_refused(list(subtrees, &wait, &err), EINTR, &err, "s3://b/run/");
    cr_assert_geq(collection.count, 1500);
}

Test(s3_branches, a_receiver_that_fails_is_not_called_again)
{
    static const struct part parts[] = {{"a%05u", 1100}, {"logs/%05u", 2500}, {"manifests/%05u", 2500}};
    struct error err = {0};
    make_parts(parts, COUNT(parts));
    collection.stop_at = 1500;
    collection.refusal = -ENOSPC;
    assert_refused(list(subtrees, &patient, &err), ENOSPC, &err, "the receiver has had enough");
    cr_assert_eq(collection.count, 1500);
}

/* As the mount tests do it, but for the mount. */
Test(s3_branches, twenty_thousand_logs_are_listed)
{
    char line[4096];
    char seen[20000] = {0};
    struct error err;
    static const char file[] = __FILE__;
    (void)snprintf(line, sizeof line, "'%.*s/fixtures/make-many-keys' '%s' b run 20000",
                   (int)(strstr(file, "/unit/") - file), file, scratch_path("data"));
    cr_assert_eq(system(line), 0);
    server_start();
    open_store();
    assert_ok(list(subtrees, &patient, &err), &err);
    for (size_t i = 0; i < collection.count; i++) {
        unsigned number;
        if (sscanf(collection.keys[i], "logs/part%*4u/log%7u_build.log", &number) == 1 &&
            number < sizeof seen)
            seen[number]++;
    }
    cr_assert_eq(collection.count, 20002);
    for (size_t i = 0; i < sizeof seen; i++)
        cr_assert_eq(seen[i], 1, "log %zu", i);
}
