/* A small member read whole, with a copy on disk that outlives the decoded chunks. */
#ifndef RUNFS_UNPACK_MEMBER_COPY_H
#define RUNFS_UNPACK_MEMBER_COPY_H

#include "unpack/archives.h"

/* The bytes of file NUMBER of the table TOC of ARCHIVE: from the copy NAME on disk, which is compared with the SHA-256 in the
   table, else read from its decoded bytes and kept. Where WAIT is NULL only the copy is looked for: -EAGAIN where there is none.
   *RET_TEXT is freed by the caller. */
int member_copy_get(struct archive *archive, const struct toc *toc, uint32_t number, const char *name,
                    const struct wait *wait, char **ret_text, struct error *err);

#endif
