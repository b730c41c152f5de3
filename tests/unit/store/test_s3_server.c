/* nginx for one test; see test_s3_server.h. */
#include "test_s3_server.h"

#include <errno.h>
#include <libgen.h>

#include "base/cleanup.h"
#include "http/http.h"

#define CONNECTIONS 8

static char endpoint[64];
static struct http_engine *shared;

/* The folder tests/servers, from this file's own place. */
static const char *servers(void)
{
    static char path[] = __FILE__;
    static char folder[sizeof path + 32];
    if (!folder[0])
        (void)snprintf(folder, sizeof folder, "%s/servers", dirname(dirname(dirname(path))));
    return folder;
}

/* Nothing of the caller's environment may lead requests elsewhere. */
static void clean_environment(void)
{
    static const char *const names[] = {"http_proxy",     "HTTP_PROXY",    "https_proxy",     "HTTPS_PROXY",
                                        "ALL_PROXY",      "all_proxy",     "SSL_CERT_FILE",   "SSL_CERT_DIR",
                                        "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL"};
    for (size_t i = 0; i < COUNT(names); i++)
        (void)unsetenv(names[i]);
}

void server_prepare(void)
{
    clean_environment();
    scratch_open();
    scratch_mkdir("data");
    scratch_mkdir("data/b");
    scratch_mkdir("data/b/run");
    scratch_write_pattern("data/b/run/plain", PLAIN_SIZE);
    scratch_write_pattern("data/b/run/small", SMALL_SIZE);
}

static int command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int command(const char *format, ...)
{
    char line[8192];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return system(line);
}

void server_start(void)
{
    char script[8192];
    (void)snprintf(script, sizeof script, "exec '%s/nginx-stop' '%s'\n", servers(), scratch_path("server"));
    scratch_write("at-end", script);
    cr_assert_eq(
        command("'%s/nginx-start' '%s' '%s' >&2", servers(), scratch_path("server"), scratch_path("data")),
        0);
    _cleanup_free_ char *port = scratch_read("server/fault-port");
    (void)snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%.*s", (int)strcspn(port, "\n"), port);
}

void server_open(void)
{
    server_prepare();
    server_start();
}

void server_close(void)
{
    http_engine_close(shared);
    shared = NULL;
    scratch_close();
}

const char *server_url(void)
{
    return endpoint;
}

void server_faults(const char *json)
{
    scratch_write("server/fault.new", json);
    cr_assert_eq(rename(scratch_path("server/fault.new"), scratch_path("server/fault.json")), 0);
    (void)unlink(scratch_path("server/hits"));
    (void)unlink(scratch_path("server/at-once"));
    cr_assert_eq(truncate(scratch_path("server/fault.log"), 0), 0);
}

size_t server_hits(void)
{
    struct stat st;
    return stat(scratch_path("server/hits"), &st) == 0 ? (size_t)st.st_size : 0;
}

bool server_asked(const char *range)
{
    char column[64];
    _cleanup_free_ char *lines = scratch_read("server/fault.log");
    (void)snprintf(column, sizeof column, "\tbytes=%s\t", range);
    return strstr(lines, column) != NULL;
}

struct http_engine *server_engine(unsigned connections)
{
    struct http_config config = {.connections = connections};
    struct http_engine *engine;
    struct error err;
    assert_ok(http_engine_open(&config, &engine, &err), &err);
    return engine;
}

struct store *server_store_of(const struct s3_config *config)
{
    struct s3_config full = *config;
    struct store *store;
    struct error err;
    full.endpoint = full.endpoint ? full.endpoint : endpoint;
    full.bucket = full.bucket ? full.bucket : "b";
    full.prefix = full.prefix ? full.prefix : "run/";
    if (!full.engine && !shared)
        shared = server_engine(CONNECTIONS);
    full.engine = full.engine ? full.engine : shared;
    assert_ok(s3_open(&full, &store, &err), &err);
    return store;
}

struct store *server_store(uint64_t timeout_ms)
{
    struct s3_config config = {.timeout_ms = timeout_ms};
    return server_store_of(&config);
}

/* Where a listing puts the one object that is looked for. */
struct search {
    const char *key;
    struct object found;
    char etag[128];
};

static int look_at(void *context, const struct object *object, struct error *err)
{
    struct search *search = context;
    (void)err;
    if (strcmp(object->key, search->key) != 0)
        return 0;
    search->found = *object;
    (void)snprintf(search->etag, sizeof search->etag, "%s", object->etag);
    return 0;
}

struct object server_object(struct store *store, const char *key)
{
    static struct search search;
    static const char *const none[] = {NULL};
    static const struct wait wait = {.timeout_ms = LONG_MS};
    struct error err;
    search = (struct search){.key = key};
    assert_ok(store->ops->list(store, none, look_at, &search, &wait, &err), &err);
    cr_assert(search.found.key, "%s is not listed", key);
    search.found.key = key;
    search.found.etag = search.etag;
    return search.found;
}

static void on_data(struct fetch_sink *sink, const void *bytes, size_t len)
{
    struct download *download = (struct download *)sink;
    if (len <= download->len - download->filled)
        memcpy(download->bytes + download->filled, bytes, len);
    download->filled += len;
}

static void on_done(struct fetch_sink *sink, int result, const struct error *err)
{
    struct download *download = (struct download *)sink;
    download->result = result;
    download->calls++;
    if (result < 0)
        download->err = *err;
    (void)sem_post(&download->ended);
}

int download_start(struct download *download, struct store *store, const struct object *object,
                   uint64_t offset, uint64_t len, enum fetch_class fetch_class)
{
    *download =
        (struct download){.sink = {.data = on_data, .done = on_done}, .len = len, .bytes = malloc(len)};
    (void)sem_init(&download->ended, 0, 0);
    return store->ops->fetch(store, object, offset, len, fetch_class, &download->sink, &download->err);
}

int download_wait(struct download *download)
{
    while (sem_wait(&download->ended) < 0)
        cr_assert_eq(errno, EINTR);
    return download->result;
}

void download_free(struct download *download)
{
    free(download->bytes);
    (void)sem_destroy(&download->ended);
}

int fetch_pattern(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                  struct error *err)
{
    struct download download;
    int result = download_start(&download, store, object, offset, len, FETCH_READ);
    if (result == 0)
        result = download_wait(&download);
    if (result == 0 && (download.filled != len || pattern_check(download.bytes, len, offset) != len))
        result = error_set(&download.err, EILSEQ, "%zu bytes, and wrong ones", (size_t)download.filled);
    *err = download.err;
    download_free(&download);
    return result;
}
