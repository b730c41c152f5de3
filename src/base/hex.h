/* Bytes as lower-case hexadecimal digits, and back. */
#ifndef RUNFS_BASE_HEX_H
#define RUNFS_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>

#define HEX_DIGITS "0123456789abcdef"

/* Writes the 2 * LEN digits of BYTES and a NUL to RET_TEXT. */
void hex_format(char *ret_text, const unsigned char *bytes, size_t len);

/* Reads LEN bytes from the digits that TEXT begins with; false where it does not begin with 2 * LEN of them. */
bool hex_parse(unsigned char *ret_bytes, size_t len, const char *text);

#endif
