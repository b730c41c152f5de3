/* The string builder: its limit, sticky failure, giving away. */
#include "base/strbuf.h"

#include <errno.h>

#include "testing.h"

Test(strbuf, is_an_empty_string_at_first)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(10);
    cr_assert_str_eq(strbuf_text(&buf), "");
    cr_assert_eq(buf.len, 0);
}

Test(strbuf, collects_bytes_strings_and_formatted_text)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(100);
    strbuf_adds(&buf, "a");
    strbuf_add(&buf, "b\0c", 3);
    strbuf_addf(&buf, "%d%s", 42, "");
    strbuf_addf(&buf, "%s", "");
    cr_assert_eq(buf.len, 6);
    cr_assert_eq(memcmp(buf.data, "ab\0c42", 7), 0);
}

Test(strbuf, holds_as_much_as_its_limit)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(4);
    strbuf_adds(&buf, "abcd");
    cr_assert_eq(buf.failed, 0);
    strbuf_add(&buf, "", 0);
    strbuf_addf(&buf, "%s", "");
    cr_assert_eq(buf.failed, 0);
    strbuf_adds(&buf, "e");
    cr_assert_eq(buf.failed, E2BIG);
    cr_assert_str_eq(strbuf_text(&buf), "abcd");
}

Test(strbuf, grows_over_many_steps)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(1000000);
    for (int i = 0; i < 100000; i++)
        strbuf_addf(&buf, "%06d.", i);
    cr_assert_eq(buf.failed, 0);
    cr_assert_eq(buf.len, 700000);
    cr_assert_eq(strncmp(buf.data + 7 * 99999, "099999.", 8), 0);
}

Test(strbuf, failure_is_sticky_and_nothing_is_added_any_more)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(3);
    char *text = NULL;
    strbuf_adds(&buf, "ab");
    strbuf_addf(&buf, "%s", "cd");
    strbuf_adds(&buf, "e");
    cr_assert_str_eq(strbuf_text(&buf), "ab");
    cr_assert_eq(strbuf_take(&buf, &text), -E2BIG);
    cr_assert_null(text);
}

Test(strbuf, clearing_forgets_a_failure)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(3);
    strbuf_adds(&buf, "abcd");
    strbuf_clear(&buf);
    strbuf_adds(&buf, "xyz");
    cr_assert_eq(buf.failed, 0);
    cr_assert_str_eq(strbuf_text(&buf), "xyz");
}

/* A length that would wrap around is beyond any limit. */
Test(strbuf, lengths_are_checked_without_overflow)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(100);
    strbuf_adds(&buf, "abc");
    strbuf_add(&buf, "x", SIZE_MAX);
    cr_assert_eq(buf.failed, E2BIG);
    strbuf_clear(&buf);
    strbuf_adds(&buf, "abc");
    strbuf_add(&buf, "x", SIZE_MAX - 1);
    cr_assert_eq(buf.failed, E2BIG);
}

Test(strbuf, taking_gives_the_text_away)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(10);
    char *text = NULL;
    strbuf_adds(&buf, "abc");
    cr_assert_eq(strbuf_take(&buf, &text), 0);
    cr_assert_str_eq(text, "abc");
    cr_assert_str_eq(strbuf_text(&buf), "");
    cr_assert_eq(buf.max, 10);
    free(text);
    strbuf_adds(&buf, "again");
    cr_assert_str_eq(strbuf_text(&buf), "again");
}

Test(strbuf, taking_an_empty_buffer_gives_an_empty_string)
{
    _cleanup_strbuf_ struct strbuf buf = STRBUF_INIT(0);
    char *text = NULL;
    cr_assert_eq(strbuf_take(&buf, &text), 0);
    cr_assert_str_eq(text, "");
    free(text);
}
