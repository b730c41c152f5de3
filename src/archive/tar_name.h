/* Names in archives: which a tree can show, and their one form. */
#ifndef RUNFS_ARCHIVE_TAR_NAME_H
#define RUNFS_ARCHIVE_TAR_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Why LEN bytes are no component of a path, or NULL where they are one: not empty, not "." or "..", no '/' or NUL, at
   most TAR_COMPONENT_MAX bytes. */
const char *tar_component_fault(const char *name, size_t len);

/* Brings NAME (LEN bytes) into the form of struct tar_member's path in OUT, which is emptied first: without "." and
   repeated or trailing slashes. Returns NULL, or why the member that has it must be refused. A failure of OUT is the
   caller's to see. */
const char *tar_name_normalise(const char *name, size_t len, struct strbuf *out);

#endif
