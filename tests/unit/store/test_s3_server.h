/* A real server for one test: nginx as S3 with its fault proxy (tests/servers/nginx-start), stores on it, and
   fetches that are waited for. All requests go through the fault proxy. */
#ifndef RUNFS_TESTS_STORE_TEST_S3_SERVER_H
#define RUNFS_TESTS_STORE_TEST_S3_SERVER_H

#include <semaphore.h>

#include "store/s3.h"
#include "testing.h"

#define LONG_MS  60000 /* never reached */
#define SHORT_MS 600   /* where time runs out */

/* The objects "plain" of this size, "small" and others that a test wrote to scratch "data/b/run/". */
#define PLAIN_SIZE 100000U
#define SMALL_SIZE 1000U

/* Fixtures. Before server_start(), a test may add to scratch "data/": folders are buckets. */
void server_prepare(void);
void server_start(void);
void server_open(void); /* both */
void server_close(void);

/* An engine with so many CONNECTIONS for a test of its own. */
struct http_engine *server_engine(unsigned connections);

/* "http://127.0.0.1:PORT" of the fault proxy. */
const char *server_url(void);

/* Sets the faults, JSON as nginx-start describes, and forgets the requests so far. */
void server_faults(const char *json);

/* How many requests have been falsified since the last server_faults(). */
size_t server_hits(void);

/* Whether a request for the range TEXT, such as "0-99", has ended since the last server_faults(). nginx says
   so a little later than the client knows. */
bool server_asked(const char *range);

/* A store of the prefix "run/" in bucket "b", unsigned. */
struct store *server_store(uint64_t timeout_ms);

/* The same with a configuration, whose endpoint, bucket, prefix and engine are set where they are not: the engine is one
   of all stores, with 8 connections. */
struct store *server_store_of(const struct s3_config *config);

/* An object of the server as its listing says. The strings are the caller's. */
struct object server_object(struct store *store, const char *key);

/* A fetch into memory. */
struct download {
    struct fetch_sink sink;
    char *bytes;
    uint64_t len;
    uint64_t filled;
    int result;
    struct error err;
    unsigned calls; /* of done() */
    sem_t ended;
};

int download_start(struct download *download, struct store *store, const struct object *object,
                   uint64_t offset, uint64_t len, enum fetch_class fetch_class);

/* Waits for the end and gives the result. */
int download_wait(struct download *download);
void download_free(struct download *download);

/* Fetches LEN bytes of an object that holds the pattern and checks them: 0, the fetch's failure, or -EILSEQ.
 */
int fetch_pattern(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                  struct error *err);

#endif
