/* From an output and its arguments to its location; see runfs/output.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "layout/day.h"
#include "layout/fail.h"
#include "layout/pattern.h"
#include "layout/table.h"
#include "layout/text.h"

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
static int refuse(const struct runfs_output *output, int day, struct runfs_class *values,
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

static const struct form *find_form(const struct runfs_output *output, int day, struct runfs_class *values)
{
    for (size_t i = 0; i < FORMS_MAX && output->forms[i].pattern; i++)
        if (in_force(&output->forms[i], day) && pattern_lacks(output->forms[i].pattern, values) == ARG_NONE)
            return &output->forms[i];
    return NULL;
}

/* Writes PREFIX and the path of FORM below it to OUT. */
static int expand(const struct form *form, const struct runfs_root *root, struct runfs_class *values,
                  struct strbuf *out, struct runfs_error *err)
{
    strbuf_adds(out, root->prefix);
    if (*root->prefix && *form->pattern)
        strbuf_adds(out, "/");
    int r = pattern_expand(form->pattern, values, root->artifacts_dir, out, err);
    if (r < 0)
        return r;
    if (out->failed == E2BIG)
        return layout_fail(err, ENAMETOOLONG, "the path is longer than a key's %d bytes", RUNFS_KEY_MAX);
    return out->failed ? layout_fail(err, out->failed, "%s", error_text(out->failed)) : 0;
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
    const struct form *form = find_form(output, day, &values);
    if (!form)
        return refuse(output, day, &values, err);
    r = expand(form, root, &values, &path, &why);
    if (r < 0)
        return layout_fail(err, -r, "%s: %s", output->name, why.message);
    struct runfs_location location = {0};
    memcpy(location.bucket, root->bucket, sizeof location.bucket);
    memcpy(location.path, strbuf_text(&path), path.len);
    *ret_location = location;
    return 0;
}
