#include "base/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define DAYS_TO_1970 719468 /* from March 1 of the year 0 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int parse_base(const char *text, unsigned base, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (!is_digit(*text) || (unsigned)(*text - '0') >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value) || value > max)
            return -ERANGE;
    }
    *ret_value = value;
    return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret_value)
{
    return parse_base(text, 10, max, ret_value);
}

int parse_octal(const char *text, uint64_t max, uint64_t *ret_value)
{
    return parse_base(text, 8, max, ret_value);
}

int parse_size(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "KMGT";
    uint64_t value = 0;
    const char *c = text;
    for (; is_digit(*c); c++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return -ERANGE;
    const char *unit = *c ? strchr(units, *c) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (c == text || c[unit != NULL])
        return -EINVAL;
    if (shift && value > UINT64_MAX >> shift)
        return -ERANGE;
    *ret_bytes = value << shift;
    return 0;
}

/* Reads COUNT digits at *TEXT and steps over them. */
static int take_digits(const char **text, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (!is_digit(**text))
            return -EINVAL;
        value = value * 10 + (**text - '0');
    }
    *ret_value = value;
    return 0;
}

static int take_char(const char **text, char c)
{
    if (**text != c)
        return -EINVAL;
    (*text)++;
    return 0;
}

/* Reads ".123" into nanoseconds; digits past the ninth are dropped. */
static int take_fraction(const char **text, int64_t *ret_ns)
{
    int64_t ns = 0;
    int64_t unit = 100000000;
    *ret_ns = 0;
    if (**text != '.')
        return 0;
    (*text)++;
    if (!is_digit(**text))
        return -EINVAL;
    for (; is_digit(**text); (*text)++, unit /= 10)
        ns += unit * (**text - '0');
    *ret_ns = ns;
    return 0;
}

/* Reads "Z" or "+hh:mm" into seconds east of UTC. */
static int take_zone(const char **text, int *ret_seconds)
{
    if (**text == 'Z' || **text == 'z') {
        (*text)++;
        *ret_seconds = 0;
        return 0;
    }
    int sign = **text == '+' ? 1 : **text == '-' ? -1 : 0;
    if (!sign)
        return -EINVAL;
    (*text)++;
    int hours;
    int minutes;
    if (take_digits(text, 2, &hours) < 0 || take_char(text, ':') < 0 || take_digits(text, 2, &minutes) < 0 ||
        hours > 23 || minutes > 59)
        return -EINVAL;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return 0;
}

/* Days in MONTH (1 to 12) of YEAR. */
static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int take_date(const char **text, struct tm *tm)
{
    int year;
    int month;
    int day;
    if (take_digits(text, 4, &year) < 0 || take_char(text, '-') < 0 || take_digits(text, 2, &month) < 0 ||
        take_char(text, '-') < 0 || take_digits(text, 2, &day) < 0)
        return -EINVAL;
    if (year < 1970 || year > 2261)
        return -ERANGE;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return -EINVAL;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return 0;
}

static int take_clock(const char **text, struct tm *tm)
{
    if (take_digits(text, 2, &tm->tm_hour) < 0 || take_char(text, ':') < 0 ||
        take_digits(text, 2, &tm->tm_min) < 0 || take_char(text, ':') < 0 ||
        take_digits(text, 2, &tm->tm_sec) < 0)
        return -EINVAL;
    return tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60 ? -EINVAL : 0;
}

/* Days from 1970-01-01, by the Gregorian calendar of four centuries. Its years begin in March: leap days come last. */
static int64_t days_of(const struct tm *tm)
{
    int year = tm->tm_year + 1900 - (tm->tm_mon < 2);
    int month = tm->tm_mon < 2 ? tm->tm_mon + 10 : tm->tm_mon - 2;
    int day_of_year = (153 * month + 2) / 5 + tm->tm_mday - 1;
    return 365 * (int64_t)year + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_1970;
}

/* What timegm() gives for times that have been checked; it looks for time zones first, for each key of a listing. */
static int64_t seconds_of(const struct tm *tm)
{
    return ((days_of(tm) * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
}

int parse_time(const char *text, int64_t *ret_ns)
{
    struct tm tm = {0};
    int64_t fraction;
    int zone;
    int r = take_date(&text, &tm);
    if (r < 0)
        return r;
    if (*text != 'T' && *text != 't')
        return -EINVAL;
    text++;
    if (take_clock(&text, &tm) < 0 || take_fraction(&text, &fraction) < 0 || take_zone(&text, &zone) < 0 ||
        *text)
        return -EINVAL;
    *ret_ns = (seconds_of(&tm) - zone) * 1000000000 + fraction;
    return 0;
}
