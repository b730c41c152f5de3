/* The door to object stores: list a prefix, fetch byte ranges. A store is thread-safe and read-only. */
#ifndef RUNFS_STORE_STORE_H
#define RUNFS_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/object.h"
#include "base/wait.h"
#include "http/request.h"
#include "reader/reader.h"

/* Receives the bytes of one fetch, in order. The callbacks run on the store's thread, one at a time, and must
   not block. The sink must live until done() has been called, which happens exactly once for each accepted
   fetch. */
struct fetch_sink {
    void (*data)(struct fetch_sink *sink, const void *bytes, size_t len);
    void (*done)(struct fetch_sink *sink, int result,
                 const struct error *err); /* 0 only when every byte came */
    uint64_t since_ms; /* clock_ms since when the fetch is waited for without progress; 0: its start */
    atomic_bool
        cancelled;      /* set by the owner, from any thread, before wake(): the fetch ends with -ECANCELED */
    atomic_bool urgent; /* likewise: a reader waits for it now, whatever class it was started with */
};

struct store;

struct store_ops {
    /* Calls FN for every object below the store's prefix. SUBTREES (NULL-terminated, sorted, each ending in
       '/') are where the layout expects many keys: they may be listed at once. Blocking, bounded by WAIT. 0
       with no call where there is no object; -ENOENT where there is no such bucket or directory. */
    int (*list)(struct store *store, const char *const *subtrees, list_fn fn, void *context,
                const struct wait *wait, struct error *err);
    /* Starts fetching LEN > 0 bytes at OFFSET of an object as it was listed; asynchronous. Results: -ESTALE
       (another ETag now, or gone), -EACCES, -EIO, -ETIMEDOUT, -ECANCELED. FETCH_READ may wait for credentials.
       On failure to start, done() is not called. NULL for stores that have open(). */
    int (*fetch)(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                 enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err);
    /* To be called after a sink's cancelled was set. Waits for nothing. NULL for stores that look at it themselves. */
    void (*wake)(struct store *store);
    /* Opens an object for reading without a cache between; NULL for stores that have fetch(). */
    int (*open)(struct store *store, const struct object *object, struct reader **ret_reader,
                struct error *err);
    /* Tells the store's statistics. NULL for stores that make no requests. Thread-safe; waits for nothing. */
    void (*stats)(struct store *store, struct request_stats *ret_stats);
    /* Ends every fetch with -ECANCELED, then frees the store. */
    void (*close)(struct store *store);
};

/* Embedded as the first member of each kind of store. */
struct store {
    const struct store_ops *ops;
};

/* Closes a store; NULL is allowed. */
static inline void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

#endif
