/* Escapes for lines and URLs. */
#include "base/escape.h"

#include <errno.h>

#include "base/strbuf.h"
#include "testing.h"

Test(escape, control_characters_become_hexadecimal)
{
    char out[64];
    escape_control(out, sizeof out, "a\x01\n\x1f\x20~\x7f\\");
    cr_assert_str_eq(out, "a\\x01\\x0a\\x1f ~\\x7f\\");
}

Test(escape, utf8_stays_as_it_is)
{
    char out[64];
    escape_control(out, sizeof out, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
    cr_assert_str_eq(out, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
}

/* For each size: always terminated, never half an escape. */
Test(escape, what_does_not_fit_is_cut_at_a_whole_escape)
{
    static const char *const wanted[] = {"", "", "a", "a", "a", "a", "a\\x0a", "a\\x0ab"};
    char out[8];
    for (size_t size = 1; size < COUNT(wanted); size++) {
        memset(out, '#', sizeof out);
        escape_control(out, size, "a\nb");
        cr_assert_str_eq(out, wanted[size], "size %zu", size);
    }
    memset(out, '#', sizeof out);
    escape_control(out, 0, "abc");
    cr_assert_eq(out[0], '#');
}

Test(escape, utf8_is_cut_at_a_whole_character)
{
    char out[16];
    escape_control(out, 4, "ab\xc3\xbc");
    cr_assert_str_eq(out, "ab");
    escape_control(out, 5, "ab\xc3\xbc");
    cr_assert_str_eq(out, "ab\xc3\xbc");
    escape_control(out, 4, "\xf0\x9f\x98\x80");
    cr_assert_str_eq(out, "");
}

static const char *percent(const char *text, size_t len, bool keep_slash)
{
    static char copy[2048];
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(sizeof copy - 1);
    escape_percent(&out, text, len, keep_slash);
    (void)snprintf(copy, sizeof copy, "%s", strbuf_text(&out));
    return copy;
}

/* RFC 3986, 2.3: what is unreserved stays, all else is encoded in upper case. */
Test(escape, all_but_unreserved_characters_are_percent_encoded)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        char wanted[8];
        bool raw = c && strchr(unreserved, c);
        (void)snprintf(wanted, sizeof wanted, raw ? "%c" : "%%%02X", c);
        cr_assert_str_eq(percent(&byte, 1, false), wanted);
    }
    cr_assert_str_eq(percent("a b/\xc3\xbc+", 7, false), "a%20b%2F%C3%BC%2B");
    cr_assert_str_eq(percent("a b/\xc3\xbc+", 7, true), "a%20b/%C3%BC%2B");
    cr_assert_str_eq(percent("", 0, true), "");
}

Test(escape, percent_encoding_stops_at_the_buffers_limit)
{
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(5);
    escape_percent(&out, "\n\n", 2, false);
    cr_assert_eq(out.failed, E2BIG);
}

Test(escape, decoding_gives_every_byte_back)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    const char *encoded = percent(bytes, sizeof bytes, false);
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(256);
    cr_assert_eq(unescape_percent(&out, encoded, strlen(encoded)), 0);
    cr_assert_eq(out.len, 256);
    cr_assert_eq(memcmp(out.data, bytes, 256), 0);
}

Test(escape, decoding_takes_small_letters_and_leaves_plus_alone)
{
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(64);
    cr_assert_eq(unescape_percent(&out, "a%2f%2Fb+%c3%BC", 15), 0);
    cr_assert_str_eq(strbuf_text(&out), "a//b+\xc3\xbc");
}

Test(escape, malformed_escapes_are_refused)
{
    static const char *const bad[] = {"%", "a%", "%2", "%G0", "%0g", "%%20", "% 20", "%-1", "%2\xc3"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(64);
        cr_assert_eq(unescape_percent(&out, bad[i], strlen(bad[i])), -EINVAL, "%s", bad[i]);
    }
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(64);
    cr_assert_eq(unescape_percent(&out, "%41%42", 5), -EINVAL, "an escape past the end");
}
