/* The head of a listing's file; see listing.h and listing_format.h. */
#include "disk/listing_format.h"

#include <endian.h>
#include <string.h>

#define MAGIC   "runfslst"
#define VERSION 1U

static void put_hash(char *out, const char *head, XXH3_state_t *state)
{
    XXH128_canonical_t canonical;
    (void)XXH3_128bits_update(state, head, LISTING_HEAD - 16);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(out, canonical.digest, 16);
}

void listing_head_write(char out[LISTING_HEAD], const struct listing_head *head, XXH3_state_t *state)
{
    uint32_t version = htole32(VERSION);
    uint32_t identity_len = htole32((uint32_t)head->identity_len);
    uint64_t numbers[] = {htole64(head->began_ms), htole64(head->count)};
    memcpy(out, MAGIC, 8);
    memcpy(out + 8, &version, 4);
    memcpy(out + 12, &identity_len, 4);
    memcpy(out + 16, numbers, 16);
    put_hash(out + 32, out, state);
}

bool listing_head_read(const char bytes[LISTING_HEAD], struct listing_head *ret_head)
{
    uint32_t words[2];
    uint64_t numbers[2];
    memcpy(words, bytes + 8, sizeof words);
    memcpy(numbers, bytes + 16, sizeof numbers);
    *ret_head = (struct listing_head){le64toh(numbers[0]), le64toh(numbers[1]), le32toh(words[1])};
    return memcmp(bytes, MAGIC, 8) == 0 && le32toh(words[0]) == VERSION &&
           ret_head->identity_len <= IDENTITY_MAX;
}

bool listing_head_verify(const char bytes[LISTING_HEAD], XXH3_state_t *state)
{
    char hash[16];
    put_hash(hash, bytes, state);
    return memcmp(hash, bytes + 32, sizeof hash) == 0;
}
