/* FILE.runfs-toc: the table of contents of an archive, to be stored beside it. */
#ifndef RUNFS_UNPACK_SIDECAR_H
#define RUNFS_UNPACK_SIDECAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "reader/reader.h"

struct sidecar_config {
    const char *etags; /* of the archive, with blanks between them */
    void (*note)(void *context, const char *name, const char *why); /* of members that are left out */
    /* ENCODED bytes have been passed: once more from 0 where damage is met. */
    void (*progress)(void *context, uint64_t encoded);
    void *context;
};

/* Makes the table of ENCODED by a pass over all of it, within the limits that hold for a mount. *RET_BYTES is freed by the caller.
   -EBADMSG where the archive is damaged or beyond a limit; -EFBIG for a table that would not be used; else as pass_step(). */
int sidecar_make(const struct sidecar_config *config, struct reader *encoded, const struct wait *wait,
                 unsigned char **ret_bytes, size_t *ret_len, struct error *err);

#endif
