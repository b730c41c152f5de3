/* runfs status: what a live mount has done and does. The driver gives it as JSON (fs/status.c). */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/mount_query.h"
#include "cli/mountpoint.h"
#include "cli/status.h"

/* The status as the driver words it. */
static int query_status(const char *mountpoint, char **ret_text, struct error *err)
{
    enum mount_state state;
    pid_t pid;
    int result = mountpoint_state(mountpoint, &state, &pid, err);
    if (result == 0)
        result = mountpoint_refuse(mountpoint, state, err);
    if (result < 0)
        return result;
    result = mount_query(mountpoint, "user.runfs.status", ret_text);
    if (result == -ENODATA)
        return error_set(err, ENODATA, "%s: its process has no status to tell: another version of runfs",
                         mountpoint);
    return result < 0 ? mount_query_error(mountpoint, result, err) : 0;
}

static int print_status(const char *text, bool json, struct error *err)
{
    if (json) {
        (void)puts(text);
        return 0;
    }
    json_t *status = json_loads(text, 0, NULL);
    int result = 0;
    if (json_is_object(status))
        status_print(status, stdout);
    else
        result = error_set(err, EPROTO, "status: not understood; --json shows it as it is");
    json_decref(status);
    return result;
}

int cmd_status(int argc, char **argv)
{
    _cleanup_free_ char *mountpoint = NULL;
    _cleanup_free_ char *text = NULL;
    struct error err = {0};
    bool json = false;
    int code = mountpoint_operand(argc, argv, &json, &mountpoint);
    if (code)
        return code;
    if (query_status(mountpoint, &text, &err) < 0 || print_status(text, json, &err) < 0)
        return command_failed(&err);
    return EXIT_DONE;
}
