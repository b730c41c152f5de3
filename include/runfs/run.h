/* Which run: its id, its platform, and the prefix below which all of its outputs lie.
   Rules: prefix = {key_prefix}{external_repo}{run_id}-{platform}; runs before 2025-05-13 have no platform in
   it. */
#ifndef RUNFS_RUN_H
#define RUNFS_RUN_H

#include <runfs/types.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNFS_RUN_ID_MAX 20 /* digits of a run id: those of a 64-bit number */

enum runfs_platform {
    RUNFS_PLATFORM_UNSAID, /* not named; where a prefix is made, this system's */
    RUNFS_PLATFORM_LINUX,
    RUNFS_PLATFORM_WINDOWS,
};

struct runfs_run {
    char id[RUNFS_RUN_ID_MAX + 1];
    enum runfs_platform platform;
};

/* A prefix taken apart. */
struct runfs_prefix {
    struct runfs_span external_repo; /* "OWNER-REPO" inside the prefix's text, without '/'; none: text is
                                        NULL. Both names may hold '-', so it cannot be split again. */
    struct runfs_run run; /* id "local" for a local run; platform unsaid where the prefix has none */
};

/* "linux" or "windows"; "" for RUNFS_PLATFORM_UNSAID. */
RUNFS_API const char *runfs_platform_name(enum runfs_platform platform);

/* Reads "linux" or "windows"; anything else is -EINVAL. */
RUNFS_API int runfs_platform_parse(const char *text, enum runfs_platform *ret_platform,
                                   struct runfs_error *err);

/* Reads "RUNID" (platform: unsaid) or "RUNID-PLATFORM". A run id is a decimal number of 64 bits without sign,
   blanks or leading zeros. -EINVAL. */
RUNFS_API int runfs_run_parse(const char *text, struct runfs_run *ret_run, struct runfs_error *err);

/* Takes PREFIX apart, which must begin with KEY_PREFIX (NULL: none; its last '/' may be left out) and have no
   '/' at its end. The run id may be "local" where there is no external_repo. -EINVAL. */
RUNFS_API int runfs_prefix_parse(const char *prefix, const char *key_prefix, struct runfs_prefix *ret_parts,
                                 struct runfs_error *err);

/* Reads a time of RFC 3339, such as GitHub's updated_at, into nanoseconds since 1970-01-01 UTC; always above
   0, which stands for an unknown time. -EINVAL. */
RUNFS_API int runfs_time_parse(const char *text, int64_t *ret_time, struct runfs_error *err);

#ifdef __cplusplus
}
#endif

#endif
