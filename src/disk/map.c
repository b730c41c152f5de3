/* The format of maps; see map.h. */
#include "disk/map.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "disk/identity.h"

#define MAGIC   "runfsmap"
#define VERSION 2U

/* As they stand in the file, see map.h. */
struct head {
    char magic[8];
    uint32_t version;
    uint32_t block_size;
    uint64_t size;
    uint32_t identity_len;
    uint32_t nothing;
    XXH128_canonical_t hash;
};

struct entry {
    uint32_t state; /* and the codec, which is 0 */
    uint32_t len;
    XXH128_canonical_t hash;
    uint64_t used;
};

_Static_assert(sizeof(struct head) == MAP_HEADER && sizeof(struct entry) == MAP_ENTRY &&
                   offsetof(struct entry, used) == MAP_USED_AT,
               "structures are as the file has them");

/* The checksum of three stretches of bytes. */
static XXH128_canonical_t hash_of(const void *first, size_t first_len, const void *second, size_t second_len,
                                  const void *third, size_t third_len)
{
    XXH3_state_t state;
    XXH128_canonical_t hash;
    XXH3_INITSTATE(&state);
    (void)XXH3_128bits_reset(&state);
    (void)XXH3_128bits_update(&state, first, first_len);
    (void)XXH3_128bits_update(&state, second, second_len);
    (void)XXH3_128bits_update(&state, third, third_len);
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(&state));
    return hash;
}

uint64_t map_blocks(uint64_t size)
{
    return size / CACHE_BLOCK_SIZE + (size % CACHE_BLOCK_SIZE != 0);
}

size_t map_block_len(uint64_t size, uint64_t number)
{
    uint64_t left = size - number * CACHE_BLOCK_SIZE;
    return left < CACHE_BLOCK_SIZE ? (size_t)left : CACHE_BLOCK_SIZE;
}

uint64_t map_entry_at(size_t identity_len, uint64_t number)
{
    uint64_t padded = (MAP_HEADER + (uint64_t)identity_len + MAP_ENTRY - 1) / MAP_ENTRY * MAP_ENTRY;
    return padded + number * MAP_ENTRY;
}

void map_head_write(char *out, uint64_t size, const char *identity, size_t identity_len)
{
    struct head head = {.magic = MAGIC,
                        .version = htole32(VERSION),
                        .block_size = htole32(CACHE_BLOCK_SIZE),
                        .size = htole64(size),
                        .identity_len = htole32((uint32_t)identity_len)};
    head.hash = hash_of(&head, offsetof(struct head, hash), identity, identity_len, NULL, 0);
    memset(out, 0, map_entry_at(identity_len, 0));
    memcpy(out, &head, sizeof head);
    memcpy(out + MAP_HEADER, identity, identity_len);
}

int map_head_read(const char *bytes, uint64_t *ret_size, size_t *ret_identity_len)
{
    struct head head;
    memcpy(&head, bytes, sizeof head);
    uint32_t identity_len = le32toh(head.identity_len);
    if (memcmp(head.magic, MAGIC, 8) != 0 || le32toh(head.version) != VERSION ||
        le32toh(head.block_size) != CACHE_BLOCK_SIZE || identity_len > IDENTITY_MAX || identity_len == 0 ||
        head.nothing || le64toh(head.size) > INT64_MAX)
        return -EINVAL;
    *ret_size = le64toh(head.size);
    *ret_identity_len = identity_len;
    return 0;
}

bool map_head_verify(const char *head, const char *identity, size_t identity_len)
{
    XXH128_canonical_t hash = hash_of(head, offsetof(struct head, hash), identity, identity_len, NULL, 0);
    return memcmp(&hash, head + offsetof(struct head, hash), sizeof hash) == 0;
}

void map_entry_write(char out[MAP_ENTRY], const struct map_entry *entry)
{
    struct entry bytes = {.state = htole32(entry->present), .len = htole32(entry->len)};
    memcpy(&bytes.hash, &entry->hash, sizeof bytes.hash);
    memcpy(out, &bytes, sizeof bytes);
    map_used_write(out + MAP_USED_AT, entry->used_ms, entry->unused);
}

void map_used_write(char out[8], uint64_t used_ms, bool unused)
{
    uint64_t used = htole64(used_ms * 2 + unused);
    memcpy(out, &used, sizeof used);
}

void map_entry_read(const char bytes[MAP_ENTRY], struct map_entry *ret_entry)
{
    struct entry entry;
    memcpy(&entry, bytes, sizeof entry);
    uint64_t used = le64toh(entry.used);
    *ret_entry = (struct map_entry){
        .present = le32toh(entry.state) == 1,
        .len = le32toh(entry.len),
        .used_ms = used / 2,
        .unused = used % 2,
    };
    memcpy(&ret_entry->hash, &entry.hash, sizeof ret_entry->hash);
}

struct hash128 map_hash(const char *identity, size_t identity_len, uint64_t number,
                        const struct hash128 *data)
{
    uint64_t little = htole64(number);
    XXH128_canonical_t hash = hash_of(identity, identity_len, &little, sizeof little, data, sizeof *data);
    struct hash128 result;
    memcpy(&result, &hash, sizeof result);
    return result;
}
