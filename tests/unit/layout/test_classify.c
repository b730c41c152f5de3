/* From keys back to outputs: the inverse of the locations, and an answer for every key. */
#include <stdio.h>
#include <stdlib.h>

#include "expected_outputs.h"

struct class_row {
    const char *key;
    const char *output;
    const char *group;
    const char *stage;
    const char *family;
    const char *type;
    const char *file;
};

static const struct class_row rows[] = {
    {"", "root", NULL, NULL, NULL, NULL, NULL},
    {"amd-llvm_lib_generic.tar.xz", "artifact", NULL, NULL, NULL, NULL, "amd-llvm_lib_generic.tar.xz"},
    {"a_lib_gfx942:xnack+.tar.zst.sha256sum", "artifact", NULL, NULL, NULL, NULL,
     "a_lib_gfx942:xnack+.tar.zst.sha256sum"},
    {"artifacts/a_lib_generic.tar.zst", "artifact", NULL, NULL, NULL, NULL, "a_lib_generic.tar.zst"},
    {"artifacts/a/b.tar.zst", "other", NULL, NULL, NULL, NULL, "artifacts/a/b.tar.zst"},
    {"artifacts", "other", NULL, NULL, NULL, NULL, "artifacts"},
    {"index.html", "artifact-index", NULL, NULL, NULL, NULL, NULL},
    {"artifacts/index.html", "artifact-index", NULL, NULL, NULL, NULL, NULL},
    {"index-gfx94X-dcgpu.html", "artifact-index", "gfx94X-dcgpu", NULL, NULL, NULL, NULL},
    {"index-.html", "artifact", NULL, NULL, NULL, NULL, "index-.html"},
    {"index-..html", "artifact", NULL, NULL, NULL, NULL, "index-..html"},
    /* Logs. */
    {"logs", "other", NULL, NULL, NULL, NULL, "logs"},
    {"logs/index.html", "log-root-index", NULL, NULL, NULL, NULL, NULL},
    {"logs/gfx94X-dcgpu", "log-dir", "gfx94X-dcgpu", NULL, NULL, NULL, NULL},
    {"logs/foundation", "log-dir", "foundation", NULL, NULL, NULL, NULL},
    {"logs/build.log", "log-file", NULL, NULL, NULL, NULL, "build.log"},
    {"logs/g/index.html", "log-index", "g", NULL, NULL, NULL, NULL},
    {"logs/g/build_time_analysis.html", "build-time-analysis", "g", NULL, NULL, NULL, NULL},
    {"logs/g/build_observability.html", "build-observability", "g", NULL, NULL, NULL, NULL},
    {"logs/g/rocBLAS_build.log", "log-file", "g", NULL, NULL, NULL, "rocBLAS_build.log"},
    {"logs/g/README", "log-file", "g", NULL, NULL, NULL, "README"},
    {"logs/g/ccache_logs.tar.zst", "log-file", "g", NULL, NULL, NULL, "ccache_logs.tar.zst"},
    {"logs/g/therock-build-prof/comp-summary.html", "log-file", "g", NULL, NULL, NULL,
     "therock-build-prof/comp-summary.html"},
    {"logs/odd names/a b+c.log", "log-file", "odd names", NULL, NULL, NULL, "a b+c.log"},
    {"logs/v1.2/a.log", "log-file", "v1.2", NULL, NULL, NULL, "a.log"},
    {"logs/g/gfx1151_build.log", "log-file", "g", NULL, NULL, NULL, "gfx1151_build.log"},
    {"logs/math-libs/gfx1151", "log-stage-dir", NULL, "math-libs", "gfx1151", NULL, NULL},
    {"logs/math-libs/gfx1151/rocBLAS_build.log", "log-stage-dir", NULL, "math-libs", "gfx1151", NULL,
     "rocBLAS_build.log"},
    {"logs/math-libs/generic/a/b.log", "log-stage-dir", NULL, "math-libs", "generic", NULL, "a/b.log"},
    {"logs/math-libs/gfx1151/index.html", "log-stage-dir", NULL, "math-libs", "gfx1151", NULL, "index.html"},
    {"logs/packaging/deb", "packages-log-dir", NULL, NULL, NULL, "deb", NULL},
    {"logs/packaging/rpm/rpm-amdrocm-core.log", "packages-log-dir", NULL, NULL, NULL, "rpm",
     "rpm-amdrocm-core.log"},
    {"logs/packaging/deb/index.html", "packages-log-index", NULL, NULL, NULL, "deb", NULL},
    {"logs/packaging/apk/x.log", "log-file", "packaging", NULL, NULL, NULL, "apk/x.log"},
    /* Manifests. */
    {"manifests/index.html", "manifests-index", NULL, NULL, NULL, NULL, NULL},
    {"manifests/therock_manifest.json", "manifest-root", NULL, NULL, NULL, NULL, NULL},
    {"manifests/g", "manifest-dir", "g", NULL, NULL, NULL, NULL},
    {"manifests/g/therock_manifest.json", "manifest", "g", NULL, NULL, NULL, NULL},
    {"manifests/g/pytorch.json", "manifest-dir", "g", NULL, NULL, NULL, "pytorch.json"},
    {"manifests/other.json", "other", NULL, NULL, NULL, NULL, "manifests/other.json"},
    /* Packages. */
    {"python", "python", NULL, NULL, NULL, NULL, NULL},
    {"python/rocm-7.0.0-py3-none-any.whl", "python", NULL, NULL, NULL, NULL, "rocm-7.0.0-py3-none-any.whl"},
    {"python/index.html", "python", NULL, NULL, NULL, NULL, "index.html"},
    {"python/gfx1151", "python", "gfx1151", NULL, NULL, NULL, NULL},
    {"python/gfx1151/a.whl", "python", "gfx1151", NULL, NULL, NULL, "a.whl"},
    {"packages/deb/pool/main/a.deb", "packages", NULL, NULL, NULL, "deb", "pool/main/a.deb"},
    {"packages/rpm", "packages", NULL, NULL, NULL, "rpm", NULL},
    {"packages/apk/a.apk", "other", NULL, NULL, NULL, NULL, "packages/apk/a.apk"},
    {"tarballs", "tarballs", NULL, NULL, NULL, NULL, NULL},
    {"tarballs/therock-dist-linux-multiarch-7.0.0.tar.gz", "tarball", NULL, NULL, NULL, NULL,
     "therock-dist-linux-multiarch-7.0.0.tar.gz"},
    {"tarballs/index.html", "tarballs", NULL, NULL, NULL, NULL, "index.html"},
    {"tarballs/old/a.tar.gz", "tarballs", NULL, NULL, NULL, NULL, "old/a.tar.gz"},
    {"reports/gfx1151/tests.html", "reports", "gfx1151", NULL, NULL, NULL, "tests.html"},
    {"reports/summary.html", "reports", NULL, NULL, NULL, NULL, "summary.html"},
    /* Keys that no output has. */
    {"something", "other", NULL, NULL, NULL, NULL, "something"},
    {"unknown/a/b.txt", "other", NULL, NULL, NULL, NULL, "unknown/a/b.txt"},
    {"logs/", "other", NULL, NULL, NULL, NULL, "logs/"},
    {"logs/g/", "other", NULL, NULL, NULL, NULL, "logs/g/"},
    {"/logs/g/a.log", "other", NULL, NULL, NULL, NULL, "/logs/g/a.log"},
    {"logs//a.log", "other", NULL, NULL, NULL, NULL, "logs//a.log"},
    {"logs/../a.log", "other", NULL, NULL, NULL, NULL, "logs/../a.log"},
    {"./a.tar.xz", "other", NULL, NULL, NULL, NULL, "./a.tar.xz"},
    {"..", "other", NULL, NULL, NULL, NULL, ".."},
    {"/", "other", NULL, NULL, NULL, NULL, "/"},
};

