/* Bytes as hexadecimal digits. */
#include "base/hex.h"

#include "testing.h"

Test(hex, goes_both_ways)
{
    static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0xab, 0xff};
    unsigned char back[sizeof bytes];
    char text[2 * sizeof bytes + 1];
    hex_format(text, bytes, sizeof bytes);
    cr_assert_str_eq(text, "007f80abff");
    cr_assert(hex_parse(back, sizeof back, "007f80abff rest"));
    cr_assert_arr_eq(back, bytes, sizeof bytes);
}

Test(hex, other_digits_are_refused)
{
    unsigned char bytes[2];
    cr_assert_not(hex_parse(bytes, 2, "0a1"));
    cr_assert_not(hex_parse(bytes, 2, "0a1B"));
    cr_assert_not(hex_parse(bytes, 2, ""));
}
