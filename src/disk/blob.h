/* Bytes that are made once and read whole: tables of contents, copies of members and answers of GitHub (DIR/tables/NAME),
   listings (DIR/listings/NAME-VARIANT). A file is made under another name, so that it is there whole or not at all. It
   holds, numbers being little-endian:

     0  8  "runfsblb"
     8 16  XXH3-128 of all that follows
    24  8  when what it holds was asked for, milliseconds since 1970 UTC
    32  4  length of the identity
    36  4  nothing, 0
    40     identity, then the bytes

   What is damaged, of another identity or of another version counts as not there. The blobs that were read longest ago
   are evicted like blocks. */
#ifndef RUNFS_DISK_BLOB_H
#define RUNFS_DISK_BLOB_H

#include "disk/disk.h"

#define BLOB_BYTES_MAX (1ULL << 30)

enum blob_kind { BLOB_TABLE, BLOB_LISTING };
#define BLOB_KINDS 2

struct blob_id {
    enum blob_kind kind;
    const char *identity; /* a name is made from it, see identity.h */
    size_t identity_len;
    size_t
        variant_len; /* the last bytes of it that tell variants of one thing apart; 0: there are no variants */
};

struct blob {
    void *bytes; /* owned by the caller of blob_read() */
    size_t len;
    uint64_t made_ms;
};

/* Without variants. */
static inline struct blob_id blob_table(const char *identity, size_t identity_len)
{
    return (struct blob_id){BLOB_TABLE, identity, identity_len, 0};
}

/* Keeps LEN bytes in place of older ones. What fails is noted, and nothing is kept then. */
void blob_write(struct disk *disk, const struct blob_id *id, uint64_t made_ms, const void *bytes, size_t len);

/* Reads what was made at SINCE_MS or later (0: ever, whatever the clock says). False where that is not there. */
bool blob_read(struct disk *disk, const struct blob_id *id, uint64_t since_ms, struct blob *ret_blob);

/* The newest whole variant of ID, whose identity is without the variant. */
bool blob_read_newest(struct disk *disk, const struct blob_id *id, uint64_t since_ms, struct blob *ret_blob);

/* Calls FN for each blob with variants, or for those of VARIANT (may be NULL): by its head, without looking whether it is
   whole. */
typedef void (*blob_fn)(void *context, const char *identity, size_t identity_len, uint64_t made_ms);
void blob_each(struct disk *disk, enum blob_kind kind, const char *variant, blob_fn fn, void *context);

#endif
