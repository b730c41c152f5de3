/* Reader of the INI dialect of AWS's shared config and credentials files, as the AWS SDKs read it:
   [sections], "key = value", comments, continued values and one level of sub-properties. Bounded, and safe on
   any bytes. */
#ifndef RUNFS_AWS_AWS_INI_H
#define RUNFS_AWS_AWS_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define AWS_INI_SIZE_MAX 1048576 /* bytes of a file */
#define AWS_INI_LINE_MAX 65536   /* bytes of a line; session tokens are a few KiB */

/* A file as read. Immutable: any number of threads may read it. */
struct aws_ini;

/* Parses TEXT (LEN bytes). The rules, those of the AWS SDKs and Tools Reference Guide, "Shared config and
   credentials files", and of the SDKs' parsers where the guide is silent:
   - Lines end in LF or CRLF; a byte order mark is skipped; blank lines mean nothing.
   - A line whose first visible character is '#' or ';' is a comment. So is the rest of a line after a
   section's ']', and after a blank followed by '#' or ';' in a value.
   - Keys are compared without regard to case. A section named twice is one; a key given twice: the later
   wins.
   - A line indented deeper than the property before it continues that property: below an empty value it is a
     sub-property "key = value", otherwise it is added to the value after a newline, comments and all.
   - Anything else is an error: -EINVAL with "line N: WHY", which never quotes the line, for it may hold a
   secret. -E2BIG over the limits above. */
int aws_ini_parse(const char *text, size_t len, struct aws_ini **ret_ini, struct error *err);

/* Reads and parses the file PATH. A missing one (ENOENT, ENOTDIR) is as good as an empty one; one that cannot
   be read or parsed is an error that begins with the path. Regular files and character devices (/dev/null)
   only: it never waits for a writer. */
int aws_ini_read(const char *path, struct aws_ini **ret_ini, struct error *err);

/* Whether there is a section [TYPE NAME], with NAME in quotes or without, or with TYPE NULL a section [NAME]. */
bool aws_ini_has(const struct aws_ini *ini, const char *type, const char *name);

/* The value of KEY in that section, or with PARENT of KEY below PARENT; NULL where there is none. Valid as
   long as INI. */
const char *aws_ini_get(const struct aws_ini *ini, const char *type, const char *name, const char *parent,
                        const char *key);

/* Wipes and frees; NULL is allowed. */
void aws_ini_free(struct aws_ini *ini);

static inline void cleanup_aws_ini(struct aws_ini **ini)
{
    aws_ini_free(*ini);
}

#define _cleanup_aws_ini_ __attribute__((cleanup(cleanup_aws_ini)))

#endif
