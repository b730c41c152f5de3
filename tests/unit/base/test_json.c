/* JSON out of names that may hold any byte. */
#include "base/json.h"

#include "testing.h"

static void assert_shown(const char *text, const char *wanted)
{
    json_t *string = json_text(text);
    cr_assert(string, "%s", wanted);
    cr_assert_str_eq(json_string_value(string), wanted);
    json_decref(string);
}

Test(json, utf_8_is_shown_as_it_is)
{
    assert_shown("", "");
    assert_shown("a\nb\x1b \"c\"", "a\nb\x1b \"c\"");
    assert_shown("\xc3\xbc\xe6\x97\xa5\xf0\x9f\x9a\x80", "\xc3\xbc\xe6\x97\xa5\xf0\x9f\x9a\x80");
}

Test(json, of_other_bytes_ascii_is_kept)
{
    assert_shown("a\xff"
                 "b",
                 "a?b");
    assert_shown("\xc3\xbc\xff", "???");
    assert_shown("\xed\xa0\x80x", "???x");
    assert_shown("cut\xe6\x97", "cut??");
}
