/* The store of the cache's tests; see cache_test.h. */
#include "cache_test.h"

#include <errno.h>

#include "base/cleanup.h"

struct fake_store fake = {.lock = PTHREAD_MUTEX_INITIALIZER};
struct cache *cache;
unsigned connections = 32;
struct disk *cache_disk;
bool cache_offline;
bool cache_no_keep;

unsigned fake_count(void)
{
    (void)pthread_mutex_lock(&fake.lock);
    unsigned count = fake.count;
    (void)pthread_mutex_unlock(&fake.lock);
    return count;
}

bool fake_cancelled(unsigned number)
{
    (void)pthread_mutex_lock(&fake.lock);
    bool cancelled = atomic_load(&fake.fetches[number].sink->cancelled);
    (void)pthread_mutex_unlock(&fake.lock);
    return cancelled;
}

static struct fake_fetch *fetch_at(unsigned number)
{
    cr_assert_lt(number, fake_count());
    return &fake.fetches[number];
}

void fake_send(unsigned number, uint64_t len)
{
    struct fake_fetch *fetch = fetch_at(number);
    _cleanup_free_ char *bytes = malloc(len + 1);
    for (uint64_t i = 0; i < len; i++)
        bytes[i] = pattern_at(fetch->offset + fetch->sent + i);
    fetch->sink->data(fetch->sink, bytes, len);
    fetch->sent += len;
}

static void end_fetch(struct fake_fetch *fetch, int result, const char *message)
{
    struct error err = {0};
    struct fetch_sink *sink = fetch->sink;
    if (result < 0)
        (void)error_set(&err, -result, "%s", message);
    (void)pthread_mutex_lock(&fake.lock);
    fetch->sink = NULL;
    (void)pthread_mutex_unlock(&fake.lock);
    sink->done(sink, result, &err);
}

void fake_finish(unsigned number)
{
    struct fake_fetch *fetch = fetch_at(number);
    fake_send(number, (fetch->len - fetch->sent) / 2);
    fake_send(number, fetch->len - fetch->sent);
    end_fetch(fetch, 0, "");
}

void fake_fail(unsigned number, int result, const char *message)
{
    end_fetch(fetch_at(number), result, message);
}

static int fake_fetch(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                      enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err)
{
    (void)store, (void)fetch_class;
    (void)pthread_mutex_lock(&fake.lock);
    int refusal = fake.refusal;
    unsigned number = fake.count % FETCHES_MAX;
    bool at_once = fake.at_once;
    if (!refusal)
        fake.fetches[fake.count++ % FETCHES_MAX] =
            (struct fake_fetch){.sink = sink, .offset = offset, .len = len};
    (void)pthread_mutex_unlock(&fake.lock);
    if (refusal)
        return error_set(err, -refusal, "%s: refused", object->key);
    if (at_once)
        fake_finish(number);
    return 0;
}

static void fake_close(struct store *store)
{
    (void)store;
    for (unsigned i = 0; i < fake_count() && i < FETCHES_MAX; i++)
        if (fake.fetches[i].sink)
            fake_fail(i, -ECANCELED, "closed");
}

static const struct store_ops fake_ops = {.fetch = fake_fetch, .close = fake_close};

void cache_set_up(void)
{
    fake.store.ops = &fake_ops;
    cache_replace(4 * BLOCK, 0);
}

void cache_tear_down(void)
{
    fake.store.ops->close(&fake.store);
    cache_close(cache);
}

void cache_replace(uint64_t pool_bytes, uint64_t readahead)
{
    struct cache_config config = {.pool_bytes = pool_bytes,
                                  .readahead = readahead,
                                  .connections = connections,
                                  .disk = cache_disk,
                                  .scope = {"http://server", "bucket", "run/"},
                                  .no_keep = cache_no_keep,
                                  .offline = cache_offline};
    struct error err;
    cache_close(cache);
    assert_ok(cache_open(&config, &fake.store, &cache, &err), &err);
}

void cache_renew(void)
{
    cache_replace(4 * BLOCK, 0);
}

struct object object_of(const char *key, uint64_t size)
{
    return (struct object){.key = key, .key_len = strlen(key), .etag = "e", .size = size, .mtime_ns = 5};
}

struct reader *open_object(const char *key, uint64_t size)
{
    struct object object = object_of(key, size);
    struct reader *reader;
    struct error err;
    assert_ok(cache_reader_open(cache, &object, &reader, &err), &err);
    return reader;
}

int read_range(struct reader *reader, uint64_t offset, size_t len, const struct wait *wait, struct error *err)
{
    _cleanup_free_ char *bytes = malloc(len + 1);
    size_t n = 0;
    int result = reader_pread(reader, bytes, len, offset, wait, &n, err);
    if (result < 0)
        return result;
    uint64_t left = offset < reader->size ? reader->size - offset : 0;
    if (n != (len < left ? len : left) || pattern_check(bytes, n, offset) != n)
        return error_set(err, EILSEQ, "%zu bytes, wrong from byte %zu", n, pattern_check(bytes, n, offset));
    return 0;
}

static struct block *find_locked(uint64_t number)
{
    struct block *block;
    for (size_t i = 0; i < POOL_BUCKETS; i++)
        LIST_FOREACH(block, &cache->blocks[i], link)
    if (block->number == number)
        return block;
    return NULL;
}

struct block *block_in_table(uint64_t number)
{
    lock_take(&cache->lock);
    struct block *block = find_locked(number);
    lock_drop(&cache->lock);
    return block;
}

unsigned users_of(uint64_t number)
{
    lock_take(&cache->lock);
    const struct block *block = find_locked(number);
    unsigned users = block ? block->users : 0;
    lock_drop(&cache->lock);
    return users;
}

uint64_t cache_used(void)
{
    lock_take(&cache->lock);
    uint64_t used = cache->used;
    lock_drop(&cache->lock);
    return used;
}

unsigned cache_saving(void)
{
    unsigned count = 0;
    struct block *block;
    lock_take(&cache->lock);
    for (size_t i = 0; i < POOL_BUCKETS; i++)
        LIST_FOREACH(block, &cache->blocks[i], link)
    count += block->saving || block->filling;
    lock_drop(&cache->lock);
    return count;
}

static void *run_reading(void *context)
{
    struct reading *reading = context;
    reading->result =
        read_range(reading->reader, reading->offset, reading->len, &reading->wait, &reading->err);
    return NULL;
}

void reading_start_since(struct reading *reading, struct reader *reader, uint64_t offset, size_t len,
                         uint64_t timeout_ms, uint64_t since_ms)
{
    *reading = (struct reading){.reader = reader, .offset = offset, .len = len};
    cancel_init(&reading->cancelled);
    reading->wait =
        (struct wait){.timeout_ms = timeout_ms, .since_ms = since_ms, .cancelled = &reading->cancelled};
    cr_assert_eq(pthread_create(&reading->thread, NULL, run_reading, reading), 0);
}

void reading_start(struct reading *reading, struct reader *reader, uint64_t offset, size_t len,
                   uint64_t timeout_ms)
{
    reading_start_since(reading, reader, offset, len, timeout_ms, 0);
}

int reading_join(struct reading *reading)
{
    (void)pthread_join(reading->thread, NULL);
    return reading->result;
}
