#include "cli/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runfs/artifact.h>

#include "base/array.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "view/bind.h"

#define LIST_MAX        1000 /* values of one option */
#define OPTION_MAX      (64U * 1024)
#define CONNECTIONS_MAX 256
#define WORKFLOW_MAX    255
#define SECONDS_MAX     (365U * 24 * 3600)

/* A value's kind: stores VALUE (NULL where none was given) in FIELD; 0 or -errno. */
typedef int (*set_fn)(void *field, const char *value);

static int set_text(void *field, const char *value)
{
    *(const char **)field = value;
    return 0;
}

static int set_endpoint(void *field, const char *value)
{
    if (strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
        return -EINVAL;
    return set_text(field, value);
}

static int set_platform(void *field, const char *value)
{
    return runfs_platform_parse(value, field, NULL);
}

static int set_artifacts_dir(void *field, const char *value)
{
    static const char *const names[] = {"auto", "root", "subdir"};
    enum artifacts_dir dir = ARTIFACTS_AUTO;
    while (strcmp(value, names[dir]) != 0)
        if (++dir > ARTIFACTS_SUBDIR)
            return -EINVAL;
    *(enum artifacts_dir *)field = dir;
    return 0;
}

static int set_view(void *field, const char *value)
{
    view_choose(field, value);
    return 0;
}

/* The name of a file, which becomes a part of an address. */
static int set_workflow(void *field, const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (value[0] == '.' || value[strspn(value, allowed)] || strlen(value) > WORKFLOW_MAX)
        return -EINVAL;
    return set_text(field, value);
}

static int set_true(void *field, const char *value)
{
    (void)value;
    *(bool *)field = true;
    return 0;
}

static int set_false(void *field, const char *value)
{
    (void)value;
    *(bool *)field = false;
    return 0;
}

static int set_time(void *field, const char *value)
{
    return parse_time(value, field);
}

/* Stores what was parsed with RESULT, unless it is below MIN. */
static int store_u64(void *field, int result, uint64_t value, uint64_t min)
{
    if (result == 0 && value < min)
        result = -ERANGE;
    if (result == 0)
        *(uint64_t *)field = value;
    return result;
}

static int set_seconds(void *field, const char *value)
{
    uint64_t seconds = 0;
    int result = parse_u64(value, SECONDS_MAX, &seconds);
    return store_u64(field, result, seconds * 1000, 0);
}

/* Nothing may wait without end, and nothing works without waiting at all. */
static int set_timeout(void *field, const char *value)
{
    uint64_t seconds = 0;
    int result = parse_u64(value, SECONDS_MAX, &seconds);
    return store_u64(field, result, seconds * 1000, 1);
}

static int set_size(void *field, const char *value)
{
    return parse_size(value, field);
}

/* Nothing on disk is no-cache, and 0 stands for what was not said. */
static int set_cache_size(void *field, const char *value)
{
    uint64_t bytes = 0;
    int result = parse_size(value, &bytes);
    return store_u64(field, result, bytes, 1);
}

/* 0 stands for what was not said, so none at all is the least that can be. */
static int set_min_free(void *field, const char *value)
{
    uint64_t bytes;
    int result = parse_size(value, &bytes);
    if (result == 0)
        *(uint64_t *)field = bytes ? bytes : 1;
    return result;
}

static int set_connections(void *field, const char *value)
{
    uint64_t count;
    int result = parse_u64(value, CONNECTIONS_MAX, &count);
    if (result == 0 && count == 0)
        result = -ERANGE;
    if (result == 0)
        *(unsigned *)field = (unsigned)count;
    return result;
}

static int set_id(void *field, const char *value)
{
    uint64_t id;
    int result = parse_u64(value, UINT32_MAX - 1, &id);
    if (result == 0)
        *(uid_t *)field = (uid_t)id;
    return result;
}

static int set_umask(void *field, const char *value)
{
    uint64_t bits;
    int result = parse_octal(value, 0777, &bits);
    if (result == 0)
        *(mode_t *)field = (mode_t)bits;
    return result;
}

static int set_log_level(void *field, const char *value)
{
    return log_level_parse(value, field);
}

static int option_list_add(struct option_list *list, const char *value, size_t len)
{
    if (list->count == LIST_MAX)
        return -ERANGE;
    if (array_room(list->items, list->count, list->capacity) < 0 ||
        !(list->items[list->count] = strndup(value, len)))
        return -ENOMEM;
    list->count++;
    return 0;
}

/* A POSIX extended regular expression. */
static int set_expression(void *field, const char *value)
{
    struct runfs_filter_spec spec = {.include = &value, .include_count = 1};
    struct runfs_filter *filter;
    int result = runfs_filter_new(&spec, &filter, NULL);
    if (result < 0)
        return result;
    runfs_filter_free(filter);
    return option_list_add(field, value, strlen(value));
}

/* Names with commas between. */
static int set_names(void *field, const char *value)
{
    int result = 0;
    for (const char *at = value; result == 0 && at; at = at[0] ? at + 1 : NULL) {
        size_t len = strcspn(at, ",");
        result = len ? option_list_add(field, at, len) : -EINVAL;
        at += len;
    }
    return result;
}

/* NAME=SOURCE, another run under a name. */
static int set_bind(void *field, const char *value)
{
    size_t name_len;
    return bind_split(value, &name_len) < 0 ? -EINVAL : option_list_add(field, value, strlen(value));
}

/* Likewise names, but without a value it is mount(8)'s own option of that name, which has no effect. */
static int set_names_or_nothing(void *field, const char *value)
{
    return value ? set_names(field, value) : 0;
}

static void option_list_done(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){0};
}

