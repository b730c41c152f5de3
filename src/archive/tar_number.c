/* Reads the numbers of tar headers and pax records, checked for overflow. */
#include "archive/tar_number.h"

#include <errno.h>
#include <stdbool.h>

#define NS_PER_SECOND 1000000000

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The top bit only marks the form; the next one is the sign. */
static int read_base256(const unsigned char *field, size_t len, int64_t *ret_value)
{
    int64_t value = (field[0] & 0x7f) - (field[0] & 0x40 ? 0x80 : 0);
    for (size_t i = 1; i < len; i++)
        if (__builtin_mul_overflow(value, 256, &value) || __builtin_add_overflow(value, field[i], &value))
            return -ERANGE;
    *ret_value = value;
    return 0;
}

int tar_field(const unsigned char *field, size_t len, int64_t *ret_value)
{
    int64_t value = 0;
    size_t i = 0;
    if (len && field[0] & 0x80)
        return read_base256(field, len, ret_value);
    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        if (__builtin_mul_overflow(value, 8, &value) || __builtin_add_overflow(value, field[i] - '0', &value))
            return -ERANGE;
    if (i < len && field[i] != ' ' && field[i] != '\0')
        return -EINVAL;
    *ret_value = value;
    return 0;
}

int tar_decimal(const char *text, size_t len, uint64_t *ret_value)
{
    int64_t value = 0;
    if (!len)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text[i] - '0', &value))
            return -ERANGE;
    }
    *ret_value = (uint64_t)value;
    return 0;
}

/* Reads the digits behind the point. *RET_FINER: some past the ninth are not 0. -EINVAL for anything else. */
static int read_fraction(const char *text, size_t len, int64_t *ret_ns, bool *ret_finer)
{
    int64_t ns = 0;
    int64_t unit = NS_PER_SECOND / 10;
    bool finer = false;
    for (size_t i = 0; i < len; i++, unit /= 10) {
        if (!is_digit(text[i]))
            return -EINVAL;
        ns += unit * (text[i] - '0');
        finer = finer || (!unit && text[i] != '0');
    }
    *ret_ns = ns;
    *ret_finer = finer;
    return 0;
}

int tar_time(const char *text, size_t len, int64_t *ret_ns)
{
    bool negative = len && *text == '-';
    size_t start = negative;
    size_t point = start;
    uint64_t seconds = 0;
    int64_t ns;
    bool finer;
    while (point < len && text[point] != '.')
        point++;
    int result = tar_decimal(text + start, point - start, &seconds);
    if (result == -EINVAL ||
        read_fraction(text + point + (point < len), len - point - (point < len), &ns, &finer) < 0)
        return -EINVAL;
    int64_t sign = negative ? -1 : 1;
    int64_t value;
    if (result == -ERANGE || __builtin_mul_overflow(sign * (int64_t)seconds, NS_PER_SECOND, &value) ||
        __builtin_add_overflow(value, sign * ns, &value) ||
        __builtin_sub_overflow(value, negative && finer, &value))
        value = negative ? INT64_MIN : INT64_MAX;
    *ret_ns = value;
    return 0;
}

int64_t tar_seconds(int64_t seconds)
{
    int64_t ns;
    if (__builtin_mul_overflow(seconds, NS_PER_SECOND, &ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}
