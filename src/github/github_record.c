/* GitHub's JSON of runs; see github_record.h. */
#include "github/github_record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/format.h"
#include "base/parse.h"

#define NS_PER_SECOND INT64_C(1000000000)

static void cleanup_json(json_t **json)
{
    json_decref(*json);
}

#define _cleanup_json_ __attribute__((cleanup(cleanup_json)))

static int malformed(struct error *err, const char *what)
{
    return error_set(err, EBADMSG, "its answer is malformed: %s", what);
}

/* jansson's own words are left out: they quote what is there, at any length. */
static int load(const char *json, size_t len, json_t **ret_root, struct error *err)
{
    json_error_t why;
    *ret_root = json_loadb(json, len, 0, &why);
    if (!*ret_root)
        return error_set(err, EBADMSG, "its answer is not JSON, from line %d, column %d on", why.line,
                         why.column);
    return json_is_object(*ret_root) ? 0 : malformed(err, "no object");
}

/* The member KEY; "" where it is missing or null. */
static int get_text(const json_t *object, const char *key, char *text, size_t size, struct error *err)
{
    const json_t *member = json_object_get(object, key);
    text[0] = '\0';
    if (!member || json_is_null(member))
        return 0;
    if (!json_is_string(member) || json_string_length(member) >= size)
        return malformed(err, key);
    (void)snprintf(text, size, "%s", json_string_value(member));
    return 0;
}

/* The member KEY as a time, 0 where it is missing or null. */
static int get_time(const json_t *object, const char *key, int64_t *ret_ns, struct error *err)
{
    char text[64];
    int result = get_text(object, key, text, sizeof text, err);
    *ret_ns = 0;
    if (result < 0 || !text[0])
        return result;
    if (parse_time(text, ret_ns) < 0 || *ret_ns < NS_PER_SECOND)
        return malformed(err, key);
    *ret_ns -= *ret_ns % NS_PER_SECOND; /* GitHub's times are whole seconds */
    return 0;
}

/* What the bucket rules need; a repository that is null was deleted, one that is missing is not known. */
static int get_place(const json_t *object, struct github_run *run, struct error *err)
{
    const json_t *repository = json_object_get(object, "head_repository");
    int result = get_time(object, "updated_at", &run->updated_at, err);
    if (result < 0)
        return result;
    if (json_is_object(repository)) {
        result = get_text(repository, "full_name", run->head_repository, sizeof run->head_repository, err);
        if (result == 0 && !run->head_repository[0])
            result = malformed(err, "full_name");
    } else if (repository && !json_is_null(repository)) {
        result = malformed(err, "head_repository");
    }
    run->has_place = repository && run->updated_at;
    return result;
}

/* Only for people: one that is odd is left out. */
static void get_url(const json_t *object, struct github_run *run)
{
    if (get_text(object, "html_url", run->url, sizeof run->url, NULL) < 0 ||
        (strncmp(run->url, "https://", 8) != 0 && strncmp(run->url, "http://", 7) != 0))
        run->url[0] = '\0';
}

static int get_run(const json_t *object, struct github_run *ret_run, struct error *err)
{
    struct github_run run = {0};
    const json_t *id = json_object_get(object, "id");
    if (!json_is_integer(id) || json_integer_value(id) <= 0)
        return malformed(err, "id");
    (void)snprintf(run.id, sizeof run.id, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    int result = get_place(object, &run, err);
    if (result == 0)
        result = get_time(object, "created_at", &run.created_at, err);
    if (result == 0)
        result = get_text(object, "status", run.status, sizeof run.status, err);
    if (result == 0)
        result = get_text(object, "conclusion", run.conclusion, sizeof run.conclusion, err);
    get_url(object, &run);
    if (result == 0)
        *ret_run = run;
    return result;
}

bool github_run_finished(const struct github_run *run)
{
    return strcmp(run->status, "completed") == 0;
}

int github_run_parse(const char *json, size_t len, struct github_run *ret_run, struct error *err)
{
    struct github_run run;
    _cleanup_json_ json_t *root = NULL;
    int result = load(json, len, &root, err);
    if (result == 0)
        result = get_run(root, &run, err);
    if (result == 0 && !run.has_place)
        result = malformed(err, "no updated_at or no head_repository");
    if (result == 0)
        *ret_run = run;
    return result;
}

/* A server that does not know the filter lists all runs there are. */
static bool is_of_commit(const json_t *object, const char *sha)
{
    const char *head = json_string_value(json_object_get(object, "head_sha"));
    return !head || strncasecmp(head, sha, strlen(sha)) == 0;
}

int github_runs_parse(const char *json, size_t len, const char *sha, struct github_run *ret_run,
                      struct error *err)
{
    size_t i;
    json_t *item;
    struct github_run newest = {0};
    _cleanup_json_ json_t *root = NULL;
    int result = load(json, len, &root, err);
    if (result < 0)
        return result;
    json_t *runs = json_object_get(root, "workflow_runs");
    if (!json_is_array(runs))
        return malformed(err, "workflow_runs");
    json_array_foreach(runs, i, item)
    {
        struct github_run run;
        if (!is_of_commit(item, sha))
            continue;
        result = get_run(item, &run, err);
        if (result < 0)
            return result;
        if (!newest.id[0] || run.created_at > newest.created_at)
            newest = run;
    }
    if (!newest.id[0])
        return error_errno(err, ENOENT, "a run");
    *ret_run = newest;
    return 0;
}

static json_t *time_json(int64_t ns)
{
    char text[FORMAT_MAX];
    if (!ns)
        return json_null();
    format_time(text, ns / NS_PER_SECOND);
    return json_string(text);
}

void github_run_format(const struct github_run *run, struct strbuf *out)
{
    uint64_t id = 0;
    (void)parse_u64(run->id, INT64_MAX, &id);
    json_t *head =
        run->head_repository[0] ? json_pack("{s:s}", "full_name", run->head_repository) : json_null();
    _cleanup_json_ json_t *root =
        json_pack("{s:I, s:o, s:o, s:o, s:s, s:s, s:s}", "id", (json_int_t)id, "head_repository", head,
                  "updated_at", time_json(run->updated_at), "created_at", time_json(run->created_at),
                  "status", run->status, "conclusion", run->conclusion, "html_url", run->url);
    _cleanup_free_ char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    if (text)
        strbuf_adds(out, text);
    else
        out->failed = ENOMEM;
}

void github_message_parse(const char *json, size_t len, char *text, size_t size)
{
    _cleanup_json_ json_t *root = json_loadb(json, len, 0, NULL);
    const char *message = json_string_value(json_object_get(root, "message"));
    escape_control(text, size, message ? message : "");
}
