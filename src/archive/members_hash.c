/* The SHA-256 of each member's content, by which equal files are found. Holes count as the
   zeros that they read as, but only so many: a header of a few bytes can claim exabytes of them. */
#include "archive/members_internal.h"

int members_hash_init(struct members_hash *hash, uint64_t holes, struct error *err)
{
    hash->holes = holes;
    return digest_begin(&hash->digest, DIGEST_SHA256, err);
}

int members_hash_begin(struct members_hash *hash, const struct tar_member *member, struct error *err)
{
    uint64_t holes = member->size - member->stored;
    hash->active = member->type == TAR_FILE && holes <= hash->holes;
    hash->position = 0;
    hash->extent = 0;
    if (!hash->active)
        return 0;
    hash->holes -= holes;
    return digest_begin(&hash->digest, DIGEST_SHA256, err);
}

static int hash_update(struct members_hash *hash, const void *bytes, size_t len, struct error *err)
{
    hash->position += len;
    return digest_add(&hash->digest, bytes, len, err);
}

/* Hashes zeros up to offset END of the file. */
static int hash_zeros(struct members_hash *hash, uint64_t end, struct error *err)
{
    static const char zeros[65536];
    int result = 0;
    while (result == 0 && hash->position < end) {
        uint64_t left = end - hash->position;
        result = hash_update(hash, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros, err);
    }
    return result;
}

int members_hash_data(struct members_hash *hash, const struct tar_member *member, const unsigned char *bytes,
                      size_t len, struct error *err)
{
    if (!hash->active)
        return 0;
    if (!member->sparse)
        return hash_update(hash, bytes, len, err);
    int result = 0;
    while (result == 0 && len) {
        const struct reader_extent *extent = &member->extents[hash->extent];
        result = hash_zeros(hash, extent->offset, err);
        uint64_t left = extent->offset + extent->size - hash->position;
        size_t n = len < left ? len : (size_t)left;
        if (result == 0)
            result = hash_update(hash, bytes, n, err);
        hash->extent += n == left;
        bytes += n;
        len -= n;
    }
    return result;
}

int members_hash_end(struct members_hash *hash, const struct tar_member *member, struct member_file *file,
                     struct error *err)
{
    if (!hash->active)
        return 0;
    int result = hash_zeros(hash, member->size, err);
    if (result < 0)
        return result;
    file->has_sha256 = true;
    return digest_end(&hash->digest, file->sha256, err);
}

void members_hash_done(struct members_hash *hash)
{
    digest_done(&hash->digest);
}
