/* From outputs to locations: every output at every time, and everything that is refused. */
#include <errno.h>
#include <stdio.h>

#include "expected_outputs.h"

static const struct runfs_root today = {.bucket = "b", .prefix = "7-linux"};

Test(layout_locate, the_table_has_exactly_the_outputs_of_the_specification)
{
    const struct runfs_output *output;
    for (size_t i = 0; (output = runfs_output_at(i)) != NULL; i++) {
        bool found = false;
        for (size_t k = 0; k < COUNT(expected_outputs); k++)
            found = found || strcmp(expected_outputs[k].name, runfs_output_name(output)) == 0;
        cr_expect(found, "%s", runfs_output_name(output));
    }
    for (size_t k = 0; k < COUNT(expected_outputs); k++) {
        const struct expected_output *row = &expected_outputs[k];
        char usage[RUNFS_OUTPUT_USAGE_MAX];
        cr_assert_eq(runfs_output_find(row->name, &output, NULL), 0, "%s", row->name);
        runfs_output_usage(output, usage, sizeof usage);
        cr_expect_str_eq(usage, row->usage);
        cr_expect_eq(runfs_output_is_directory(output), row->directory, "%s", row->name);
    }
}

/* Locates ROW for a run of TIME below every root of a matrix of repositories, forks, types and platforms. */
static void check_everywhere(const struct expected_output *row, int64_t time, bool there)
{
    static const char *const repositories[] = {NULL, "ROCm/TheRock", "ROCm/rocm-libraries"};
    static const char *const types[] = {"ci", "dev", "dev-bkc", "nightly", "nightly-bkc", "prerelease"};
    static const enum runfs_fork forks[] = {RUNFS_FORK_NO, RUNFS_FORK_YES};
    for (size_t i = 0; i < COUNT(repositories) * COUNT(types) * COUNT(forks) * 2; i++) {
        struct runfs_request request = {
            .run_id = "12345678901",
            .repository = repositories[i % COUNT(repositories)],
            .release_type = types[i / COUNT(repositories) % COUNT(types)],
            .fork = forks[i / COUNT(repositories) / COUNT(types) % COUNT(forks)],
            .platform = i % 2 ? RUNFS_PLATFORM_LINUX : RUNFS_PLATFORM_WINDOWS,
            .updated_at = time,
        };
        struct runfs_root places[RUNFS_PLACES_MAX];
        struct runfs_location location;
        size_t count;
        char path[2048];
        cr_assert_eq(runfs_places(&request, places, &count, NULL), 0);
        int r = locate(&places[0], row->name, row->args, expected_args(row), &location, NULL);
        cr_assert_eq(r, there ? 0 : -EINVAL, "%s at %lld", row->name, (long long)time);
        if (!there)
            continue;
        (void)snprintf(path, sizeof path, "%s%s%s", places[0].prefix, *row->path ? "/" : "", row->path);
        cr_assert_str_eq(location.bucket, places[0].bucket);
        cr_assert_str_eq(location.path, path);
    }
}

Test(layout_locate, every_output_is_where_it_belongs_from_its_first_day_to_its_last)
{
    for (size_t i = 0; i < COUNT(expected_outputs); i++) {
        const struct expected_output *row = &expected_outputs[i];
        char text[64];
        check_everywhere(row, 0, !row->until);
        check_everywhere(row, time_of("2026-08-22T00:00:00Z"), !row->until);
        /* An index and a log of before have other names; test_older_forms shows them. */
        bool older_form = strcmp(row->name, "artifact-index") == 0 || strcmp(row->name, "log-file") == 0;
        if (row->since) {
            (void)snprintf(text, sizeof text, "%sT00:00:00Z", row->since);
            check_everywhere(row, time_of(text), true);
            if (!older_form)
                check_everywhere(row, time_of(text) - 1, false);
        } else {
            check_everywhere(row, time_of("2025-01-01T00:00:00Z"), true);
        }
        if (row->until) {
            (void)snprintf(text, sizeof text, "%sT00:00:00Z", row->until);
            check_everywhere(row, time_of(text) - 1, true);
            check_everywhere(row, time_of(text), false);
        }
    }
}

struct locate_row {
    const char *time;
    enum runfs_artifacts_dir artifacts_dir;
    const char *name;
    const char *args[3];
    const char *path;    /* NULL: refused */
    const char *message; /* which the refusal contains */
};

static void check_rows(const struct locate_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct runfs_root root = today;
        struct runfs_location location = {.path = "untouched"};
        struct runfs_error err = {0};
        size_t args = 0;
        root.updated_at = time_of(rows[i].time);
        root.artifacts_dir = rows[i].artifacts_dir;
        while (args < COUNT(rows[i].args) && rows[i].args[args])
            args++;
        int r = locate(&root, rows[i].name, rows[i].args, args, &location, &err);
        if (rows[i].path) {
            cr_expect_eq(r, 0, "row %zu: %s", i, err.message);
            cr_expect_str_eq(location.path, rows[i].path, "row %zu: %s", i, location.path);
        } else {
            cr_expect_eq(r, -EINVAL, "row %zu: %d, %s", i, r, location.path);
            cr_expect_eq(err.code, EINVAL);
            cr_expect_str_eq(location.path, "untouched");
            cr_expect(strstr(err.message, rows[i].message) != NULL, "row %zu: %s", i, err.message);
        }
    }
}

