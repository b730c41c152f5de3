/* Counts hashed bytes; see counted.h. */
#include "counted.h"

#include <stdatomic.h>

#include "base/digest.h"
#include "base/hash.h"

#define BLOCK_MIN 65536 /* bytes: less are no chunk, but a table or an entry */

static _Atomic uint64_t block_bytes;
static _Atomic uint64_t digest_bytes;

struct hash128 __real_hash128(const void *data, size_t len);
struct hash128 __wrap_hash128(const void *data, size_t len);
int __real_digest_add(struct digest *digest, const void *bytes, size_t len, struct error *err);
int __wrap_digest_add(struct digest *digest, const void *bytes, size_t len, struct error *err);

struct hash128 __wrap_hash128(const void *data, size_t len)
{
    if (len >= BLOCK_MIN)
        atomic_fetch_add(&block_bytes, len);
    return __real_hash128(data, len);
}

int __wrap_digest_add(struct digest *digest, const void *bytes, size_t len, struct error *err)
{
    atomic_fetch_add(&digest_bytes, len);
    return __real_digest_add(digest, bytes, len, err);
}

void counted_reset(void)
{
    atomic_store(&block_bytes, 0);
    atomic_store(&digest_bytes, 0);
}

uint64_t counted_block_bytes(void)
{
    return atomic_load(&block_bytes);
}

uint64_t counted_digest_bytes(void)
{
    return atomic_load(&digest_bytes);
}
