/* What the headers of librunfs-layout share: errors, spans of text, limits and the export mark.
   The library does no I/O and keeps no state: every function may be called from any thread at any time. */
#ifndef RUNFS_TYPES_H
#define RUNFS_TYPES_H

#include <stddef.h>

#if defined(__GNUC__)
#define RUNFS_API __attribute__((visibility("default")))
#else
#define RUNFS_API
#endif

#define RUNFS_ERROR_MESSAGE_MAX 1024 /* bytes of a message, with its NUL */
#define RUNFS_BUCKET_MAX        63   /* bytes of a bucket's name (S3) */
#define RUNFS_KEY_MAX           1024 /* bytes of an object's key (S3) */

/* Why a function failed. Functions that take one last return 0 or a negative errno; on failure they fill it
   and leave their ret_ parameters untouched. NULL is allowed where the reason does not matter. */
struct runfs_error {
    int code;                              /* a positive errno: EINVAL, ENAMETOOLONG or ENOMEM */
    char message[RUNFS_ERROR_MESSAGE_MAX]; /* one line "WHAT: WHY", control characters as \xNN */
};

/* A part of somebody else's text: not NUL-terminated, valid as long as that text.
   TEXT is NULL where there is none. */
struct runfs_span {
    const char *text;
    size_t len;
};

#endif
