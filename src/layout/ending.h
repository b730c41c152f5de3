/* The endings of archives' names: the one list of them. */
#ifndef RUNFS_LAYOUT_ENDING_H
#define RUNFS_LAYOUT_ENDING_H

#include <stddef.h>

enum { ARCHIVE_ZST, ARCHIVE_XZ, ARCHIVE_GZ, ARCHIVE_TAR, ARCHIVE_ENDINGS };

/* The most preferred first. */
extern const char *const archive_endings[ARCHIVE_ENDINGS];

/* Which ending NAME (LEN bytes) has behind at least one byte; ARCHIVE_ENDINGS for none. */
size_t archive_ending(const char *name, size_t len);

#endif