Test(layout_locate, older_forms)
{
    static const struct locate_row rows[] = {
        {NULL, 0, "artifact-index", {"gfx1151"}, "7-linux/index.html", NULL},
        {"2026-03-27T00:00:00Z", 0, "artifact-index", {"gfx1151"}, "7-linux/index.html", NULL},
        {"2026-03-26T23:59:59Z", 0, "artifact-index", {"gfx1151"}, "7-linux/index-gfx1151.html", NULL},
        {"2026-03-26T23:59:59Z",
         0,
         "artifact-index",
         {NULL},
         NULL,
         "GROUP is missing, which runs before 2026-03-27"},
        {"2025-04-02T23:59:59Z", 0, "log-file", {"gfx1151", "a_build.log"}, "7-linux/logs/a_build.log", NULL},
        {"2025-04-03T00:00:00Z",
         0,
         "log-file",
         {"gfx1151", "a_build.log"},
         "7-linux/logs/gfx1151/a_build.log",
         NULL},
        {"2025-04-02T00:00:00Z",
         0,
         "log-file",
         {"gfx1151", "a/b.log"},
         NULL,
         "FILE 'a/b.log': not a single plain name"},
    };
    check_rows(rows, COUNT(rows));
}

Test(layout_locate, artifacts_may_be_in_a_subdirectory)
{
    static const struct locate_row rows[] = {
        {NULL,
         RUNFS_ARTIFACTS_ROOT,
         "artifact",
         {"a_lib_generic.tar.xz"},
         "7-linux/a_lib_generic.tar.xz",
         NULL},
        {NULL,
         RUNFS_ARTIFACTS_SUBDIR,
         "artifact",
         {"a_lib_generic.tar.xz"},
         "7-linux/artifacts/a_lib_generic.tar.xz",
         NULL},
        {NULL, RUNFS_ARTIFACTS_SUBDIR, "artifact-index", {NULL}, "7-linux/artifacts/index.html", NULL},
        {NULL, RUNFS_ARTIFACTS_SUBDIR, "log-root-index", {NULL}, "7-linux/logs/index.html", NULL},
        {NULL, RUNFS_ARTIFACTS_SUBDIR, "root", {NULL}, "7-linux", NULL},
    };
    check_rows(rows, COUNT(rows));
}

Test(layout_locate, names_may_hold_anything_but_slashes_and_control_characters)
{
    static const struct locate_row rows[] = {
        {NULL, 0, "artifact", {"a_lib_gfx942:xnack+.tar.zst"}, "7-linux/a_lib_gfx942:xnack+.tar.zst", NULL},
        {NULL, 0, "log-file", {"odd names", "x%20y&z'\".log"}, "7-linux/logs/odd names/x%20y&z'\".log", NULL},
        {NULL,
         0,
         "log-file",
         {"g", "therock-build-prof/comp-summary.md"},
         "7-linux/logs/g/therock-build-prof/comp-summary.md",
         NULL},
        {NULL,
         0,
         "log-file",
         {"\xc3\xbcn\xc3\xaf", "\xff.log"},
         "7-linux/logs/\xc3\xbcn\xc3\xaf/\xff.log",
         NULL},
        {NULL, 0, "log-dir", {"a..b"}, "7-linux/logs/a..b", NULL},
        {NULL, 0, "log-dir", {"..."}, "7-linux/logs/...", NULL},
        {NULL, 0, "log-dir", {"{file}"}, "7-linux/logs/{file}", NULL},
    };
    check_rows(rows, COUNT(rows));
}

