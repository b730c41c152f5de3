/* Pax headers: the records that change what the next header says (x), or all that follow (g). */
#ifndef RUNFS_ARCHIVE_TAR_PAX_H
#define RUNFS_ARCHIVE_TAR_PAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/tar_sparse.h"
#include "base/error.h"

/* A record's text; one that is set but empty gives the header's own value back its force. */
struct tar_pax_text {
    bool set;
    char *text; /* owned; a NUL follows, others may be in it */
    size_t len;
};

struct tar_pax_number {
    bool set;
    bool blank;
    int64_t value;
};

struct tar_pax {
    struct tar_pax_text path;
    struct tar_pax_text link;
    struct tar_pax_number size;
    struct tar_pax_number mtime; /* nanoseconds */
    /* GNU.sparse.* */
    struct tar_pax_text sparse_name;
    struct tar_pax_number sparse_size; /* of the file; of either name */
    struct tar_pax_number major;
    struct tar_pax_number minor;
    struct tar_sparse map; /* of 0.0 and 0.1 */
    bool has_map;
    bool has_offset; /* an offset of 0.0 waits for its size */
    uint64_t offset;
    const char *fault; /* why the member must be refused, NULL where it need not */
};

/* Takes the records of a header. -EBADMSG where they cannot be told apart or the size is no size, -ENOMEM. */
int tar_pax_parse(struct tar_pax *pax, const char *bytes, size_t len, struct error *err);

/* Which of a member's own record and a global one counts; the result is not set where neither does. */
const struct tar_pax_text *tar_pax_text(const struct tar_pax_text *own, const struct tar_pax_text *global);
const struct tar_pax_number *tar_pax_number(const struct tar_pax_number *own,
                                            const struct tar_pax_number *global);

/* Forgets all records. */
void tar_pax_clear(struct tar_pax *pax);

#endif
