/* The typed view: one path for each key, the same wherever a run keeps its artifacts. */
#include <stdio.h>

#include "layout_test.h"

static const char *typed(const char *key, char path[static 2048])
{
    struct runfs_typed_path at = runfs_view_typed(key, strlen(key));
    (void)snprintf(path, 2048, "%.*s%.*s", (int)at.directory.len, at.directory.text, (int)at.rest.len,
                   at.rest.text);
    return path;
}

Test(layout_view_typed, shows_what_belongs_to_artifacts_in_their_directory)
{
    static const char *const names[] = {"a_lib_generic.tar.xz",
                                        "a_lib_generic.tar.zst.sha256sum",
                                        "a_lib_generic.tar.zst.runfs-toc",
                                        "odd.txt",
                                        "index.html",
                                        "index-gfx94X-dcgpu.html"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[2048];
        char expected[64];
        (void)snprintf(expected, sizeof expected, "artifacts/%s", names[i]);
        cr_expect_str_eq(typed(names[i], path), expected);
        cr_expect_str_eq(typed(expected, path), expected);
    }
}

Test(layout_view_typed, leaves_everything_else_where_it_is)
{
    static const char *const keys[] = {
        "logs/g/ccache_logs.tar.zst",
        "logs/build.log",
        "logs/index.html",
        "manifests/therock_manifest.json",
        "python/g/a.whl",
        "tarballs/a.tar.gz",
        "reports/x.html",
        "packages/deb/pool/main/a.deb",
        "README",
        "artifacts",
        "artifacts/READ",
        "artifacts/a/b_lib_generic.tar.xz",
        "other.d/x.tar.xz",
        "python",
        "",
        "artifacts//x.tar.xz",
        "a//b.tar.xz",
        "../x.tar.xz",
        "..",
        "artifacts/artifacts/x.tar.xz",
    };
    for (size_t i = 0; i < COUNT(keys); i++) {
        char path[2048];
        cr_expect_str_eq(typed(keys[i], path), keys[i]);
    }
}

Test(layout_view_typed, every_output_is_in_its_typed_directory)
{
    static const char *const directories[] = {"artifacts", "logs",     "manifests", "python",
                                              "packages",  "tarballs", "reports"};
    static const char *const args[] = {"gfx1151", "gfx1151.x", NULL};
    for (size_t i = 1; runfs_output_at(i); i++) {
        const struct runfs_output *output = runfs_output_at(i);
        struct runfs_root root = {.bucket = "b"};
        struct runfs_location at;
        char usage[RUNFS_OUTPUT_USAGE_MAX];
        char path[2048];
        runfs_output_usage(output, usage, sizeof usage);
        const char *type[] = {"deb"};
        size_t count = *usage ? 1 + (strchr(usage, ' ') != NULL) : 0;
        const char *const *given = strstr(usage, "TYPE") ? type : args + (strcmp(usage, "FILE") == 0);
        if (runfs_output_locate(output, &root, given, count, &at, NULL) < 0)
            continue; /* no longer there: build-time-analysis */
        typed(at.path, path);
        path[strcspn(path, "/")] = '\0';
        bool found = false;
        for (size_t j = 0; j < COUNT(directories); j++)
            found = found || strcmp(path, directories[j]) == 0;
        cr_expect(found, "%s: %s", runfs_output_name(output), at.path);
    }
}
