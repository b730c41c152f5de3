/* A store for the cache's tests: it notes fetches and answers them when the test says so, or at once. Objects
   hold the pattern of testing.h. */
#ifndef RUNFS_TESTS_CACHE_CACHE_TEST_H
#define RUNFS_TESTS_CACHE_CACHE_TEST_H

#include <pthread.h>

#include "cache/pool.h"
#include "testing.h"

#define BLOCK       ((uint64_t)CACHE_BLOCK_SIZE)
#define FETCHES_MAX 4096

struct fake_fetch {
    struct fetch_sink *sink; /* NULL once done */
    uint64_t offset;
    uint64_t len;
    uint64_t sent;
};

struct fake_store {
    struct store store;
    pthread_mutex_t lock; /* guards all below */
    struct fake_fetch fetches[FETCHES_MAX];
    unsigned count;
    bool at_once; /* answer each fetch before fetch() returns */
    int refusal;  /* negative errno: fetch() fails with it */
};

extern struct fake_store fake;
extern struct cache *cache;
extern unsigned connections; /* of the store, for cache_replace() */

/* Fixtures: a cache of four blocks over the store; at the end both are closed in the order the cache asks
 * for. */
void cache_set_up(void);
void cache_tear_down(void);

/* The disk cache of those made below, and whether they are offline, keep nothing; NULL and false as
   long as nobody sets them. */
extern struct disk *cache_disk;
extern bool cache_offline;
extern bool cache_no_keep;

/* Makes a cache of POOL_BYTES in place of the present one. READAHEAD is 0 for all tests but those of reading
   ahead. */
void cache_replace(uint64_t pool_bytes, uint64_t readahead);

/* Writes to disk what is still to be written, and goes on with a cache of four blocks that knows nothing but what is
   there. No reader may be left. */
void cache_renew(void);

/* How many fetches have been started. */
unsigned fake_count(void);

/* Whether nobody waits for fetch NUMBER (from 0) any more. */
bool fake_cancelled(unsigned number);

/* Sends LEN more bytes of a fetch. */
void fake_send(unsigned number, uint64_t len);

/* Sends what is left of a fetch and ends it well. */
void fake_finish(unsigned number);

/* Ends a fetch with RESULT and a message. */
void fake_fail(unsigned number, int result, const char *message);

/* The object KEY of SIZE bytes. */
struct object object_of(const char *key, uint64_t size);

struct reader *open_object(const char *key, uint64_t size);

/* Reads LEN bytes at OFFSET and checks them. */
int read_range(struct reader *reader, uint64_t offset, size_t len, const struct wait *wait,
               struct error *err);

/* The block of any source that is in the cache's table with this number; NULL where there is none. */
struct block *block_in_table(uint64_t number);

/* How many readers use it, bytes in use: under the cache's lock. */
unsigned users_of(uint64_t number);
uint64_t cache_used(void);

/* How many blocks are still looked for on disk, or to be saved or released there. */
unsigned cache_saving(void);

/* A read on a thread of its own. */
struct reading {
    struct reader *reader;
    uint64_t offset;
    size_t len;
    struct wait wait;
    struct cancel cancelled;
    pthread_t thread;
    int result;
    struct error err;
};

/* Fills in and starts READING; TIMEOUT_MS is its patience. */
void reading_start(struct reading *reading, struct reader *reader, uint64_t offset, size_t len,
                   uint64_t timeout_ms);

/* The same for a read that has waited since SINCE_MS. */
void reading_start_since(struct reading *reading, struct reader *reader, uint64_t offset, size_t len,
                         uint64_t timeout_ms, uint64_t since_ms);

/* Joins the thread and gives the result. */
int reading_join(struct reading *reading);

#endif
