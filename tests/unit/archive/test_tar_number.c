/* The numbers of tar headers: octal, base-256, decimal sizes and times. */
#include "archive/tar_number.h"

#include "archive_test.h"

/* Reads a field of LEN bytes; failures become their code. */
static int64_t field(const char *bytes, size_t len)
{
    int64_t value = -77;
    int result = tar_field((const unsigned char *)bytes, len, &value);
    if (result < 0)
        cr_assert_eq(value, -77, "set on failure");
    return result < 0 ? result : value;
}

Test(tar_number, octal_fields_may_have_blanks_around_them)
{
    cr_assert_eq(field("0000644\0", 8), 0644);
    cr_assert_eq(field("   644 \0", 8), 0644);
    cr_assert_eq(field("644\0junk", 8), 0644);
    cr_assert_eq(field("644 junk", 8), 0644);
    cr_assert_eq(field("77777777", 8), 077777777);
    cr_assert_eq(field("777777777777", 12), 0777777777777);
    cr_assert_eq(field("        ", 8), 0);
    cr_assert_eq(field("\0\0\0\0\0\0\0\0", 8), 0);
}

Test(tar_number, what_is_no_octal_number_is_refused)
{
    cr_assert_eq(field("0000008\0", 8), -EINVAL);
    cr_assert_eq(field("-000001\0", 8), -EINVAL);
    cr_assert_eq(field("0x10\0\0\0\0", 8), -EINVAL);
    cr_assert_eq(field("12-\0\0\0\0\0", 8), -EINVAL);
    cr_assert_eq(field("7777777777777777777777777", 25), -ERANGE);
}

Test(tar_number, base_256_has_the_sign_in_the_second_bit)
{
    cr_assert_eq(field("\x80\0\0\0\0\0\0\0\0\0\1\2", 12), 258);
    cr_assert_eq(field("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12), -2);
    cr_assert_eq(field("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12), INT64_MAX);
    cr_assert_eq(field("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 12), INT64_MIN);
    cr_assert_eq(field("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12), -ERANGE);
    cr_assert_eq(field("\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 12), -ERANGE);
    cr_assert_eq(field("\xbf\0\0\0\0\0\0\0", 8), (int64_t)63 << 56);
    cr_assert_eq(field("\x81\0\0\0\0\0\0\0", 8), (int64_t)1 << 56);
}

static int64_t decimal(const char *text)
{
    uint64_t value;
    int result = tar_decimal(text, strlen(text), &value);
    return result < 0 ? result : (int64_t)value;
}

Test(tar_number, decimals_are_digits_up_to_two_to_the_63rd)
{
    cr_assert_eq(decimal("0"), 0);
    cr_assert_eq(decimal("0012"), 12);
    cr_assert_eq(decimal("9223372036854775807"), INT64_MAX);
    cr_assert_eq(decimal("9223372036854775808"), -ERANGE);
    cr_assert_eq(decimal("99999999999999999999999"), -ERANGE);
    cr_assert_eq(decimal(""), -EINVAL);
    cr_assert_eq(decimal("-1"), -EINVAL);
    cr_assert_eq(decimal("+1"), -EINVAL);
    cr_assert_eq(decimal("1 "), -EINVAL);
    cr_assert_eq(decimal("1e3"), -EINVAL);
}

static int64_t nanoseconds(const char *text)
{
    int64_t ns;
    cr_assert_eq(tar_time(text, strlen(text), &ns), 0, "%s", text);
    return ns;
}

Test(tar_number, times_have_signs_and_fractions)
{
    cr_assert_eq(nanoseconds("0"), 0);
    cr_assert_eq(nanoseconds("12"), 12 * SECOND);
    cr_assert_eq(nanoseconds("1650000000.987654321"), 1650000000987654321);
    cr_assert_eq(nanoseconds("1."), SECOND);
    cr_assert_eq(nanoseconds("1.5"), 1500000000);
    cr_assert_eq(nanoseconds("-1.5"), -1500000000);
    cr_assert_eq(nanoseconds("-0.25"), -250000000);
}

Test(tar_number, finer_digits_round_down)
{
    cr_assert_eq(nanoseconds("0.1234567899"), 123456789);
    cr_assert_eq(nanoseconds("-0.1234567890"), -123456789);
    cr_assert_eq(nanoseconds("-0.1234567891"), -123456790);
    cr_assert_eq(nanoseconds("-0.00000000000000000000000000001"), -1);
}

Test(tar_number, times_out_of_range_are_the_nearest_in_it)
{
    cr_assert_eq(nanoseconds("9223372036.854775807"), INT64_MAX);
    cr_assert_eq(nanoseconds("9223372036.854775808"), INT64_MAX);
    cr_assert_eq(nanoseconds("99999999999999999999999999.5"), INT64_MAX);
    cr_assert_eq(nanoseconds("-9223372036.854775808"), INT64_MIN);
    cr_assert_eq(nanoseconds("-9223372036.8547758081"), INT64_MIN);
    cr_assert_eq(nanoseconds("-99999999999999999999999999"), INT64_MIN);
    cr_assert_eq(tar_seconds(9223372036), 9223372036 * SECOND);
    cr_assert_eq(tar_seconds(9223372037), INT64_MAX);
    cr_assert_eq(tar_seconds(-9223372037), INT64_MIN);
}

Test(tar_number, what_is_no_time_is_refused)
{
    static const char *const texts[] = {"",    "-",   ".",  ".5", "-.5", "1.5.2",
                                        "1,5", "nan", "+1", " 1", "1 ",  "1.5e3"};
    int64_t ns;
    for (size_t i = 0; i < COUNT(texts); i++)
        cr_assert_eq(tar_time(texts[i], strlen(texts[i]), &ns), -EINVAL, "%s", texts[i]);
}
