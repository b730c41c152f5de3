/* The format of maps; see map.h. */
#include "disk/map.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "disk/identity.h"

#define MAGIC   "runfsmap"
#define VERSION 1U

static void put32(char *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof value);
}

static void put64(char *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof value);
}

static uint32_t get32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

static uint64_t get64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return le64toh(value);
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

/* The checksum over the first 32 bytes and the identity. */
static void head_hash(const char *head, const char *identity, size_t len, char ret_hash[16])
{
    XXH3_state_t state;
    XXH128_canonical_t canonical;
    XXH3_INITSTATE(&state);
    (void)XXH3_128bits_reset(&state);
    (void)XXH3_128bits_update(&state, head, MAP_HEADER - 16);
    (void)XXH3_128bits_update(&state, identity, len);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    memcpy(ret_hash, canonical.digest, 16);
}

void map_head_write(char *out, uint64_t size, const char *identity, size_t identity_len)
{
    memset(out, 0, map_entry_at(identity_len, 0));
    memcpy(out, MAGIC, 8);
    put32(out + 8, VERSION);
    put32(out + 12, CACHE_BLOCK_SIZE);
    put64(out + 16, size);
    put32(out + 24, (uint32_t)identity_len);
    memcpy(out + MAP_HEADER, identity, identity_len);
    head_hash(out, identity, identity_len, out + MAP_HEADER - 16);
}

int map_head_read(const char *head, uint64_t *ret_size, size_t *ret_identity_len)
{
    if (memcmp(head, MAGIC, 8) != 0 || get32(head + 8) != VERSION || get32(head + 12) != CACHE_BLOCK_SIZE ||
        get32(head + 24) > IDENTITY_MAX || get32(head + 24) == 0 || get32(head + 28) != 0 ||
        get64(head + 16) > INT64_MAX)
        return -EINVAL;
    *ret_size = get64(head + 16);
    *ret_identity_len = get32(head + 24);
    return 0;
}

bool map_head_verify(const char *head, const char *identity, size_t identity_len)
{
    char hash[16];
    head_hash(head, identity, identity_len, hash);
    return memcmp(hash, head + MAP_HEADER - 16, 16) == 0;
}

void map_entry_write(char out[MAP_ENTRY], const struct map_entry *entry)
{
    memset(out, 0, MAP_ENTRY);
    out[0] = entry->present;
    put32(out + 4, entry->len);
    memcpy(out + 8, entry->hash, 16);
    map_used_write(out + MAP_USED_AT, entry->used_ms, entry->unused);
}

void map_used_write(char out[8], uint64_t used_ms, bool unused)
{
    put64(out, used_ms * 2 + unused);
}

void map_entry_read(const char bytes[MAP_ENTRY], struct map_entry *ret_entry)
{
    uint64_t used = get64(bytes + MAP_USED_AT);
    *ret_entry = (struct map_entry){
        .present = bytes[0] == 1 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0,
        .len = get32(bytes + 4),
        .used_ms = used / 2,
        .unused = used % 2,
    };
    memcpy(ret_entry->hash, bytes + 8, 16);
}

void map_hash(const char *identity, size_t identity_len, uint64_t number, const void *data, size_t len,
              uint8_t ret_hash[16])
{
    XXH3_state_t state;
    XXH128_canonical_t canonical;
    char text[8];
    put64(text, number);
    XXH3_INITSTATE(&state);
    (void)XXH3_128bits_reset(&state);
    (void)XXH3_128bits_update(&state, identity, identity_len);
    (void)XXH3_128bits_update(&state, text, sizeof text);
    (void)XXH3_128bits_update(&state, data, len);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    memcpy(ret_hash, canonical.digest, 16);
}
