/* The manifest of an artifact archive, by which it is flattened. */
#ifndef RUNFS_UNPACK_MANIFEST_H
#define RUNFS_UNPACK_MANIFEST_H

#include <runfs/flatten.h>

#include "unpack/archives.h"

/* The stage paths of ARCHIVE, whose table is TOC: from a copy on disk, which is compared with the SHA-256 in the table, else read
   from its decoded bytes and kept. Where WAIT is NULL only the copy is looked for: -EAGAIN where there is none. -EBADMSG where
   there is no manifest but other members, or it is malformed. *RET_PLACES is freed by the caller. */
int manifest_get(struct archive *archive, const struct toc *toc, const struct wait *wait,
                 struct runfs_flatten **ret_places, struct error *err);

#endif
