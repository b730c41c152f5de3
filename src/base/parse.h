/* Checked parsing of numbers, sizes and times. Nothing is skipped: the whole text must fit the form. */
#ifndef RUNFS_BASE_PARSE_H
#define RUNFS_BASE_PARSE_H

#include <stdint.h>

/* A decimal number without sign or blanks, from 0 to MAX. -EINVAL or -ERANGE. */
int parse_u64(const char *text, uint64_t max, uint64_t *ret_value);

/* An octal number, as in umask=022, from 0 to MAX. -EINVAL or -ERANGE. */
int parse_octal(const char *text, uint64_t max, uint64_t *ret_value);

/* A size: decimal digits and at most one of K M G T (powers of 1024), as in "64M". -EINVAL or -ERANGE. */
int parse_size(const char *text, uint64_t *ret_bytes);

/* A time of RFC 3339 (also S3's ISO 8601 form), such as 2026-10-01T12:00:00.250Z or …+02:00, in nanoseconds
   since 1970-01-01 UTC. Years 1970 to 2261. -EINVAL or -ERANGE. */
int parse_time(const char *text, int64_t *ret_ns);

#endif
