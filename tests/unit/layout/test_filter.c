/* Include and exclude expressions and targets. */
#include <errno.h>
#include <pthread.h>

#include "layout_test.h"

#define LIST(...) (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__}))
#define NONE      NULL, 0

static const char *const all[] = {"amd-llvm_lib_generic.tar.zst",  "amd-llvm_dbg_generic.tar.zst",
                                  "blas_lib_gfx94X-dcgpu.tar.zst", "blas_lib_gfx942:xnack+.tar.zst",
                                  "fft_lib_gfx1151.tar.xz",        "index.html"};

/* The names of `all` that a filter of SPEC takes, as digits of their indices. */
static void check(const struct runfs_filter_spec *spec, const char *expected)
{
    struct runfs_filter *filter;
    struct runfs_error err = {0};
    char taken[COUNT(all) + 1] = "";
    size_t used = 0;
    cr_assert_eq(runfs_filter_new(spec, &filter, &err), 0, "%s", err.message);
    for (size_t i = 0; i < COUNT(all); i++)
        if (runfs_filter_match(filter, all[i]))
            taken[used++] = (char)('0' + i);
    runfs_filter_free(filter);
    cr_expect_str_eq(taken, expected);
}

Test(layout_filter, takes_all_where_nothing_is_asked)
{
    check(&(struct runfs_filter_spec){0}, "012345");
}

Test(layout_filter, takes_any_include_and_no_exclude)
{
    check(&(struct runfs_filter_spec){LIST("^amd-llvm"), NONE, NONE}, "01");
    check(&(struct runfs_filter_spec){LIST("^amd-llvm", "fft"), NONE, NONE}, "014");
    check(&(struct runfs_filter_spec){NONE, LIST("_dbg_", "html$"), NONE}, "0234");
    check(&(struct runfs_filter_spec){LIST("_lib_|_dbg_"), LIST("_dbg_", "^fft"), NONE}, "023");
    check(&(struct runfs_filter_spec){LIST("nothing"), NONE, NONE}, "");
    check(&(struct runfs_filter_spec){LIST("xnack\\+"), NONE, NONE}, "3");
    check(&(struct runfs_filter_spec){LIST("LLVM"), NONE, NONE}, "");
}

Test(layout_filter, takes_targets_and_what_is_generic)
{
    check(&(struct runfs_filter_spec){NONE, NONE, LIST("gfx942")}, "013");
    check(&(struct runfs_filter_spec){NONE, NONE, LIST("gfx94X-dcgpu", "gfx1151")}, "0124");
    check(&(struct runfs_filter_spec){NONE, NONE, LIST("gfx9")}, "01");
    check(&(struct runfs_filter_spec){LIST("lib"), LIST("llvm"), LIST("gfx942")}, "3");
}

Test(layout_filter, keeps_its_own_copy_of_what_it_was_made_of)
{
    char expression[] = "amd";
    char target[] = "gfx942";
    const char *const include[] = {expression};
    const char *const targets[] = {target};
    struct runfs_filter_spec spec = {include, 1, NONE, targets, 1};
    struct runfs_filter *filter;
    cr_assert_eq(runfs_filter_new(&spec, &filter, NULL), 0);
    memset(expression, 'x', sizeof expression - 1);
    memset(target, 'x', sizeof target - 1);
    cr_expect(runfs_filter_match(filter, all[0]));
    cr_expect_not(runfs_filter_match(filter, all[3]));
    runfs_filter_free(filter);
}

Test(layout_filter, refuses_malformed_expressions_and_says_which)
{
    char overlong[1026];
    memset(overlong, 'a', sizeof overlong - 1);
    overlong[sizeof overlong - 1] = '\0';
    const char *const wrong[] = {"(", "[a", "a{2,1}", "*a\\", "", overlong};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const char *const expressions[] = {"good", wrong[i]};
        struct runfs_filter_spec include = {.include = expressions, .include_count = 2};
        struct runfs_filter_spec exclude = {.exclude = expressions, .exclude_count = 2};
        struct runfs_filter *filter = NULL;
        struct runfs_error err = {0};
        cr_expect_eq(runfs_filter_new(&include, &filter, &err), -EINVAL, "%s", wrong[i]);
        cr_expect_eq(runfs_filter_new(&exclude, &filter, NULL), -EINVAL, "%s", wrong[i]);
        cr_expect_null(filter);
        cr_expect(strncmp(err.message, "expression '", 12) == 0, "%s", err.message);
    }
    const char *const targets[] = {"gfx942", ""};
    struct runfs_filter_spec spec = {.targets = targets, .target_count = 2};
    struct runfs_filter *filter = NULL;
    cr_expect_eq(runfs_filter_new(&spec, &filter, NULL), -EINVAL);
    runfs_filter_free(NULL);
}

static void *match_often(void *arg)
{
    const struct runfs_filter *filter = arg;
    size_t matches = 0;
    for (size_t i = 0; i < 3000; i++)
        matches += runfs_filter_match(filter, all[i % COUNT(all)]);
    return matches == 1500 ? arg : NULL;
}

Test(layout_filter, is_shared_by_threads)
{
    struct runfs_filter_spec spec = {LIST("_lib_"), LIST("^fft"), NONE};
    struct runfs_filter *filter;
    pthread_t threads[4];
    cr_assert_eq(runfs_filter_new(&spec, &filter, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, match_often, filter), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *result;
        cr_assert_eq(pthread_join(threads[i], &result), 0);
        cr_expect_eq(result, filter);
    }
    runfs_filter_free(filter);
}