Test(layout_classify, every_key_has_its_output)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_class class = runfs_classify(rows[i].key, strlen(rows[i].key));
        cr_expect_str_eq(runfs_output_name(class.output), rows[i].output, "%s: %s", rows[i].key,
                         runfs_output_name(class.output));
        cr_expect(span_equals(class.group, rows[i].group), "group of %s", rows[i].key);
        cr_expect(span_equals(class.stage, rows[i].stage), "stage of %s", rows[i].key);
        cr_expect(span_equals(class.family, rows[i].family), "family of %s", rows[i].key);
        cr_expect(span_equals(class.type, rows[i].type), "type of %s", rows[i].key);
        cr_expect(span_equals(class.file, rows[i].file), "file of %s", rows[i].key);
    }
}

Test(layout_classify, spans_lie_in_the_key)
{
    static const char key[] = "logs/math-libs/gfx1151/rocBLAS_build.log";
    struct runfs_class class = runfs_classify(key, sizeof key - 1);
    cr_expect_eq(class.stage.text, key + 5);
    cr_expect_eq(class.family.text, key + 15);
    cr_expect_eq(class.file.text, key + 23);
}

Test(layout_classify, only_len_bytes_count_and_nul_is_one_of_them)
{
    static const char key[] = "logs/g/a\0b/c.log";
    struct runfs_class class = runfs_classify(key, sizeof key - 1);
    cr_expect_str_eq(runfs_output_name(class.output), "log-file");
    cr_expect_eq(class.file.len, 9u);
    class = runfs_classify(key, 6);
    cr_expect_str_eq(runfs_output_name(class.output), "log-dir");
    class = runfs_classify(NULL, 0);
    cr_expect_str_eq(runfs_output_name(class.output), "root");
}