enum arity { NO_VALUE, WITH_VALUE, ANY_VALUE };

#define FIELD(member) offsetof(struct options, member)

static const struct row {
    const char *name;
    enum arity arity;
    set_fn set; /* NULL: accepted without effect */
    size_t field;
} rows[] = {
    /* which run */
    {"repo", WITH_VALUE, set_text, FIELD(run.site.repository)},
    {"platform", WITH_VALUE, set_platform, FIELD(run.site.platform)},
    {"release-type", WITH_VALUE, set_text, FIELD(run.site.release_type)},
    {"fork", NO_VALUE, set_true, FIELD(run.site.fork)},
    {"updated-at", WITH_VALUE, set_time, FIELD(run.site.updated_at)},
    {"lookup", NO_VALUE, set_true, FIELD(run.site.lookup)},
    {"workflow", WITH_VALUE, set_workflow, FIELD(run.site.workflow)},
    {"key-prefix", WITH_VALUE, set_text, FIELD(run.site.key_prefix)},
    {"artifacts-dir", WITH_VALUE, set_artifacts_dir, FIELD(run.view.artifacts_dir)},
    /* which server, as whom */
    {"endpoint", WITH_VALUE, set_endpoint, FIELD(run.site.endpoint)},
    {"region", WITH_VALUE, set_text, FIELD(run.site.region)},
    {"path-style", NO_VALUE, set_true, FIELD(run.site.path_style)},
    {"no-sign-request", NO_VALUE, set_true, FIELD(run.site.no_sign_request)},
    {"profile", WITH_VALUE, set_text, FIELD(run.site.profile)},
    /* fetching */
    {"connections", WITH_VALUE, set_connections, FIELD(run.connections)},
    {"readahead", WITH_VALUE, set_size, FIELD(run.readahead)},
    {"timeout", WITH_VALUE, set_timeout, FIELD(run.timeout_ms)},
    /* what is kept on disk */
    {"cache", WITH_VALUE, set_text, FIELD(run.disk.directory)},
    {"cache-size", WITH_VALUE, set_cache_size, FIELD(run.disk.size_max)},
    {"cache-min-free", WITH_VALUE, set_min_free, FIELD(run.disk.free_min)},
    {"no-cache", NO_VALUE, set_true, FIELD(run.no_cache)},
    {"refresh", WITH_VALUE, set_seconds, FIELD(run.refresh_ms)},
    {"offline", NO_VALUE, set_true, FIELD(run.offline)},
    /* archives */
    {"archives", NO_VALUE, set_true, FIELD(run.archives)},
    /* views */
    {"view", WITH_VALUE, set_view, FIELD(run.view)},
    {"bind", WITH_VALUE, set_bind, FIELD(binds)},
    {"group", ANY_VALUE, set_names_or_nothing, FIELD(targets)}, /* without a value it is mount(8)'s */
    {"target", WITH_VALUE, set_names, FIELD(targets)},
    {"include", WITH_VALUE, set_expression, FIELD(include)},
    {"exclude", WITH_VALUE, set_expression, FIELD(exclude)},
    {"verify", NO_VALUE, set_true, FIELD(run.verify)},
    /* the mount */
    {"uid", WITH_VALUE, set_id, FIELD(fs.uid)},
    {"gid", WITH_VALUE, set_id, FIELD(fs.gid)},
    {"umask", WITH_VALUE, set_umask, FIELD(fs.umask)},
    {"allow_other", NO_VALUE, set_true, FIELD(fs.allow_other)},
    {"noexec", NO_VALUE, set_true, FIELD(fs.noexec)},
    {"exec", NO_VALUE, set_false, FIELD(fs.noexec)},
    {"log", WITH_VALUE, set_text, FIELD(log)},
    {"log-level", WITH_VALUE, set_log_level, FIELD(log_level)},
    /* those of the options below that have a value */
    {"user", ANY_VALUE, NULL, 0},
    {"comment", WITH_VALUE, NULL, 0},
    {"uhelper", WITH_VALUE, NULL, 0},
};

