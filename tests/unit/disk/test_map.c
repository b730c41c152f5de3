/* The format of maps: what is written is read back, and nothing that was changed is taken for right. */
#include "disk/map.h"

#include "cache/cache.h"
#include "disk/identity.h"
#include "testing.h"

#define IDENTITY     "endpoint\0bucket\0etag\0007\0000\0key\0"
#define IDENTITY_LEN (sizeof IDENTITY - 1)
#define HEAD_MAX     (MAP_HEADER + 64)

static const uint64_t SIZE = 3ULL * CACHE_BLOCK_SIZE + 77;

Test(map, an_object_has_as_many_blocks_as_it_needs)
{
    cr_assert_eq(map_blocks(0), 0);
    cr_assert_eq(map_blocks(1), 1);
    cr_assert_eq(map_blocks(CACHE_BLOCK_SIZE), 1);
    cr_assert_eq(map_blocks(CACHE_BLOCK_SIZE + 1), 2);
    cr_assert_eq(map_blocks(INT64_MAX), (uint64_t)INT64_MAX / CACHE_BLOCK_SIZE + 1);
    cr_assert_eq(map_block_len(SIZE, 0), CACHE_BLOCK_SIZE);
    cr_assert_eq(map_block_len(SIZE, 2), CACHE_BLOCK_SIZE);
    cr_assert_eq(map_block_len(SIZE, 3), 77);
}

Test(map, entries_follow_the_identity_in_line)
{
    for (size_t len = 1; len < 100; len++) {
        uint64_t first = map_entry_at(len, 0);
        cr_assert_geq(first, MAP_HEADER + len);
        cr_assert_lt(first, MAP_HEADER + len + MAP_ENTRY);
        cr_assert_eq(first % MAP_ENTRY, 0);
        cr_assert_eq(map_entry_at(len, 1000), first + 1000ULL * MAP_ENTRY);
    }
}

static bool head_is_right(const char *head)
{
    uint64_t size = 0;
    size_t len = 0;
    return map_head_read(head, &size, &len) == 0 && size == SIZE && len == IDENTITY_LEN &&
           memcmp(head + MAP_HEADER, IDENTITY, len) == 0 && map_head_verify(head, head + MAP_HEADER, len);
}

Test(map, a_head_is_read_back_and_every_byte_of_it_counts)
{
    char head[HEAD_MAX];
    cr_assert_leq(map_entry_at(IDENTITY_LEN, 0), HEAD_MAX);
    map_head_write(head, SIZE, IDENTITY, IDENTITY_LEN);
    cr_assert(head_is_right(head));
    for (size_t i = 0; i < MAP_HEADER + IDENTITY_LEN; i++)
        for (int bit = 0; bit < 8; bit++) {
            head[i] ^= (char)(1 << bit);
            cr_assert_not(head_is_right(head), "bit %d of byte %zu", bit, i);
            head[i] ^= (char)(1 << bit);
        }
    cr_assert(head_is_right(head));
}

Test(map, a_head_with_impossible_numbers_is_none)
{
    static const struct {
        size_t at;
        size_t len;
    } fields[] = {{16, 8}, {24, 4}};
    char head[HEAD_MAX];
    uint64_t size;
    size_t len;
    for (size_t i = 0; i < COUNT(fields); i++) {
        map_head_write(head, SIZE, IDENTITY, IDENTITY_LEN);
        memset(head + fields[i].at, 0xff, fields[i].len);
        cr_assert_lt(map_head_read(head, &size, &len), 0, "field %zu", i);
    }
    map_head_write(head, SIZE, IDENTITY, IDENTITY_LEN);
    memset(head + 24, 0, 4);
    cr_assert_lt(map_head_read(head, &size, &len), 0, "no identity");
}

static struct map_entry entry_of(const char *data, size_t len)
{
    struct map_entry entry = {
        .present = true, .len = (uint32_t)len, .used_ms = 1234567890123, .unused = true};
    struct hash128 hash = hash128(data, len);
    entry.hash = map_hash(IDENTITY, IDENTITY_LEN, 3, &hash);
    return entry;
}

static bool same_entry(const struct map_entry *a, const struct map_entry *b)
{
    return a->present == b->present && a->len == b->len && a->used_ms == b->used_ms &&
           a->unused == b->unused && memcmp(&a->hash, &b->hash, sizeof a->hash) == 0;
}

Test(map, an_entry_is_read_back_and_every_byte_of_it_counts)
{
    char bytes[MAP_ENTRY];
    struct map_entry entry = entry_of("data", 4);
    struct map_entry got;
    map_entry_write(bytes, &entry);
    map_entry_read(bytes, &got);
    cr_assert(same_entry(&entry, &got));
    for (size_t i = 0; i < MAP_ENTRY; i++) {
        bytes[i] ^= 0x40;
        map_entry_read(bytes, &got);
        cr_assert_not(same_entry(&entry, &got), "byte %zu", i);
        bytes[i] ^= 0x40;
    }
}

Test(map, nothing_and_other_codecs_are_not_present)
{
    char bytes[MAP_ENTRY] = {0};
    struct map_entry entry = entry_of("data", 4);
    struct map_entry got;
    map_entry_read(bytes, &got);
    cr_assert_not(got.present);
    for (size_t i = 0; i < 4; i++) {
        map_entry_write(bytes, &entry);
        bytes[i]++;
        map_entry_read(bytes, &got);
        cr_assert_not(got.present, "byte %zu", i);
    }
}

Test(map, the_time_of_use_can_be_rewritten_alone)
{
    char bytes[MAP_ENTRY];
    struct map_entry entry = entry_of("data", 4);
    struct map_entry got;
    map_entry_write(bytes, &entry);
    map_used_write(bytes + MAP_USED_AT, 42, false);
    map_entry_read(bytes, &got);
    entry.used_ms = 42;
    entry.unused = false;
    cr_assert(same_entry(&entry, &got));
}

/* A block that is right for one place must be wrong for every other. */
Test(map, a_checksum_is_bound_to_object_place_and_bytes)
{
    static const struct {
        const char *identity;
        uint64_t number;
        const char *data;
        size_t len;
    } places[] = {{"identity", 5, "data", 4},
                  {"identitY", 5, "data", 4},
                  {"identity", 6, "data", 4},
                  {"identity", 5, "datb", 4},
                  {"identity", 5, "data\0", 5}};
    struct hash128 hashes[COUNT(places)];
    for (size_t i = 0; i < COUNT(places); i++) {
        struct hash128 data = hash128(places[i].data, places[i].len);
        hashes[i] = map_hash(places[i].identity, 8, places[i].number, &data);
        struct hash128 again = map_hash(places[i].identity, 8, places[i].number, &data);
        cr_assert_eq(memcmp(&hashes[i], &again, sizeof again), 0);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(memcmp(&hashes[i], &hashes[j], sizeof again), 0, "%zu and %zu", i, j);
    }
}
