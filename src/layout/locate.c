/* From an output and its arguments to its location, and the three forms of a location. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/strbuf.h"
#include "layout/day.h"
#include "layout/fail.h"
#include "layout/pattern.h"
#include "layout/table.h"
#include "layout/text.h"

/* An encoded path is at most three times as long; the rest is scheme, bucket and host. */
#define URL_MAX (3 * RUNFS_KEY_MAX + RUNFS_BUCKET_MAX + 64)

/* Puts ARGS into VALUES by what OUTPUT takes. */
static int take_args(const struct runfs_output *output, const char *const *args, size_t count,
                     struct runfs_class *values, struct runfs_error *err)
{
    size_t most = output_arg_count(output);
    char usage[RUNFS_OUTPUT_USAGE_MAX];
    runfs_output_usage(output, usage, sizeof usage);
    if (count > most)
        return layout_fail(err, EINVAL, "%s: '%.64s' is one argument too many, it takes %s", output->name,
                           args[most], most ? usage : "none");
    if (count + output->optional < most)
        return layout_fail(err, EINVAL, "%s: %s is missing, it takes %s", output->name,
                           arg_name(output->takes[count]), usage);
    for (size_t i = 0; i < count; i++)
        *arg_value(values, output->takes[i]) = span_of(args[i]);
    return 0;
}

static bool in_force(const struct form *form, int day)
{
    return day >= form->since && (!form->until || day < form->until);
}

/* Says why no form of OUTPUT fits a run of DAY: not or no longer there, or there with one more argument. */
static int refuse_day(const struct runfs_output *output, int day, struct runfs_class *values,
                      struct runfs_error *err)
{
    char since[DAY_TEXT_MAX] = "";
    char until[DAY_TEXT_MAX] = "";
    char today[DAY_TEXT_MAX];
    const char *run = day == DAY_TODAY ? "today (the run's time is not given)" : layout_day_text(day, today);
    for (size_t i = 0; i < FORMS_MAX && output->forms[i].pattern; i++) {
        const struct form *form = &output->forms[i];
        if (in_force(form, day))
            return layout_fail(err, EINVAL, "%s: %s is missing, which runs before %s have in its name",
                               output->name, arg_name(pattern_lacks(form->pattern, values)),
                               layout_day_text(form->until, until));
        if (form->since)
            layout_day_text(form->since, since);
        if (form->until)
            layout_day_text(form->until, until);
    }
    return layout_fail(err, EINVAL, "%s: only in runs%s%s%s%s, this one counts as of %s", output->name,
                       *since ? " since " : "", since, *until ? " until " : "", until, run);
}

int runfs_output_locate(const struct runfs_output *output, const struct runfs_root *root,
                        const char *const *args, size_t count, struct runfs_location *ret_location,
                        struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_KEY_MAX);
    struct runfs_class values = {0};
    struct runfs_error why;
    int day = layout_day(root->updated_at);
    if (!output->forms[0].pattern)
        return layout_fail(err, EINVAL, "%s: has no location", output->name);
    int r = take_args(output, args, count, &values, err);
    if (r < 0)
        return r;
    const struct form *form = NULL;
    for (size_t i = 0; i < FORMS_MAX && !form && output->forms[i].pattern; i++)
        if (in_force(&output->forms[i], day) && pattern_lacks(output->forms[i].pattern, &values) == ARG_NONE)
            form = &output->forms[i];
    if (!form)
        return refuse_day(output, day, &values, err);
    strbuf_adds(&path, root->prefix);
    if (*root->prefix && *form->pattern)
        strbuf_adds(&path, "/");
    r = pattern_expand(form->pattern, &values, root->artifacts_dir, &path, &why);
    if (r < 0)
        return layout_fail(err, -r, "%s: %s", output->name, why.message);
    if (path.failed == E2BIG)
        return layout_fail(err, ENAMETOOLONG, "%s: the path is longer than a key's %d bytes", output->name,
                           RUNFS_KEY_MAX);
    if (path.failed)
        return layout_fail(err, path.failed, "%s: %s", output->name, error_text(path.failed));
    struct runfs_location location = {0};
    memcpy(location.bucket, root->bucket, sizeof location.bucket);
    memcpy(location.path, strbuf_text(&path), path.len);
    *ret_location = location;
    return 0;
}

int runfs_location_s3_uri(const struct runfs_location *location, char **ret_uri, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(URL_MAX);
    strbuf_addf(&uri, "s3://%s/%s", location->bucket, location->path);
    return layout_take(&uri, "s3 uri", ret_uri, err);
}

int runfs_location_https_url(const struct runfs_location *location, char **ret_url, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf url = STRBUF_INIT(URL_MAX);
    strbuf_addf(&url, "https://%s.s3.amazonaws.com/", location->bucket);
    escape_percent(&url, location->path, strlen(location->path), true);
    return layout_take(&url, "https url", ret_url, err);
}

int runfs_location_local_path(const struct runfs_location *location, const char *staging_dir, char **ret_path,
                              struct runfs_error *err)
{
    size_t len = strlen(staging_dir);
    if (len == 0)
        return layout_fail(err, EINVAL, "staging directory: empty");
    if (!is_path(span_of(location->path)))
        return layout_fail(err, EINVAL, "path '%s': may leave the staging directory", location->path);
    while (len && staging_dir[len - 1] == '/')
        len--;
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(len + 1 + RUNFS_KEY_MAX);
    strbuf_add(&path, staging_dir, len);
    strbuf_addf(&path, "/%s", location->path);
    return layout_take(&path, "local path", ret_path, err);
}
