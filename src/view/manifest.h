/* The manifest of an artifact archive, by which it is flattened. */
#ifndef RUNFS_VIEW_MANIFEST_H
#define RUNFS_VIEW_MANIFEST_H

#include <runfs/flatten.h>

#include "unpack/archives.h"

/* The stage paths of ARCHIVE, whose table is TOC, by member_copy_get(). -EBADMSG where there is no manifest but other members,
   or it is malformed. *RET_PLACES is freed by the caller. */
int manifest_get(struct archive *archive, const struct toc *toc, const struct wait *wait,
                 struct runfs_flatten **ret_places, struct error *err);

#endif