/* The argument of CLASS that usage text calls NAME (LEN bytes). */
static struct runfs_span argument(const struct runfs_class *class, const char *name, size_t len)
{
    static const char *const names[] = {"GROUP", "STAGE", "FAMILY", "TYPE", "FILE"};
    const struct runfs_span values[] = {class->group, class->stage, class->family, class->type, class->file};
    for (size_t i = 0; i < COUNT(names); i++)
        if (strlen(names[i]) == len && strncmp(name, names[i], len) == 0)
            return values[i];
    cr_assert_fail("no argument called %.*s", (int)len, name);
    return (struct runfs_span){0};
}

/* Checks that the key of OUTPUT with ARGS comes back as OUTPUT with ARGS. */
static void check_round_trip(const struct runfs_output *output, const struct runfs_root *root,
                             const char *const *args, size_t count)
{
    struct runfs_location location;
    struct runfs_error err = {0};
    char usage[RUNFS_OUTPUT_USAGE_MAX];
    cr_assert_eq(runfs_output_locate(output, root, args, count, &location, &err), 0, "%s", err.message);
    struct runfs_class class = runfs_classify(location.path, strlen(location.path));
    cr_expect_eq(class.output, output, "%s became %s", location.path, runfs_output_name(class.output));
    runfs_output_usage(output, usage, sizeof usage);
    const char *name = usage;
    for (size_t i = 0; *name; i++) {
        name += strspn(name, "[] ");
        size_t len = strcspn(name, "[] ");
        struct runfs_span value = argument(&class, name, len);
        cr_expect(span_equals(value, i < count ? args[i] : NULL), "argument %zu of %s", i, location.path);
        name += len;
        name += strspn(name, "[] ");
    }
}

static const char *const groups[] = {
    "gfx94X-dcgpu", "gfx94X-dcgpu-asan", "gfx110X-all", "gfx942:xnack+", "odd name",
    "%41",          "\xc3\xbc",          "index",       "logs",          "-"};
static const char *const stages[] = {"math-libs", "compiler-runtime", "packaging", "x y", "gfx1151"};
static const char *const families[] = {"generic", "gfx1151", "gfx94X-dcgpu", "gfx942:xnack+"};
static const char *const types[] = {"deb", "rpm"};
static const char *const files[] = {"a_lib_generic.tar.xz",
                                    "a_lib_gfx942:xnack+.tar.zst.sha256sum",
                                    "x.log",
                                    "index-.html.gz",
                                    ".hidden",
                                    "a b+c%.tar.gz",
                                    "\xff.log"};

