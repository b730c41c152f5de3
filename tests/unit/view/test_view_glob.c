/* Patterns over a tree: those of glob(7), braces, each path once. */
#include "view/view_glob.h"

#include <errno.h>

#include "testing.h"

static struct tree *tree;

static void set_up(void)
{
    static const char *const keys[] = {"a_lib", "a_run", "b_lib", "d/a_lib", "d/e/f", ".hidden", "odd*name"};
    struct error err = {0};
    assert_ok(tree_new(NULL, &tree, &err), &err);
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct tree_entry entry = {keys[i], strlen(keys[i]), "", NULL, 1, 0};
        assert_ok(tree_add(tree, &entry, &err), &err);
    }
    tree_finish(tree);
}

static void tear_down(void)
{
    tree_free(tree);
}

TestSuite(view_glob, .init = set_up, .fini = tear_down);

/* What PATTERN finds, a blank behind each. */
static const char *found(const char *pattern)
{
    static char text[512];
    _cleanup_glob_ glob_t glob = {0};
    struct error err = {0};
    assert_ok(view_glob(tree, pattern, &glob, &err), &err);
    text[0] = '\0';
    for (size_t i = 0; i < glob.gl_pathc; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s ", glob.gl_pathv[i]);
    }
    return text;
}

Test(view_glob, finds_what_a_pattern_says)
{
    static const struct {
        const char *pattern;
        const char *found;
    } rows[] = {
        {"a_lib", "a_lib "},
        {"d", "d "},
        {"*_lib", "a_lib b_lib "},
        {"{b,a}_*", "a_lib a_run b_lib "},
        {"{a_*,*_lib}", "a_lib a_run b_lib "},
        {"d/*", "d/a_lib d/e "},
        {"*/e/[a-f]", "d/e/f "},
        {"{,d/}a_lib", "a_lib d/a_lib "},
        {"?_run", "a_run "},
        {"odd\\*name", "odd*name "},
        {"{", ""},
        {"none", ""},
        {"a_lib/none", ""},
        {"*/none", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_assert_str_eq(found(rows[i].pattern), rows[i].found, "%s: %s", rows[i].pattern,
                         found(rows[i].pattern));
}

Test(view_glob, tells_patterns_from_names)
{
    static const char *const patterns[] = {"*", "a?", "[a]", "{a,b}", "\\*"};
    for (size_t i = 0; i < COUNT(patterns); i++)
        cr_assert(view_is_pattern(patterns[i]), "%s", patterns[i]);
    cr_assert_not(view_is_pattern("logs/gfx942:xnack+.tar"));
}

/* Each pair of braces doubles what there is to look for. */
Test(view_glob, braces_may_not_stand_for_any_number_of_patterns)
{
    _cleanup_glob_ glob_t glob = {0};
    char pattern[5 * 800 + 1] = "";
    struct error err = {0};
    for (size_t i = 0; i < 800; i++)
        memcpy(pattern + 5 * i, "{a,b}", 6);
    assert_refused(view_glob(tree, pattern, &glob, &err), E2BIG, &err, "more than 4096 patterns");
    assert_refused(view_glob(tree, pattern + 5 * 787, &glob, &err), E2BIG, &err, "more than 4096 patterns");
    cr_assert_str_eq(found(pattern + 5 * 788), "");
    /* nested, quoted and left open */
    cr_assert_str_eq(found("{a,{b,{c,d}}}_lib"), "a_lib b_lib ");
    cr_assert_str_eq(found("\\{a,b}{a,b}"), "");
    memset(pattern, '{', sizeof pattern - 1);
    cr_assert_str_eq(found(pattern), "");
    for (size_t i = 0; i < 400; i++) /* each in the one before: as many as there are */
        memcpy(pattern + 3 * i, "{a,", 3), memcpy(pattern + 1200 + i, "}", 2);
    cr_assert_str_eq(found(pattern), "");
}
