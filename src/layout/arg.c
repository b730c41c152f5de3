/* The kinds of arguments: their names, and checks of values to write and of values read from keys. */
#include "layout/arg.h"

#include <errno.h>

#include "layout/fail.h"
#include "layout/text.h"

static const struct {
    const char *placeholder;
    const char *name;
    size_t offset; /* in struct runfs_class */
} kinds[] = {
    [ARG_GROUP] = {"group", "GROUP", offsetof(struct runfs_class, group)},
    [ARG_STAGE] = {"stage", "STAGE", offsetof(struct runfs_class, stage)},
    [ARG_FAMILY] = {"family", "FAMILY", offsetof(struct runfs_class, family)},
    [ARG_TYPE] = {"type", "TYPE", offsetof(struct runfs_class, type)},
    [ARG_FILE] = {"file", "FILE", offsetof(struct runfs_class, file)},
    [ARG_PATH] = {"path", "FILE", offsetof(struct runfs_class, file)},
};

const char *arg_name(enum arg arg)
{
    return kinds[arg].name;
}

enum arg arg_of_placeholder(struct runfs_span name)
{
    for (int arg = ARG_GROUP; arg <= ARG_PATH; arg++)
        if (span_is(name, kinds[arg].placeholder))
            return (enum arg)arg;
    return ARG_NONE;
}

struct runfs_span *arg_value(struct runfs_class *values, enum arg arg)
{
    return (struct runfs_span *)(void *)((char *)values + kinds[arg].offset);
}

static bool is_package_type(struct runfs_span value)
{
    return span_is(value, "deb") || span_is(value, "rpm");
}

int arg_check(enum arg arg, struct runfs_span value, struct runfs_error *err)
{
    const char *name = kinds[arg].name;
    if (value.len == 0)
        return layout_fail(err, EINVAL, "%s: empty", name);
    if (has_control(value))
        return layout_fail(err, EINVAL, "%s '%.*s': holds a control character", name, SPAN_ARG(value));
    if (arg == ARG_TYPE && !is_package_type(value))
        return layout_fail(err, EINVAL, "%s '%.*s': not one of deb, rpm", name, SPAN_ARG(value));
    if (arg == ARG_PATH && !is_path(value))
        return layout_fail(err, EINVAL, "%s '%.*s': not a relative path of plain names", name,
                           SPAN_ARG(value));
    if (arg != ARG_PATH && !is_component(value))
        return layout_fail(err, EINVAL, "%s '%.*s': not a single plain name", name, SPAN_ARG(value));
    return 0;
}

bool arg_fits(enum arg arg, struct runfs_span component, bool last)
{
    bool dot = span_find(component, '.') < component.len;
    /* Part of a component may be "." where the whole is not: "index-..html". */
    if (arg != ARG_PATH && !is_component(component))
        return false;
    switch (arg) {
    case ARG_GROUP:
    case ARG_STAGE:
        return !last || !dot;
    case ARG_FAMILY:
        return (!last || !dot) && (span_is(component, "generic") || span_starts(component, span_of("gfx")));
    case ARG_TYPE:
        return is_package_type(component);
    case ARG_FILE:
        return dot && !span_is(component, "index.html");
    case ARG_PATH:
        return true;
    case ARG_NONE:
        break;
    }
    return false;
}
