/* The event of the GitHub job that we run in; see github_event.h. */
#include "github/github_event.h"

#include <errno.h>
#include <stdio.h>

#include <jansson.h>

#include "base/cleanup.h"

#define EVENT_MAX (32U * 1024 * 1024) /* GitHub's payloads are at most 25 MB */

int github_event_fork(const char *path, bool *ret_known, bool *ret_fork, struct error *err)
{
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    if (!file)
        return error_errno(err, errno, "%s", path);
    if (fseek(file, 0, SEEK_END) < 0 || ftell(file) > (long)EVENT_MAX || fseek(file, 0, SEEK_SET) < 0)
        return error_set(err, EFBIG, "%s: not an event of GitHub's: too large", path);
    json_error_t why;
    json_t *event = json_loadf(file, 0, &why);
    if (!event)
        return error_set(err, EINVAL, "%s: line %d: %s", path, why.line, why.text);
    const json_t *repo =
        json_object_get(json_object_get(json_object_get(event, "pull_request"), "head"), "repo");
    const json_t *fork = json_object_get(repo, "fork");
    *ret_known = json_is_boolean(fork);
    *ret_fork = json_is_true(fork);
    json_decref(event);
    return 0;
}
