/* runfs status: what a live mount has done and does. The driver tells it as JSON (fs/status.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/mount_query.h"
#include "cli/mountpoint.h"
#include "cli/status.h"

enum { FLAG_JSON = 256 };

static bool on_flag(void *json, int flag, const char *value)
{
    (void)value;
    *(bool *)json = flag == FLAG_JSON;
    return *(bool *)json;
}

static int silent(const char *mountpoint, struct error *err)
{
    return error_set(err, ETIMEDOUT, "%s: its process does not answer", mountpoint);
}

static int dead(const char *mountpoint, struct error *err)
{
    return error_set(err, ENOTCONN, "%s: a dead mount, its process is gone; runfs umount clears it away",
                     mountpoint);
}

static int check_mount(const char *mountpoint, struct error *err)
{
    enum mount_state state;
    pid_t pid;
    int result = mountpoint_state(mountpoint, &state, &pid, err);
    if (result < 0)
        return result;
    switch (state) {
    case MOUNT_NONE:
        return error_set(err, EINVAL, "%s: not a mountpoint", mountpoint);
    case MOUNT_OTHER:
        return error_set(err, EINVAL, "%s: not a runfs mount", mountpoint);
    case MOUNT_DEAD:
        return dead(mountpoint, err);
    case MOUNT_SILENT:
        return silent(mountpoint, err);
    case MOUNT_OURS:
        break;
    }
    return 0;
}

/* Asks for the status, as the driver words it. */
static int ask(const char *mountpoint, char **ret_text, struct error *err)
{
    int result = check_mount(mountpoint, err);
    if (result < 0)
        return result;
    result = driver_ask(mountpoint, "user.runfs.status", ret_text);
    switch (result) {
    case 0:
        return 0;
    case -ETIMEDOUT:
        return silent(mountpoint, err);
    case -ENOTCONN:
        return dead(mountpoint, err);
    case -ENODATA:
        return error_set(err, ENODATA, "%s: its process has no status to tell: another version of runfs",
                         mountpoint);
    default:
        return error_errno(err, -result, "%s", mountpoint);
    }
}

static int print(const char *text, bool json, struct error *err)
{
    if (json) {
        (void)puts(text);
        return 0;
    }
    json_t *status = json_loads(text, 0, NULL);
    if (!json_is_object(status)) {
        json_decref(status);
        return error_set(err, EPROTO, "status: not understood; --json shows it as it is");
    }
    status_print(status, stdout);
    json_decref(status);
    return 0;
}

int cmd_status(int argc, char **argv)
{
    static const struct option longs[] = {{"json", no_argument, NULL, FLAG_JSON}, {0}};
    _cleanup_options_ struct options options;
    _cleanup_free_ char *mountpoint = NULL;
    _cleanup_free_ char *text = NULL;
    struct error err = {0};
    bool json = false;
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "", longs, on_flag, &json, 1, 1, &options, &first);
    if (code)
        return code;
    if (mountpoint_resolve(argv[first], &mountpoint, &err) < 0 || ask(mountpoint, &text, &err) < 0 ||
        print(text, json, &err) < 0)
        return command_failed(&err);
    return EXIT_DONE;
}
