/* What writing and reading listings share; see listing.h. */
#ifndef RUNFS_DISK_LISTING_FORMAT_H
#define RUNFS_DISK_LISTING_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "disk/identity.h"

#define LISTING_HEAD     48
#define LISTING_NAME     (IDENTITY_NAME + 17) /* bytes of a file's name, with its NUL */
#define LISTING_TEXT_MAX (64U * 1024)         /* bytes of a key or an ETag */

struct listing_head {
    uint64_t began_ms;
    uint64_t count;
    size_t identity_len;
};

/* SCOPE-ACCESS: all names of a scope begin alike. */
void listing_name(const struct cache_scope *scope, const char *access, char ret_name[LISTING_NAME]);

/* Writes the head; STATE has hashed all that follows it. */
void listing_head_write(char out[LISTING_HEAD], const struct listing_head *head, XXH3_state_t *state);

/* Reads the head without its checksum; false where it is none. */
bool listing_head_read(const char bytes[LISTING_HEAD], struct listing_head *ret_head);

/* Whether the checksum in BYTES is right; STATE as above. */
bool listing_head_verify(const char bytes[LISTING_HEAD], XXH3_state_t *state);

#endif