static const struct {
    const char *name;
    const char *const *values;
    size_t count;
} choices[] = {
    {"GROUP", groups, COUNT(groups)}, {"STAGE", stages, COUNT(stages)}, {"FAMILY", families, COUNT(families)},
    {"TYPE", types, COUNT(types)},    {"FILE", files, COUNT(files)},
};

/* The values to try for the argument NAME (LEN bytes); their number goes to *ret_count. */
static const char *const *values_of(const char *name, size_t len, size_t *ret_count)
{
    for (size_t i = 0; i < COUNT(choices); i++) {
        if (strlen(choices[i].name) == len && strncmp(name, choices[i].name, len) == 0) {
            *ret_count = choices[i].count;
            return choices[i].values;
        }
    }
    *ret_count = 0;
    return NULL;
}

/* Round trips of OUTPUT with all combinations of values for its first COUNT arguments. */
static void check_combinations(const struct runfs_output *output, const struct runfs_root *root,
                               const char *usage, size_t count)
{
    const char *const *values[RUNFS_OUTPUT_ARGS_MAX] = {NULL};
    size_t counts[RUNFS_OUTPUT_ARGS_MAX] = {1, 1};
    const char *args[RUNFS_OUTPUT_ARGS_MAX] = {NULL};
    for (size_t i = 0; i < count; i++) {
        usage += strspn(usage, "[] ");
        size_t len = strcspn(usage, "[] ");
        values[i] = values_of(usage, len, &counts[i]);
        cr_assert(values[i]);
        usage += len;
    }
    for (size_t n = 0; n < counts[0] * counts[1]; n++) {
        if (count > 0)
            args[0] = values[0][n % counts[0]];
        if (count > 1)
            args[1] = values[1][n / counts[0]];
        check_round_trip(output, root, args, count);
    }
}

Test(layout_classify, locations_come_back_as_the_output_and_arguments_they_were_made_of)
{
    /* The whole bucket is the root, so that a location's path is the key below it. */
    struct runfs_root root = {.bucket = "b"};
    struct runfs_root subdir = {.bucket = "b", .artifacts_dir = RUNFS_ARTIFACTS_SUBDIR};
    size_t seen = 0;
    for (size_t i = 0; i < COUNT(expected_outputs); i++) {
        const struct expected_output *row = &expected_outputs[i];
        const struct runfs_output *output;
        /* Documented: logs/STAGE is taken for a log-dir. */
        if (strcmp(row->name, "log-stage-dir") == 0 && expected_args(row) == 1)
            continue;
        cr_assert_eq(runfs_output_find(row->name, &output, NULL), 0);
        root.updated_at = row->until ? time_of("2026-01-01T00:00:00Z") : 0;
        check_combinations(output, &root, row->usage, expected_args(row));
        if (!row->until)
            check_combinations(output, &subdir, row->usage, expected_args(row));
        seen++;
    }
    cr_expect_eq(seen, COUNT(expected_outputs) - 1);
    const struct runfs_output *index;
    cr_assert_eq(runfs_output_find("artifact-index", &index, NULL), 0);
    root.updated_at = time_of("2026-01-01T00:00:00Z");
    check_combinations(index, &root, "[GROUP]", 1);
}

Test(layout_classify, subtrees_are_those_of_the_layout)
{
    static const char *const expected[] = {"artifacts/", "logs/",     "manifests/", "python/",
                                           "packages/",  "tarballs/", "reports/"};
    for (size_t i = 0; i < COUNT(expected); i++)
        cr_expect(span_equals(runfs_subtree_at(i), expected[i]), "%zu: %s", i, expected[i]);
    cr_expect_null(runfs_subtree_at(COUNT(expected)).text);
    cr_expect_null(runfs_subtree_at(SIZE_MAX).text);
}
