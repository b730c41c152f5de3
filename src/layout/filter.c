/* Which artifacts to take, by expressions and targets. */
#include <errno.h>
#include <regex.h>
#include <runfs/artifact.h>
#include <stdlib.h>
#include <string.h>

#include "layout/fail.h"

/* Bounds what a malformed option can cost to compile. */
#define EXPRESSION_MAX 1024

struct expressions {
    regex_t *compiled;
    size_t count;
};

struct runfs_filter {
    struct expressions include;
    struct expressions exclude;
    char **targets; /* owned, as are its strings */
    size_t target_count;
};

void runfs_filter_free(struct runfs_filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->include.count; i++)
        regfree(&filter->include.compiled[i]);
    for (size_t i = 0; i < filter->exclude.count; i++)
        regfree(&filter->exclude.compiled[i]);
    for (size_t i = 0; i < filter->target_count; i++)
        free(filter->targets[i]);
    free(filter->include.compiled);
    free(filter->exclude.compiled);
    free(filter->targets);
    free(filter);
}

static int filter_no_memory(struct runfs_error *err)
{
    return layout_fail(err, ENOMEM, "filter: out of memory");
}

/* Compiles TEXTS into *set, which holds what was compiled so far even on failure. */
static int compile_all(struct expressions *set, const char *const *texts, size_t count,
                       struct runfs_error *err)
{
    set->compiled = count ? calloc(count, sizeof *set->compiled) : NULL;
    if (count && !set->compiled)
        return filter_no_memory(err);
    for (; set->count < count; set->count++) {
        const char *text = texts[set->count];
        size_t len = strlen(text);
        if (len == 0 || len > EXPRESSION_MAX)
            return layout_fail(err, EINVAL, "expression '%.64s': not of 1 to %d bytes", text, EXPRESSION_MAX);
        int code = regcomp(&set->compiled[set->count], text, REG_EXTENDED | REG_NOSUB);
        if (code == REG_ESPACE)
            return filter_no_memory(err);
        if (code != 0) {
            char why[128];
            (void)regerror(code, &set->compiled[set->count], why, sizeof why);
            return layout_fail(err, EINVAL, "expression '%.256s': %s", text, why);
        }
    }
    return 0;
}

static int copy_targets(struct runfs_filter *filter, const char *const *targets, size_t count,
                        struct runfs_error *err)
{
    filter->targets = count ? calloc(count, sizeof *filter->targets) : NULL;
    if (count && !filter->targets)
        return filter_no_memory(err);
    for (; filter->target_count < count; filter->target_count++) {
        if (!*targets[filter->target_count])
            return layout_fail(err, EINVAL, "target: empty");
        filter->targets[filter->target_count] = strdup(targets[filter->target_count]);
        if (!filter->targets[filter->target_count])
            return filter_no_memory(err);
    }
    return 0;
}

int runfs_filter_new(const struct runfs_filter_spec *spec, struct runfs_filter **ret_filter,
                     struct runfs_error *err)
{
    struct runfs_filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return filter_no_memory(err);
    int r = compile_all(&filter->include, spec->include, spec->include_count, err);
    if (r == 0)
        r = compile_all(&filter->exclude, spec->exclude, spec->exclude_count, err);
    if (r == 0)
        r = copy_targets(filter, spec->targets, spec->target_count, err);
    if (r < 0) {
        runfs_filter_free(filter);
        return r;
    }
    *ret_filter = filter;
    return 0;
}

static bool any_matches(const struct expressions *set, const char *file)
{
    for (size_t i = 0; i < set->count; i++)
        if (regexec(&set->compiled[i], file, 0, NULL, 0) == 0)
            return true;
    return false;
}

bool runfs_filter_match(const struct runfs_filter *filter, const char *file)
{
    struct runfs_artifact_name name;
    if (filter->include.count && !any_matches(&filter->include, file))
        return false;
    if (any_matches(&filter->exclude, file))
        return false;
    if (filter->target_count == 0)
        return true;
    return runfs_artifact_parse(file, strlen(file), &name) &&
           runfs_target_wanted(name.family, (const char *const *)filter->targets, filter->target_count);
}
