/* Bytes as hexadecimal digits. */
#include "base/hex.h"

#include <string.h>

void hex_format(char *ret_text, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *ret_text++ = HEX_DIGITS[bytes[i] >> 4];
        *ret_text++ = HEX_DIGITS[bytes[i] & 0xf];
    }
    *ret_text = '\0';
}

bool hex_parse(unsigned char *ret_bytes, size_t len, const char *text)
{
    if (strspn(text, HEX_DIGITS) < 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        size_t high = (size_t)(strchr(HEX_DIGITS, text[2 * i]) - HEX_DIGITS);
        size_t low = (size_t)(strchr(HEX_DIGITS, text[2 * i + 1]) - HEX_DIGITS);
        ret_bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
