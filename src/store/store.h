/* The door to object stores: list a prefix, fetch byte ranges. A store is thread-safe and read-only. */
#ifndef RUNFS_STORE_STORE_H
#define RUNFS_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"
#include "reader/reader.h"

/* One object. Who hands it out owns the strings. Keys may hold any byte, so they carry a length. */
struct object {
    const char *key; /* below the store's prefix, NUL-terminated after key_len bytes */
    size_t key_len;
    const char *etag; /* without quotes; "" where the store has none */
    const char *link; /* the target of a symbolic link, NULL for anything else (local stores only) */
    bool executable;  /* a file that may be run (local stores only) */
    uint64_t size;    /* bytes */
    int64_t mtime_ns; /* since 1970-01-01 UTC */
};

/* Receives a listing's objects, in any order, never two calls at once. Returns 0 or -errno to end the
 * listing. */
typedef int (*list_fn)(void *context, const struct object *object, struct error *err);

/* Who waits for a fetch; requests of a lower class go first. */
enum fetch_class { FETCH_READ, FETCH_READAHEAD, FETCH_PREFETCH, FETCH_CLASSES };

/* Receives the bytes of one fetch, in order. The callbacks run on the store's thread, one at a time, and must
   not block. The sink must live until done() has been called, which happens exactly once for each accepted
   fetch. */
struct fetch_sink {
    void (*data)(struct fetch_sink *sink, const void *bytes, size_t len);
    void (*done)(struct fetch_sink *sink, int result,
                 const struct error *err); /* 0 only when every byte came */
    atomic_bool cancelled; /* set by the owner, from any thread: the fetch ends soon with -ECANCELED */
    atomic_bool urgent;    /* likewise: a reader waits for it now, whatever class it was started with */
};

/* What a store asks its server for. */
enum request_kind {
    REQUEST_LIST, /* a page of a listing */
    REQUEST_GET,  /* a range of an object */
    REQUEST_KINDS
};

/* What became of a request: one of those before REQUEST_RETRIED, or of an attempt that was followed by another one,
 * after a pause. */
enum request_result {
    REQUEST_OK,
    REQUEST_DENIED,
    REQUEST_MISSING,
    REQUEST_CHANGED, /* the object is another one than was listed */
    REQUEST_FAILED,  /* anything else, also the end of its time or its attempts */
    REQUEST_CANCELLED,
    REQUEST_RETRIED,                     /* the first of the reasons for another attempt: */
    REQUEST_THROTTLED = REQUEST_RETRIED, /* the server asks for less */
    REQUEST_SERVER_ERROR,                /* it fails, or its answer is not whole */
    REQUEST_TIMEOUT,                     /* it is silent */
    REQUEST_CONNECTION,                  /* no connection, or a broken one */
    REQUEST_RESULTS
};

/* What a store has done since it was opened, and does now. A snapshot: its parts may be some moments apart. */
struct store_stats {
    uint64_t results[REQUEST_KINDS][REQUEST_RESULTS];
    uint64_t attempts; /* requests on the wire: first ones, retries, and those sent on to another region */
    uint64_t bytes;    /* of bodies, also of attempts that failed */
    uint64_t waiting;  /* requests that wait for a connection, or for another attempt */
    unsigned active;   /* requests on the wire */
    unsigned allowed;  /* requests that may be on the wire at once: fewer while the server asks for less */
    struct histogram
        first_byte;         /* microseconds from the start of an attempt that ended well to its first byte */
    struct histogram whole; /* microseconds from asking for a request that ended well to its end */
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
    /* Opens an object for reading without a cache between; NULL for stores that have fetch(). */
    int (*open)(struct store *store, const struct object *object, struct reader **ret_reader,
                struct error *err);
    /* Tells the store's statistics. NULL for stores that make no requests. Thread-safe; waits for nothing. */
    void (*stats)(struct store *store, struct store_stats *ret_stats);
    /* Ends every fetch with -ECANCELED, then frees the store. */
    void (*close)(struct store *store);
};

/* Embedded as the first member of each kind of store. */
struct store {
    const struct store_ops *ops;
};

/* Closes a store; NULL is allowed. */
void store_close(struct store *store);

#endif