/* What a read-only mount is anyway, cannot grant, or mount(8) and systemd look after (mount(8), fstab(5)): accepted without
   effect. */
static const char *const ignored[] = {
    "ro",       "rw",         "nosuid",      "suid",          "nodev",    "dev",        "defaults",
    "auto",     "noauto",     "nouser",      "users",         "owner",    "nofail",     "_netdev",
    "async",    "sync",       "dirsync",     "atime",         "noatime",  "diratime",   "nodiratime",
    "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "silent",
    "loud",
};
static const struct row ignored_row = {.arity = NO_VALUE};

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0)
            return &rows[i];
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        if (strcmp(name, ignored[i]) == 0)
            return &ignored_row;
    return NULL;
}

void options_init(struct options *options)
{
    *options = (struct options){
        .run = {.connections = 32,
                .timeout_ms = 30000,
                .readahead = 64U << 20,
                .refresh_ms = 60000,
                .view.conflict = command_conflict,
                .note = command_note,
                .chosen = command_chosen},
        .fs = {.uid = getuid(), .gid = getgid()},
        .log_level = LOG_LEVEL_WARNING,
    };
}

static int apply_option(struct options *options, const char *name, const char *value, struct error *err)
{
    /* settings for other programs: mount(8) says x-* never reaches us, X-* and systemd's may */
    if (strncmp(name, "x-", 2) == 0 || strncmp(name, "X-", 2) == 0)
        return 0;
    const struct row *row = find_row(name);
    if (!row)
        return error_set(err, EINVAL, "option '%s': unknown", name);
    if (row->arity == WITH_VALUE && (!value || !value[0]))
        return error_set(err, EINVAL, "option '%s': needs a value", name);
    if (row->arity == NO_VALUE && value)
        return error_set(err, EINVAL, "option '%s': takes no value", name);
    int result = row->set ? row->set((char *)options + row->field, value) : 0;
    if (result == -ERANGE)
        return error_set(err, EINVAL, "option '%s=%s': out of range", name, value);
    if (result == -ENOMEM)
        return error_errno(err, ENOMEM, "options");
    return result < 0 ? error_set(err, EINVAL, "option '%s=%s': bad value", name, value) : 0;
}

/* Ends TEXT at its first comma, and undoes escapes up to there. Returns what is behind that comma, NULL at the end. */
static char *cut_option(char *text)
{
    char *out = text;
    for (; *text && *text != ','; text++) {
        if (*text == '\\' && (text[1] == ',' || text[1] == '\\'))
            text++;
        *out++ = *text;
    }
    char *rest = *text ? text + 1 : NULL;
    *out = '\0';
    return rest;
}

/* Lists may have moved. */
static void point_to_lists(struct options *options)
{
    options->run.artifacts = (struct runfs_filter_spec){
        .include = (const char *const *)options->include.items,
        .include_count = options->include.count,
        .exclude = (const char *const *)options->exclude.items,
        .exclude_count = options->exclude.count,
        .targets = (const char *const *)options->targets.items,
        .target_count = options->targets.count,
    };
    options->run.view.binds = (const char *const *)options->binds.items;
    options->run.view.bind_count = options->binds.count;
}

int options_parse(struct options *options, const char *text, struct error *err)
{
    int result = option_list_add(&options->texts, text, strlen(text));
    if (result < 0)
        return error_errno(err, -result, "options");
    char *rest = options->texts.items[options->texts.count - 1];
    while (result == 0 && rest) {
        char *name = rest;
        rest = cut_option(name);
        if (strlen(name) >= OPTION_MAX)
            result = error_errno(err, E2BIG, "options");
        char *value = strchr(name, '=');
        if (value)
            *value++ = '\0';
        if (result == 0 && (name[0] || value))
            result = apply_option(options, name, value, err);
    }
    point_to_lists(options);
    return result;
}

void options_done(struct options *options)
{
    option_list_done(&options->texts);
    option_list_done(&options->include);
    option_list_done(&options->exclude);
    option_list_done(&options->targets);
    option_list_done(&options->binds);
}
