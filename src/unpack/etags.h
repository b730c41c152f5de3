/* The ETags that S3 gives: what a file will be known by once it is an object. */
#ifndef RUNFS_UNPACK_ETAGS_H
#define RUNFS_UNPACK_ETAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "reader/reader.h"

/* From this size on, AWS's own tools upload in parts, of this size each. */
#define ETAGS_PART_SIZE (8U << 20)

#define ETAGS_TEXT_MAX 96

/* Stores in TEXT the ETags, with blanks between them, that an object of FILE's bytes may get: that of an upload in one
   piece and, from ETAGS_PART_SIZE on, that of one in parts. "" where the library has no MD5. Servers that encrypt with keys
   of their own, other sizes of parts and other servers give other ones. Fails as reading does, or with -ENOMEM. */
int etags_of(struct reader *file, const struct wait *wait, char text[ETAGS_TEXT_MAX], struct error *err);

/* Whether ETAG, which is not empty, is one of ETAGS, which have blanks between them. */
bool etags_have(const char *etags, const char *etag);

#endif
