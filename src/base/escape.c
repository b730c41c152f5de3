#include "base/escape.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* Where to cut USED bytes so that no UTF-8 character is halved; NEXT is the byte that did not fit. */
static size_t cut_back(const char *dst, size_t used, unsigned char next)
{
    if ((next & 0xc0) != 0x80)
        return used;
    while (used && ((unsigned char)dst[used - 1] & 0xc0) == 0x80)
        used--;
    return used ? used - 1 : 0;
}

void escape_control(char *dst, size_t size, const char *text)
{
    size_t used = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = c >= 0x20 && c != 0x7f;
        if (used + (plain ? 1 : 4) >= size) {
            used = cut_back(dst, used, c);
            break;
        }
        if (plain) {
            dst[used++] = (char)c;
            continue;
        }
        dst[used++] = '\\';
        dst[used++] = 'x';
        dst[used++] = hex_lower[c >> 4];
        dst[used++] = hex_lower[c & 15];
    }
    if (size)
        dst[used] = '\0';
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void escape_percent(struct strbuf *out, const char *text, size_t len, bool keep_slash)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            strbuf_add(out, &text[i], 1);
        } else {
            char code[3] = {'%', hex_upper[c >> 4], hex_upper[c & 15]};
            strbuf_add(out, code, sizeof code);
        }
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int unescape_percent(struct strbuf *out, const char *text, size_t len)
{
    const char *code;
    while ((code = len ? memchr(text, '%', len) : NULL) != NULL) {
        size_t plain = (size_t)(code - text);
        strbuf_add(out, text, plain);
        if (len - plain < 3 || hex_value(code[1]) < 0 || hex_value(code[2]) < 0)
            return -EINVAL;
        char c = (char)(hex_value(code[1]) * 16 + hex_value(code[2]));
        strbuf_add(out, &c, 1);
        text = code + 3;
        len -= plain + 3;
    }
    strbuf_add(out, text, len);
    return 0;
}
