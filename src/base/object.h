/* An object of a store, as a listing says. */
#ifndef RUNFS_BASE_OBJECT_H
#define RUNFS_BASE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

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

#endif
