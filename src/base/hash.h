/* XXH3 of 128 bits, canonical: tells accidents, not attacks. */
#ifndef RUNFS_BASE_HASH_H
#define RUNFS_BASE_HASH_H

#include <stddef.h>

struct hash128 {
    unsigned char bytes[16];
};

struct hash128 hash128(const void *data, size_t len);

#endif
