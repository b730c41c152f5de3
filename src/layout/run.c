/* Reads run ids, platforms, prefixes and times. */
#include "layout/run.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "layout/fail.h"
#include "layout/text.h"

static const char *const platform_names[] = {
    [RUNFS_PLATFORM_UNSAID] = "",
    [RUNFS_PLATFORM_LINUX] = "linux",
    [RUNFS_PLATFORM_WINDOWS] = "windows",
};

const char *runfs_platform_name(enum runfs_platform platform)
{
    return platform_names[platform];
}

int runfs_platform_parse(const char *text, enum runfs_platform *ret_platform, struct runfs_error *err)
{
    for (int i = RUNFS_PLATFORM_LINUX; i <= RUNFS_PLATFORM_WINDOWS; i++) {
        if (strcmp(text, platform_names[i]) == 0) {
            *ret_platform = (enum runfs_platform)i;
            return 0;
        }
    }
    return layout_fail(err, EINVAL, "platform '%s': not one of linux, windows", text);
}

enum runfs_platform platform_or_here(enum runfs_platform platform)
{
    return platform == RUNFS_PLATFORM_UNSAID ? RUNFS_PLATFORM_LINUX : platform;
}

int run_id_check(const char *id, bool allow_local, struct runfs_error *err)
{
    uint64_t number;
    if (allow_local && strcmp(id, LOCAL_RUN_ID) == 0)
        return 0;
    if (id[0] == '0' || strlen(id) > RUNFS_RUN_ID_MAX || parse_u64(id, UINT64_MAX, &number) < 0)
        return layout_fail(err, EINVAL,
                           "run id '%s': not a decimal number of at most %d digits without leading zeros%s",
                           id, RUNFS_RUN_ID_MAX, allow_local ? ", nor '" LOCAL_RUN_ID "'" : "");
    return 0;
}

/* Reads "ID" or "ID-PLATFORM". */
static int parse_run(const char *text, bool allow_local, struct runfs_run *ret_run, struct runfs_error *err)
{
    struct runfs_run run = {0};
    size_t len = strcspn(text, "-");
    /* An overlong id is cut to one byte past the limit, which the check then refuses. */
    char id[RUNFS_RUN_ID_MAX + 2] = "";
    memcpy(id, text, len < sizeof id ? len : sizeof id - 1);
    int r = run_id_check(id, allow_local, err);
    if (r == 0 && text[len])
        r = runfs_platform_parse(text + len + 1, &run.platform, err);
    if (r < 0)
        return r;
    memcpy(run.id, id, sizeof run.id);
    *ret_run = run;
    return 0;
}

int runfs_run_parse(const char *text, struct runfs_run *ret_run, struct runfs_error *err)
{
    return parse_run(text, false, ret_run, err);
}

int key_prefix_check(const char *key_prefix, struct runfs_error *err)
{
    struct runfs_span path = span_of(key_prefix);
    if (path.len > 1 && path.text[path.len - 1] == '/')
        path.len--;
    if (!is_path(path) || has_control(path))
        return layout_fail(err, EINVAL, "key prefix '%s': not a relative path of plain names", key_prefix);
    return 0;
}

/* Steps over KEY_PREFIX, and the '/' after it, at the start of PREFIX. NULL where it is not there. */
static const char *skip_key_prefix(const char *prefix, const char *key_prefix)
{
    size_t len = strlen(key_prefix);
    if (strncmp(prefix, key_prefix, len) != 0)
        return NULL;
    if (len == 0 || key_prefix[len - 1] == '/')
        return prefix + len;
    return prefix[len] == '/' ? prefix + len + 1 : NULL;
}

/* OWNER-REPO: one plain name with a '-' between two others. */
static bool is_external_repo(struct runfs_span text)
{
    size_t dash = span_find(text, '-');
    return is_component(text) && !has_control(text) && dash > 0 && dash + 1 < text.len;
}

int runfs_prefix_parse(const char *prefix, const char *key_prefix, struct runfs_prefix *ret_parts,
                       struct runfs_error *err)
{
    struct runfs_prefix parts = {0};
    key_prefix = key_prefix ? key_prefix : "";
    int r = key_prefix_check(key_prefix, err);
    if (r < 0)
        return r;
    const char *rest = skip_key_prefix(prefix, key_prefix);
    if (!rest)
        return layout_fail(err, EINVAL, "prefix '%s': does not begin with '%s'", prefix, key_prefix);
    const char *slash = strchr(rest, '/');
    if (slash) {
        parts.external_repo = (struct runfs_span){rest, (size_t)(slash - rest)};
        if (!is_external_repo(parts.external_repo))
            return layout_fail(err, EINVAL, "prefix '%s': '%.*s' is not OWNER-REPO", prefix,
                               SPAN_ARG(parts.external_repo));
        rest = slash + 1;
    }
    r = parse_run(rest, !slash, &parts.run, err);
    if (r < 0)
        return r;
    *ret_parts = parts;
    return 0;
}

int runfs_time_parse(const char *text, int64_t *ret_time, struct runfs_error *err)
{
    int64_t time;
    if (parse_time(text, &time) < 0 || time <= 0)
        return layout_fail(
            err, EINVAL, "time '%s': not of RFC 3339, such as 2026-03-27T12:00:00Z, from 1970 to 2261", text);
    *ret_time = time;
    return 0;
}
