/* Reads one row of a view table. The line is checked before getmntent_r(3), which knows neither limits nor errors,
   takes it apart. */
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "layout/fail.h"
#include "layout/view.h"

#define FIELDS_MIN 3
#define FIELDS_MAX 6
#define NUMBERS    4 /* the fields from here on are numbers, which mean nothing in a view */

static const char *const type_names[] = {
    [RUNFS_ROW_TREE] = "tree",
    [RUNFS_ROW_ARCHIVE] = "archive",
    [RUNFS_ROW_FLATTEN] = "flatten",
    [RUNFS_ROW_LOCAL] = "local",
};

const char *runfs_row_type_name(enum runfs_row_type type)
{
    return type_names[type];
}

int runfs_bind_name_check(const char *name, size_t len, struct runfs_error *err)
{
    static const char allowed[] = "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct runfs_span span = {name, len};
    bool fits = len && len <= RUNFS_BIND_NAME_MAX && !strchr("-_.", name[0]);
    for (size_t i = 0; i < len && fits; i++)
        fits = name[i] && strchr(allowed, name[i]);
    if (!fits)
        return layout_fail(
            err, EINVAL,
            "name '%.*s': not 1 to %d letters, digits, '-', '_' or '.', and a letter or digit first",
            SPAN_ARG(span), RUNFS_BIND_NAME_MAX);
    return 0;
}

/* Takes the next field off *line. False where there is none. */
static bool take_field(struct runfs_span *line, struct runfs_span *ret_field)
{
    while (line->len && strchr(" \t", line->text[0]))
        *line = span_skip(*line, 1);
    size_t len = 0;
    while (len < line->len && !strchr(" \t", line->text[len]))
        len++;
    *ret_field = (struct runfs_span){line->text, len};
    *line = span_skip(*line, len);
    return len > 0;
}

static size_t span_digits(struct runfs_span field)
{
    size_t i = 0;
    while (i < field.len && field.text[i] >= '0' && field.text[i] <= '9')
        i++;
    return i;
}

static int check_fields(struct runfs_span line, struct runfs_error *err)
{
    struct runfs_span field;
    size_t count = 0;
    for (; take_field(&line, &field); count++)
        if (count >= NUMBERS && count < FIELDS_MAX && span_digits(field) < field.len)
            return layout_fail(err, EINVAL, "field %zu '%.*s': not a number", count + 1, SPAN_ARG(field));
    if (count < FIELDS_MIN || count > FIELDS_MAX)
        return layout_fail(err, EINVAL, "%zu fields, not %d to %d", count, FIELDS_MIN, FIELDS_MAX);
    return 0;
}

static int read_type(const char *text, struct view_row *row, struct runfs_error *err)
{
    for (int type = RUNFS_ROW_TREE; type <= RUNFS_ROW_LOCAL; type++) {
        if (strcmp(text, type_names[type]) == 0) {
            row->shown.type = (enum runfs_row_type)type;
            return 0;
        }
    }
    return layout_fail(err, EINVAL, "type '%s': not one of tree, archive, flatten, local", text);
}

static int read_options(const char *text, struct view_row *row, struct runfs_error *err)
{
    if (!*text || strcmp(text, "-") == 0)
        return 0;
    for (const char *option = text; option; option = strchr(option, ',')) {
        option += *option == ',';
        struct runfs_span span = {option, strcspn(option, ",")};
        if (span_is(span, "overlay"))
            row->shown.overlay = true;
        else if (!span_is(span, "defaults"))
            return layout_fail(err, EINVAL, "option '%.*s': not one of overlay, defaults", SPAN_ARG(span));
    }
    return 0;
}

/* Copies TEXT, a path called WHAT in messages, in its normal form to *ret_path. */
static int normalise(const char *what, const char *text, char **ret_path, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_VIEW_LINE_MAX);
    if (!path_normalise(span_of(text), &path))
        return layout_fail(err, EINVAL, "%s '%s': has a '..'", what, text);
    if (strbuf_take(&path, ret_path) < 0)
        return layout_fail(err, ENOMEM, "out of memory");
    return 0;
}

static int read_path(const char *text, struct view_row *row, struct runfs_error *err)
{
    static const char what[] = "logical path";
    if (text[0] != '/')
        return layout_fail(err, EINVAL, "%s '%s': not absolute", what, text);
    int r = normalise(what, text, &row->path, err);
    if (r < 0)
        return r;
    struct runfs_span path = span_of(row->path);
    struct runfs_span name;
    while (span_take(&path, '/', &name))
        if (name.len > RUNFS_VIEW_NAME_MAX)
            return layout_fail(err, EINVAL, "%s '%s': has a name that is too long", what, text);
    return 0;
}

/* The bound name that SOURCE begins with; NULL where it begins with none. */
static const char *bound_name(const struct view_binds *binds, const char *source)
{
    struct runfs_span name = {source, strcspn(source, ":")};
    for (size_t i = 0; source[name.len] && i < binds->count; i++)
        if (span_is(name, binds->names[i]))
            return binds->names[i];
    return NULL;
}

static int copy_source(const char *text, char **ret_copy, struct runfs_error *err)
{
    *ret_copy = strdup(text);
    return *ret_copy ? 0 : layout_fail(err, ENOMEM, "out of memory");
}

static int read_source(const struct view_binds *binds, const char *text, struct view_row *row,
                       struct runfs_error *err)
{
    const char *bind = bound_name(binds, text);
    if (row->shown.type == RUNFS_ROW_LOCAL)
        return bind ? layout_fail(err, EINVAL, "source '%s': '%s' is a run, but the row is local; see ./%s",
                                  text, bind, text)
                    : copy_source(text, &row->source, err);
    const char *pattern = bind ? text + strlen(bind) + 1 : text;
    int r = bind ? copy_source(bind, &row->bind, err) : 0;
    if (r < 0)
        return r;
    if (!*pattern)
        return layout_fail(err, EINVAL, "source '%s': empty", text);
    if (*pattern == '/')
        return layout_fail(err, EINVAL, "source '%s': absolute, but it is a path in a run", text);
    r = normalise("source", pattern, &row->source, err);
    if (r == 0 && !*row->source && row->shown.type != RUNFS_ROW_TREE)
        return layout_fail(err, EINVAL, "source '%s': a whole run is no archive", text);
    return r;
}

int view_row_read(const struct view_binds *binds, struct runfs_span line, struct view_row *row,
                  struct runfs_error *err)
{
    char text[RUNFS_VIEW_LINE_MAX + 2]; /* with a newline, without which blanks at the end stay */
    char buf[sizeof text];
    struct mntent entry;
    int r = check_fields(line, err);
    if (r < 0)
        return r;
    memcpy(text, line.text, line.len);
    text[line.len] = '\n';
    _cleanup_fclose_ FILE *file = fmemopen(text, line.len + 1, "r");
    if (!file || !getmntent_r(file, &entry, buf, sizeof buf))
        return layout_fail(err, ENOMEM, "out of memory");
    r = read_type(entry.mnt_type, row, err);
    if (r == 0)
        r = read_options(entry.mnt_opts, row, err);
    if (r == 0)
        r = read_path(entry.mnt_dir, row, err);
    if (r == 0)
        r = read_source(binds, entry.mnt_fsname, row, err);
    row->shown.bind = row->bind;
    row->shown.source = row->source;
    row->shown.path = row->path;
    return r;
}

void view_row_done(struct view_row *row)
{
    free(row->bind);
    free(row->source);
    free(row->path);
}
