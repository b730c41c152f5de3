/* Reads what a header block says by itself: checksum and name. */
#include "archive/tar_header.h"

#include <string.h>

#include "archive/tar_number.h"

bool tar_block_is_zero(const void *block)
{
    const unsigned char *bytes = block;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, TAR_BLOCK_SIZE - 1) == 0;
}

bool tar_header_fits(const struct tar_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    int64_t wanted;
    int64_t sum = 8 * ' '; /* the field itself counts as blanks */
    int64_t high = 0;      /* bytes that are negative where char is signed */
    if (tar_field(header->checksum, sizeof header->checksum, &wanted) < 0)
        return false;
    for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
        sum += bytes[i];
        high += bytes[i] >> 7;
    }
    for (size_t i = 0; i < sizeof header->checksum; i++) {
        sum -= header->checksum[i];
        high -= header->checksum[i] >> 7;
    }
    return sum == wanted || sum - 256 * high == wanted;
}

void tar_header_name(const struct tar_header *header, struct strbuf *out)
{
    strbuf_clear(out);
    /* GNU's magic goes on with blanks, and other things stand in place of the prefix then */
    if (memcmp(header->magic, "ustar", 6) == 0 && header->tail.prefix[0] && header->type != 'S') {
        strbuf_add(out, header->tail.prefix, strnlen(header->tail.prefix, sizeof header->tail.prefix));
        strbuf_add(out, "/", 1);
    }
    strbuf_add(out, header->name, strnlen(header->name, sizeof header->name));
}
