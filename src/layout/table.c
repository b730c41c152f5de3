/* The table of outputs (run-outputs, section 2). Adding an output is adding a row: locations, classification,
   subtrees and messages all read it. Where a key fits several rows equally well, the first one counts. */
#include "layout/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "layout/fail.h"

/* clang-format off */
static const struct runfs_output outputs[] = {
    {"root", true, {0}, 0, {{"", 0, 0}}},
    {"artifact", false, {ARG_FILE}, 0, {{"{artifacts}{file}", 0, 0}}},
    {"artifact-index", false, {ARG_GROUP}, 1, {{"{artifacts}index.html", 20260327, 0},
                                               {"{artifacts}index-{group}.html", 0, 20260327}}},
    {"log-dir", true, {ARG_GROUP}, 0, {{"logs/{group}", 20250403, 0}}},
    {"log-stage-dir", true, {ARG_STAGE, ARG_FAMILY}, 1, {{"logs/{stage}/{family}", 20260326, 0},
                                                         {"logs/{stage}", 20260326, 0}}},
    {"log-file", false, {ARG_GROUP, ARG_PATH}, 0, {{"logs/{group}/{path}", 20250403, 0},
                                                   {"logs/{file}", 0, 20250403}}},
    {"log-index", false, {ARG_GROUP}, 0, {{"logs/{group}/index.html", 20250403, 0}}},
    {"log-root-index", false, {0}, 0, {{"logs/index.html", 0, 0}}},
    {"build-time-analysis", false, {ARG_GROUP}, 0, {{"logs/{group}/build_time_analysis.html", 20251208, 20260124}}},
    {"build-observability", false, {ARG_GROUP}, 0, {{"logs/{group}/build_observability.html", 20260124, 0}}},
    {"manifest-dir", true, {ARG_GROUP}, 0, {{"manifests/{group}", 20251020, 0}}},
    {"manifest", false, {ARG_GROUP}, 0, {{"manifests/{group}/therock_manifest.json", 20251020, 0}}},
    {"manifest-root", false, {0}, 0, {{"manifests/therock_manifest.json", 20260528, 0}}},
    {"manifests-index", false, {0}, 0, {{"manifests/index.html", 20260528, 0}}},
    {"python", true, {ARG_GROUP}, 1, {{"python/{group}", 20260204, 0}, {"python", 20260204, 0}}},
    {"packages", true, {ARG_TYPE}, 0, {{"packages/{type}", 20260429, 0}}},
    {"packages-log-dir", true, {ARG_TYPE}, 0, {{"logs/packaging/{type}", 20260814, 0}}},
    {"packages-log-index", false, {ARG_TYPE}, 0, {{"logs/packaging/{type}/index.html", 20260814, 0}}},
    {"tarballs", true, {0}, 0, {{"tarballs", 20260413, 0}}},
    {"tarball", false, {ARG_FILE}, 0, {{"tarballs/{file}", 20260413, 0}}},
    {"reports", true, {ARG_GROUP}, 1, {{"reports/{group}", 0, 0}, {"reports", 0, 0}}},
};
/* clang-format on */

#define OUTPUT_COUNT (sizeof outputs / sizeof *outputs)
_Static_assert(OUTPUT_COUNT <= OUTPUTS_MAX, "OUTPUTS_MAX holds all rows");

static const struct runfs_output other = {.name = "other"};

const struct runfs_output *runfs_output_at(size_t index)
{
    return index < OUTPUT_COUNT ? &outputs[index] : NULL;
}

const struct runfs_output *runfs_output_other(void)
{
    return &other;
}

static int refuse_name(const char *name, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf names = STRBUF_INIT(RUNFS_ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        strbuf_addf(&names, "%s%s", i ? ", " : "", outputs[i].name);
    return layout_fail(err, EINVAL, "output '%.64s': not one of %s", name, strbuf_text(&names));
}

int runfs_output_find(const char *name, const struct runfs_output **ret_output, struct runfs_error *err)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        if (strcmp(name, outputs[i].name) == 0) {
            *ret_output = &outputs[i];
            return 0;
        }
    }
    return refuse_name(name, err);
}

const char *runfs_output_name(const struct runfs_output *output)
{
    return output->name;
}

bool runfs_output_is_directory(const struct runfs_output *output)
{
    return output->directory;
}

size_t output_arg_count(const struct runfs_output *output)
{
    size_t count = 0;
    while (count < RUNFS_OUTPUT_ARGS_MAX && output->takes[count] != ARG_NONE)
        count++;
    return count;
}

void runfs_output_usage(const struct runfs_output *output, char *buf, size_t size)
{
    size_t count = output_arg_count(output);
    size_t used = 0;
    if (size)
        buf[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        bool optional = i + output->optional >= count;
        int n = snprintf(buf + used, size - used, "%s%s%s%s", i ? " " : "", optional ? "[" : "",
                         arg_name(output->takes[i]), optional ? "]" : "");
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}