Test(layout_locate, refuses_malformed_missing_and_superfluous_arguments)
{
    static const struct locate_row rows[] = {
        {NULL, 0, "log-dir", {NULL}, NULL, "log-dir: GROUP is missing, it takes GROUP"},
        {NULL, 0, "log-file", {"g"}, NULL, "log-file: FILE is missing, it takes GROUP FILE"},
        {NULL, 0, "log-stage-dir", {NULL}, NULL, "STAGE is missing, it takes STAGE [FAMILY]"},
        {NULL,
         0,
         "log-stage-dir",
         {"a", "b", "c"},
         NULL,
         "'c' is one argument too many, it takes STAGE [FAMILY]"},
        {NULL, 0, "tarballs", {"x"}, NULL, "tarballs: 'x' is one argument too many, it takes none"},
        {NULL, 0, "root", {"x"}, NULL, "it takes none"},
        {NULL, 0, "log-dir", {""}, NULL, "GROUP: empty"},
        {NULL, 0, "log-dir", {"a/b"}, NULL, "log-dir: GROUP 'a/b': not a single plain name"},
        {NULL, 0, "log-dir", {"."}, NULL, "not a single plain name"},
        {NULL, 0, "log-dir", {".."}, NULL, "not a single plain name"},
        {NULL, 0, "log-dir", {"a\tb"}, NULL, "GROUP 'a\\x09b': holds a control character"},
        {NULL, 0, "log-dir", {"a\x7f"}, NULL, "holds a control character"},
        {NULL, 0, "artifact", {"a/b.tar.xz"}, NULL, "FILE 'a/b.tar.xz': not a single plain name"},
        {NULL, 0, "artifact", {"../b.tar.xz"}, NULL, "not a single plain name"},
        {NULL, 0, "log-file", {"g", "/x.log"}, NULL, "not a relative path of plain names"},
        {NULL, 0, "log-file", {"g", "x/"}, NULL, "not a relative path of plain names"},
        {NULL, 0, "log-file", {"g", "x//y"}, NULL, "not a relative path of plain names"},
        {NULL, 0, "log-file", {"g", "x/../../y"}, NULL, "not a relative path of plain names"},
        {NULL, 0, "log-file", {"g", ""}, NULL, "FILE: empty"},
        {NULL, 0, "packages", {"apk"}, NULL, "TYPE 'apk': not one of deb, rpm"},
        {NULL, 0, "packages-log-dir", {"DEB"}, NULL, "not one of deb, rpm"},
        {NULL, 0, "logs", {NULL}, NULL, "output 'logs': not one of root, artifact, artifact-index, log-dir"},
        {NULL, 0, "other", {NULL}, NULL, "output 'other': not one of"},
        {NULL, 0, "", {NULL}, NULL, "output '': not one of"},
    };
    check_rows(rows, COUNT(rows));
}

Test(layout_locate, refuses_outputs_of_other_times_saying_when_they_are_there)
{
    static const struct locate_row rows[] = {
        {"2025-04-02T23:59:59Z",
         0,
         "log-dir",
         {"g"},
         NULL,
         "log-dir: only in runs since 2025-04-03, this one counts as of 2025-04-02"},
        {"2025-12-07T23:59:59Z",
         0,
         "build-time-analysis",
         {"g"},
         NULL,
         "only in runs since 2025-12-08 until 2026-01-24, this one counts as of 2025-12-07"},
        {"2026-02-01T00:00:00Z", 0, "build-time-analysis", {"g"}, NULL, "until 2026-01-24"},
        {NULL, 0, "build-time-analysis", {"g"}, NULL, "as of today (the run's time is not given)"},
        {"2026-08-13T00:00:00Z", 0, "packages-log-index", {"deb"}, NULL, "since 2026-08-14"},
    };
    check_rows(rows, COUNT(rows));
}

Test(layout_locate, unknown_outputs_are_refused_naming_all)
{
    const struct runfs_output *output;
    struct runfs_error err;
    cr_assert_eq(runfs_output_find("nonsense", &output, &err), -EINVAL);
    for (size_t i = 0; i < COUNT(expected_outputs); i++)
        cr_expect(strstr(err.message, expected_outputs[i].name) != NULL, "%s", expected_outputs[i].name);
}

Test(layout_locate, other_has_no_location)
{
    struct runfs_location location;
    struct runfs_error err;
    cr_expect_str_eq(runfs_output_name(runfs_output_other()), "other");
    cr_expect_eq(runfs_output_locate(runfs_output_other(), &today, NULL, 0, &location, &err), -EINVAL);
    cr_expect_str_eq(err.message, "other: has no location");
}

Test(layout_locate, keys_have_a_limit)
{
    char name[RUNFS_KEY_MAX + 2];
    const char *const args[] = {name};
    struct runfs_root bucket = {.bucket = "b", .prefix = ""};
    struct runfs_location location;
    memset(name, 'n', sizeof name - 1);
    name[RUNFS_KEY_MAX] = '\0';
    cr_expect_eq(locate(&bucket, "artifact", args, 1, &location, NULL), 0);
    cr_expect_eq(strlen(location.path), (size_t)RUNFS_KEY_MAX);
    name[RUNFS_KEY_MAX] = 'n';
    name[RUNFS_KEY_MAX + 1] = '\0';
    cr_expect_eq(locate(&bucket, "artifact", args, 1, &location, NULL), -ENAMETOOLONG);
    cr_expect_eq(locate(&today, "artifact", args, 1, &location, NULL), -ENAMETOOLONG);
}

Test(layout_locate, usage_is_cut_to_its_buffer)
{
    const struct runfs_output *output;
    char usage[4] = "xyz";
    cr_assert_eq(runfs_output_find("log-file", &output, NULL), 0);
    runfs_output_usage(output, usage, 0);
    cr_expect_str_eq(usage, "xyz");
    runfs_output_usage(output, usage, sizeof usage);
    cr_expect_eq(usage[3], '\0');
    cr_expect_eq(strncmp(usage, "GROUP", 3), 0);
}
