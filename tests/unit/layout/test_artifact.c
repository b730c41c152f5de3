/* Artifact names, targets, twins and companions. */
#include <errno.h>
#include <stdlib.h>

#include "layout_test.h"

static const struct {
    const char *file;
    const char *name;
    const char *component;
    const char *family;
    enum runfs_suffix suffix;
} good[] = {
    {"amd-llvm_lib_generic.tar.xz", "amd-llvm", "lib", "generic", RUNFS_SUFFIX_XZ},
    {"blas_dbg_gfx94X-dcgpu.tar.zst", "blas", "dbg", "gfx94X-dcgpu", RUNFS_SUFFIX_ZST},
    {"fft_test_gfx942:xnack+.tar.zst", "fft", "test", "gfx942:xnack+", RUNFS_SUFFIX_ZST},
    {"a_b_c.tar.xz", "a", "b", "c", RUNFS_SUFFIX_XZ},
    {"a.tar.xz_b_c.tar.zst", "a.tar.xz", "b", "c", RUNFS_SUFFIX_ZST},
};

Test(layout_artifact, names_are_read_and_written_back)
{
    for (size_t i = 0; i < COUNT(good); i++) {
        struct runfs_artifact_name name;
        char *file;
        cr_assert(runfs_artifact_parse(good[i].file, strlen(good[i].file), &name), "%s", good[i].file);
        cr_expect(span_equals(name.name, good[i].name));
        cr_expect(span_equals(name.component, good[i].component));
        cr_expect(span_equals(name.family, good[i].family));
        cr_expect_eq(name.suffix, good[i].suffix);
        cr_assert_eq(runfs_artifact_format(&name, &file, NULL), 0);
        cr_expect_str_eq(file, good[i].file);
        free(file);
    }
}

Test(layout_artifact, other_names_are_no_artifacts)
{
    static const char *const wrong[] = {
        "",
        ".tar.xz",
        "__.tar.xz",
        "a_b_.tar.xz",
        "a__c.tar.xz",
        "_b_c.tar.xz",
        "a_b.tar.xz",
        "a_b_c_d.tar.xz",
        "a_b_c.tar.gz",
        "a_b_c.tar",
        "a_b_c.tar.xz.sha256sum",
        "a_b_c.TAR.XZ",
        "x/a_b_c.tar.xz",
        "a_b_c/d.tar.xz",
        "a\n_b_c.tar.xz",
        "ninja_logs.tar.gz",
        "index.html",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_artifact_name name = {.suffix = RUNFS_SUFFIX_ZST};
        cr_expect_not(runfs_artifact_parse(wrong[i], strlen(wrong[i]), &name), "%s", wrong[i]);
        cr_expect_null(name.name.text);
        cr_expect_eq(name.suffix, RUNFS_SUFFIX_ZST);
    }
}

Test(layout_artifact, malformed_parts_are_not_written)
{
    static const char *const wrong[] = {"", "a_b", "a/b", "a\tb"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_artifact_name name = {span("a"), span(wrong[i]), span("generic"), RUNFS_SUFFIX_XZ};
        char *file = NULL;
        cr_expect_eq(runfs_artifact_format(&name, &file, NULL), -EINVAL, "%s", wrong[i]);
        cr_expect_null(file);
    }
}

Test(layout_artifact, components_are_those_in_use)
{
    static const char *const expected[] = {"lib", "run", "dbg", "dev", "doc", "test"};
    const char *const *components = runfs_artifact_components();
    for (size_t i = 0; i < COUNT(expected); i++)
        cr_expect_str_eq(components[i], expected[i]);
    cr_expect_null(components[COUNT(expected)]);
}

