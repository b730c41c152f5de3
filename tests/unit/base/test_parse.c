/* Numbers and sizes: what is read, what is refused, at the limits. */
#include "base/parse.h"

#include <errno.h>

#include "testing.h"

Test(parse, decimal_numbers)
{
    static const struct {
        const char *text;
        uint64_t max;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 10, 0, 0},
        {"10", 10, 0, 10},
        {"007", 10, 0, 7},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"11", 10, -ERANGE, 0},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"99999999999999999999999999", UINT64_MAX, -ERANGE, 0},
        {"", 10, -EINVAL, 0},
        {" 1", 10, -EINVAL, 0},
        {"1 ", 10, -EINVAL, 0},
        {"+1", 10, -EINVAL, 0},
        {"-1", 10, -EINVAL, 0},
        {"0x1", 10, -EINVAL, 0},
        {"1.0", 10, -EINVAL, 0},
        {"1e1", 10, -EINVAL, 0},
        {"\xd9\xa1", 10, -EINVAL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t value = 4711;
        cr_assert_eq(parse_u64(cases[i].text, cases[i].max, &value), cases[i].result, "%s", cases[i].text);
        cr_assert_eq(value, cases[i].result ? 4711 : cases[i].value, "%s", cases[i].text);
    }
}

Test(parse, octal_numbers)
{
    uint64_t value = 1;
    cr_assert_eq(parse_octal("022", 0777, &value), 0);
    cr_assert_eq(value, 022);
    cr_assert_eq(parse_octal("777", 0777, &value), 0);
    cr_assert_eq(value, 0777);
    cr_assert_eq(parse_octal("1000", 0777, &value), -ERANGE);
    cr_assert_eq(parse_octal("8", 0777, &value), -EINVAL);
    cr_assert_eq(parse_octal("0o22", 0777, &value), -EINVAL);
    cr_assert_eq(parse_octal("", 0777, &value), -EINVAL);
    cr_assert_eq(parse_octal("1777777777777777777777", UINT64_MAX, &value), 0);
    cr_assert_eq(value, UINT64_MAX);
    cr_assert_eq(parse_octal("2000000000000000000000", UINT64_MAX, &value), -ERANGE);
}

Test(parse, sizes_with_powers_of_1024)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"1K", 1024},
        {"64M", 64 << 20},
        {"3G", 3ULL << 30},
        {"2T", 2ULL << 40},
        {"0T", 0},
        {"16777215T", 16777215ULL << 40},
        {"18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        uint64_t bytes = 4711;
        cr_assert_eq(parse_size(good[i].text, &bytes), 0, "%s", good[i].text);
        cr_assert_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
}

Test(parse, malformed_sizes_are_refused)
{
    static const char *const bad[] = {"",    "K",   "1KB", "1KK", "1k", "1.5G",
                                      " 1K", "1 K", "-1K", "1P",  "+1", "1Ki"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t bytes = 4711;
        cr_assert_eq(parse_size(bad[i], &bytes), -EINVAL, "%s", bad[i]);
        cr_assert_eq(bytes, 4711);
    }
}

Test(parse, sizes_beyond_64_bits_are_refused)
{
    static const char *const big[] = {"18446744073709551616", "16777216T", "18014398509481984K",
                                      "99999999999999999999G"};
    for (size_t i = 0; i < COUNT(big); i++) {
        uint64_t bytes;
        cr_assert_eq(parse_size(big[i], &bytes), -ERANGE, "%s", big[i]);
    }
}
