/* Times, sizes and durations as people read them. */
#ifndef RUNFS_BASE_FORMAT_H
#define RUNFS_BASE_FORMAT_H

#include <stdint.h>

#define FORMAT_MAX 32 /* bytes of a text with its NUL */

/* A time in seconds since 1970 UTC as RFC 3339 has it, such as 2026-10-01T12:00:00Z; "-" where it has none. */
void format_time(char ret_text[FORMAT_MAX], int64_t seconds);

/* A size: "512 B", "1.5 KiB", "22.0 MiB". */
void format_bytes(char ret_text[FORMAT_MAX], uint64_t bytes);

/* A duration in its two largest units: "12 s", "3 min 5 s", "2 h 0 min", "3 d 4 h". */
void format_seconds(char ret_text[FORMAT_MAX], uint64_t seconds);

/* A short duration: "80 us", "1.2 ms", "30.0 s". */
void format_microseconds(char ret_text[FORMAT_MAX], uint64_t us);

#endif