Test(layout_artifact, zst_is_preferred_to_its_xz_twin_only)
{
    static const struct {
        const char *a;
        const char *b;
        bool preferred;
    } rows[] = {
        {"a_lib_generic.tar.zst", "a_lib_generic.tar.xz", true},
        {"a_lib_generic.tar.xz", "a_lib_generic.tar.zst", false},
        {"a_lib_generic.tar.zst", "a_lib_generic.tar.zst", false},
        {"a_lib_generic.tar.xz", "a_lib_generic.tar.xz", false},
        {"b_lib_generic.tar.zst", "a_lib_generic.tar.xz", false},
        {"a_run_generic.tar.zst", "a_lib_generic.tar.xz", false},
        {"a_lib_gfx942.tar.zst", "a_lib_generic.tar.xz", false},
        {"a_lib_gfx942:xnack+.tar.zst", "a_lib_gfx942.tar.xz", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_artifact_name a;
        struct runfs_artifact_name b;
        cr_assert(runfs_artifact_parse(rows[i].a, strlen(rows[i].a), &a));
        cr_assert(runfs_artifact_parse(rows[i].b, strlen(rows[i].b), &b));
        cr_expect_eq(runfs_artifact_preferred(&a, &b), rows[i].preferred, "%s and %s", rows[i].a, rows[i].b);
    }
}

Test(layout_artifact, targets_match_up_to_the_first_colon)
{
    static const struct {
        const char *a;
        const char *b;
        bool match;
    } rows[] = {
        {"gfx942", "gfx942", true},
        {"gfx942:xnack+", "gfx942", true},
        {"gfx942", "gfx942:xnack-", true},
        {"gfx942:a", "gfx942:b:c", true},
        {"gfx942", "gfx94", false},
        {"gfx94X-dcgpu", "gfx942", false},
        {"gfx942", "GFX942", false},
        {"", "", true},
        {":x", "", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(runfs_target_match(span(rows[i].a), span(rows[i].b)), rows[i].match, "%s and %s",
                     rows[i].a, rows[i].b);
}

Test(layout_artifact, generic_is_always_wanted)
{
    static const char *const targets[] = {"gfx94X-dcgpu", "gfx942"};
    cr_expect(runfs_target_wanted(span("generic"), targets, COUNT(targets)));
    cr_expect(runfs_target_wanted(span("gfx942:xnack+"), targets, COUNT(targets)));
    cr_expect(runfs_target_wanted(span("gfx94X-dcgpu"), targets, COUNT(targets)));
    cr_expect_not(runfs_target_wanted(span("gfx1151"), targets, COUNT(targets)));
    cr_expect_not(runfs_target_wanted(span("generic2"), targets, COUNT(targets)));
    cr_expect(runfs_target_wanted(span("gfx1151"), NULL, 0));
}

Test(layout_artifact, companions_are_named_after_their_file)
{
    struct runfs_span owner = {0};
    char *name;
    cr_assert_eq(runfs_companion_name("a_lib_generic.tar.xz", &name, NULL), 0);
    cr_expect_str_eq(name, "a_lib_generic.tar.xz.sha256sum");
    cr_assert(runfs_companion_of(name, strlen(name), &owner));
    cr_expect_eq(owner.text, name);
    cr_expect(span_equals(owner, "a_lib_generic.tar.xz"));
    free(name);
    cr_expect_eq(runfs_companion_name("", &name, NULL), -EINVAL);
    cr_expect_not(runfs_companion_of(".sha256sum", 10, &owner));
    cr_expect_not(runfs_companion_of("a.sha256", 8, &owner));
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(layout_artifact, companions_hold_a_hash_as_their_first_word)
{
    static const char *const rows[] = {HEX "\n", HEX, HEX "  a_lib_generic.tar.xz\n", "\n " HEX "\r\n",
                                       HEX "\tx\n" HEX};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char hex[RUNFS_SHA256_HEX_LEN + 1];
        cr_expect_eq(runfs_companion_parse(rows[i], strlen(rows[i]), hex, NULL), 0, "row %zu", i);
        cr_expect_str_eq(hex, HEX);
    }
}

Test(layout_artifact, other_companion_contents_are_refused)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "abc\n",
        HEX "0\n",
        HEX HEX,
        "<html>",
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "*" HEX,
        "x " HEX,
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char hex[RUNFS_SHA256_HEX_LEN + 1] = "untouched";
        struct runfs_error err;
        cr_expect_eq(runfs_companion_parse(wrong[i], strlen(wrong[i]), hex, &err), -EINVAL, "%s", wrong[i]);
        cr_expect_str_eq(hex, "untouched");
    }
    char hex[RUNFS_SHA256_HEX_LEN + 1];
    cr_expect_eq(runfs_companion_parse(HEX, 63, hex, NULL), -EINVAL);
    cr_expect_eq(runfs_companion_parse(HEX "\0", 65, hex, NULL), -EINVAL, "NUL is no space");
}
