/* The numbers of tar headers: octal and base-256 fields, decimal sizes and times of pax records. */
#ifndef RUNFS_ARCHIVE_TAR_NUMBER_H
#define RUNFS_ARCHIVE_TAR_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* A field of LEN bytes: octal digits with blanks before and a blank or NUL behind them, or base-256 in two's complement
   where its top bit is set. Blank is 0. 0, -EINVAL, or -ERANGE where int64_t cannot hold it. */
int tar_field(const unsigned char *field, size_t len, int64_t *ret_value);

/* Decimal digits, all of TEXT, up to INT64_MAX: 0, -EINVAL or -ERANGE. */
int tar_decimal(const char *text, size_t len, uint64_t *ret_value);

/* Seconds with sign and fraction, such as -1.25, in nanoseconds. Finer digits round down; what is out of range becomes
   the nearest that is in it. 0 or -EINVAL. */
int tar_time(const char *text, size_t len, int64_t *ret_ns);

/* Whole seconds in nanoseconds, the nearest that int64_t holds. */
int64_t tar_seconds(int64_t seconds);

#endif
