/* XXH3 of 128 bits; see hash.h. */
#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash128 hash128(const void *data, size_t len)
{
    struct hash128 hash;
    XXH128_canonical_t canonical;
    _Static_assert(sizeof canonical == sizeof hash, "a hash is 16 bytes");
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, len));
    memcpy(hash.bytes, canonical.digest, sizeof hash);
    return hash;
}
