/* Content ids: equal ones mean equal content. */
#ifndef RUNFS_VIEW_CONTENT_ID_H
#define RUNFS_VIEW_CONTENT_ID_H

#include "view/merge.h"

/* Appends the content id of an object of one of the run's origins: by its ETag "md5:HEX", or "etag:HEX-PARTS" of what was
   uploaded in parts; where it has another ETag, which tells versions of one object apart but not content, "etag:…@KEY";
   where it has none, as a file of this machine, "sha256:HEX" of its content, which is read as WAIT allows. Nothing where that
   fails, with what it gave: -ETIMEDOUT, -EINTR, -ENOMEM, or why the file cannot be read. */
int content_id(const struct composition *composition, uint16_t origin, const struct object *object,
               const struct wait *wait, struct strbuf *out, struct error *err);

#endif
