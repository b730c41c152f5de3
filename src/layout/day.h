/* Days of the layout's history, as numbers like 20250403 (UTC). */
#ifndef RUNFS_LAYOUT_DAY_H
#define RUNFS_LAYOUT_DAY_H

#include <limits.h>
#include <stdint.h>

#define DAY_TODAY    INT_MAX /* after every change: the day of a run whose time is unknown */
#define DAY_TEXT_MAX 64

/* The day of TIME (nanoseconds since 1970 UTC); DAY_TODAY for 0. */
int layout_day(int64_t time);

/* Writes DAY as "2025-04-03" to TEXT and returns it. */
const char *layout_day_text(int day, char text[DAY_TEXT_MAX]);

#endif
