/* How many bytes are hashed: unit-unpack is linked with wrappers of what hashes them. */
#ifndef RUNFS_TESTS_UNPACK_COUNTED_H
#define RUNFS_TESTS_UNPACK_COUNTED_H

#include <stdint.h>

void counted_reset(void);

/* Of blocks, by XXH3; and of members and objects, by a digest. */
uint64_t counted_block_bytes(void);
uint64_t counted_digest_bytes(void);

#endif
