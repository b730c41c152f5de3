/* Section 2 of run-outputs as the tests expect it, written down apart from the library's own table. */
#ifndef RUNFS_TESTS_EXPECTED_OUTPUTS_H
#define RUNFS_TESTS_EXPECTED_OUTPUTS_H

#include "layout_test.h"

struct expected_output {
    const char *name;
    const char *usage;
    bool directory;
    size_t required; /* arguments */
    size_t most;
    const char *args[RUNFS_OUTPUT_ARGS_MAX];
    const char *path;
    const char *since; /* NULL: always there */
    const char *until;
};

/* One row for each output and number of arguments it can have. */
static const struct expected_output expected_outputs[] = {
    {"root", "", true, 0, 0, {NULL}, "", NULL, NULL},
    {"artifact",
     "FILE",
     false,
     1,
     1,
     {"amd-llvm_lib_generic.tar.xz"},
     "amd-llvm_lib_generic.tar.xz",
     NULL,
     NULL},
    {"artifact-index", "[GROUP]", false, 0, 1, {NULL}, "index.html", "2026-03-27", NULL},
    {"log-dir", "GROUP", true, 1, 1, {"gfx94X-dcgpu"}, "logs/gfx94X-dcgpu", "2025-04-03", NULL},
    {"log-stage-dir",
     "STAGE [FAMILY]",
     true,
     1,
     2,
     {"math-libs", "gfx1151"},
     "logs/math-libs/gfx1151",
     "2026-03-26",
     NULL},
    {"log-stage-dir", "STAGE [FAMILY]", true, 1, 2, {"foundation"}, "logs/foundation", "2026-03-26", NULL},
    {"log-file",
     "GROUP FILE",
     false,
     2,
     2,
     {"gfx94X-dcgpu", "rocBLAS_build.log"},
     "logs/gfx94X-dcgpu/rocBLAS_build.log",
     "2025-04-03",
     NULL},
    {"log-index",
     "GROUP",
     false,
     1,
     1,
     {"gfx94X-dcgpu-asan"},
     "logs/gfx94X-dcgpu-asan/index.html",
     "2025-04-03",
     NULL},
    {"log-root-index", "", false, 0, 0, {NULL}, "logs/index.html", NULL, NULL},
    {"build-time-analysis",
     "GROUP",
     false,
     1,
     1,
     {"gfx110X-all"},
     "logs/gfx110X-all/build_time_analysis.html",
     "2025-12-08",
     "2026-01-24"},
    {"build-observability",
     "GROUP",
     false,
     1,
     1,
     {"gfx110X-all"},
     "logs/gfx110X-all/build_observability.html",
     "2026-01-24",
     NULL},
    {"manifest-dir", "GROUP", true, 1, 1, {"gfx1151"}, "manifests/gfx1151", "2025-10-20", NULL},
    {"manifest",
     "GROUP",
     false,
     1,
     1,
     {"gfx1151"},
     "manifests/gfx1151/therock_manifest.json",
     "2025-10-20",
     NULL},
    {"manifest-root", "", false, 0, 0, {NULL}, "manifests/therock_manifest.json", "2026-05-28", NULL},
    {"manifests-index", "", false, 0, 0, {NULL}, "manifests/index.html", "2026-05-28", NULL},
    {"python", "[GROUP]", true, 0, 1, {NULL}, "python", "2026-02-04", NULL},
    {"python", "[GROUP]", true, 0, 1, {"gfx1151"}, "python/gfx1151", "2026-02-04", NULL},
    {"packages", "TYPE", true, 1, 1, {"deb"}, "packages/deb", "2026-04-29", NULL},
    {"packages", "TYPE", true, 1, 1, {"rpm"}, "packages/rpm", "2026-04-29", NULL},
    {"packages-log-dir", "TYPE", true, 1, 1, {"deb"}, "logs/packaging/deb", "2026-08-14", NULL},
    {"packages-log-index", "TYPE", false, 1, 1, {"rpm"}, "logs/packaging/rpm/index.html", "2026-08-14", NULL},
    {"tarballs", "", true, 0, 0, {NULL}, "tarballs", "2026-04-13", NULL},
    {"tarball",
     "FILE",
     false,
     1,
     1,
     {"therock-dist-linux-multiarch-7.0.0.tar.gz"},
     "tarballs/therock-dist-linux-multiarch-7.0.0.tar.gz",
     "2026-04-13",
     NULL},
    {"reports", "[GROUP]", true, 0, 1, {NULL}, "reports", NULL, NULL},
    {"reports", "[GROUP]", true, 0, 1, {"gfx1151"}, "reports/gfx1151", NULL, NULL},
};

/* How many arguments the row has. */
static inline size_t expected_args(const struct expected_output *row)
{
    size_t count = 0;
    while (count < RUNFS_OUTPUT_ARGS_MAX && row->args[count])
        count++;
    return count;
}

#endif
