/* bind=NAME=SOURCE: names, aliases, cycles. */
#include "view/bind.h"

#include <errno.h>

#include "testing.h"

/* The source that NAME stands for in BINDS. */
static const char *source_of(const char *const *binds, size_t count, const char *name)
{
    size_t at;
    struct error err = {0};
    assert_ok(bind_resolve(binds, count, name, strlen(name), &at, &err), &err);
    return bind_source(binds[at]);
}

Test(bind, a_text_is_a_name_and_a_source)
{
    static const char *const good[] = {"good=12345", "a=b",   "last.week-2=s3://b/p?x=y",
                                       "x_=./dir",   "1st=x", "1st=x"};
    static const char *const bad[] = {"", "good", "good=", "=x", "a b=x", "a:b=x", "a/b=x", "-=x"};
    size_t len = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        cr_assert_eq(bind_split(good[i], &len), 0, "%s", good[i]);
        cr_assert_eq(len, strcspn(good[i], "="), "%s", good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_assert_eq(bind_split(bad[i], &len), -EINVAL, "%s", bad[i]);
    cr_assert_str_eq(bind_source("x=s3://b/p=q"), "s3://b/p=q");
}

Test(bind, a_name_of_64_bytes_is_the_longest)
{
    char text[80];
    size_t len;
    memset(text, 'n', sizeof text);
    memcpy(text + 64, "=x", 3);
    cr_assert_eq(bind_split(text, &len), 0);
    memcpy(text + 65, "=x", 3);
    text[64] = 'n';
    cr_assert_eq(bind_split(text, &len), -EINVAL);
}

Test(bind, aliases_lead_to_a_source_and_the_last_of_a_name_counts)
{
    static const char *const binds[] = {"a=1", "good=a", "best=good", "a=2", "aa=3"};
    cr_assert_str_eq(source_of(binds, COUNT(binds), "a"), "2");
    cr_assert_str_eq(source_of(binds, COUNT(binds), "best"), "2");
    cr_assert_str_eq(source_of(binds, COUNT(binds), "aa"), "3");
}

Test(bind, what_is_not_bound_is_refused)
{
    static const char *const binds[] = {"a=1"};
    size_t at;
    struct error err = {0};
    cr_assert_eq(bind_resolve(binds, 1, "bad", 3, &at, &err), -ENOENT);
    cr_assert_str_eq(err.message, "bad: no bind=bad=SOURCE names it");
    cr_assert_eq(bind_resolve(NULL, 0, "a", 1, &at, &err), -ENOENT);
}

Test(bind, cycles_are_told)
{
    static const char *const binds[] = {"a=b", "b=a", "self=self", "into=a"};
    static const struct {
        const char *name;
        const char *why;
    } rows[] = {{"a", "bind=a: cycle: a, b, a"},
                {"b", "bind=b: cycle: b, a, b"},
                {"self", "bind=self: cycle: self, self"}};
    size_t at;
    struct error err = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_assert_eq(bind_resolve(binds, COUNT(binds), rows[i].name, strlen(rows[i].name), &at, &err),
                     -ELOOP);
        cr_assert_str_eq(err.message, rows[i].why);
    }
    cr_assert_eq(bind_resolve(binds, COUNT(binds), "into", 4, &at, &err), -ELOOP);
    cr_assert(strstr(err.message, "cycle: "), "%s", err.message);
}
