/* runfs which: prints where what lies on a mount is stored. The driver tells it by extended attributes (fs/xattr.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mounts.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/mount_query.h"

#define PREFIX     "user.runfs."
#define LINE_LIMIT (64U * 1024)

enum { FLAG_JSON = 256 };

/* In the order in which they are printed. */
static const char *const names[] = {"s3_uri", "https_url", "etag", "sha256", "cached", "source", "error"};

#define NAMES (sizeof names / sizeof *names)

static void free_values(char *(*values)[NAMES])
{
    for (size_t i = 0; i < NAMES; i++)
        free((*values)[i]);
}

static int no_answer(const char *path, int result, struct error *err)
{
    if (result == -ETIMEDOUT)
        return error_set(err, ETIMEDOUT, "%s: the mount's process does not answer", path);
    if (result == -ENOTCONN)
        return error_set(err, ENOTCONN, "%s: a dead mount, its process is gone; runfs umount clears it away",
                         path);
    return error_errno(err, -result, "%s", path);
}

/* Asks for all attributes; those that there are not are NULL. */
static int ask(const char *path, char *ret_values[NAMES], struct error *err)
{
    struct mount mount;
    uint64_t id;
    int result = driver_mount_id(path, &id);
    if (result < 0)
        return no_answer(path, result, err);
    if (mount_by_id(id, &mount) < 0 || strcmp(mount.type, MOUNT_TYPE_RUNFS) != 0)
        return error_set(err, EINVAL, "%s: not on a runfs mount", path);
    for (size_t i = 0; i < NAMES; i++) {
        char attribute[64];
        (void)snprintf(attribute, sizeof attribute, PREFIX "%s", names[i]);
        result = driver_ask(path, attribute, &ret_values[i]);
        if (result < 0 && result != -ENODATA)
            return no_answer(path, result, err);
    }
    return 0;
}

static void print_line(const char *name, const char *value, bool terminal)
{
    char safe[LINE_LIMIT];
    if (terminal) {
        escape_control(safe, sizeof safe, value);
        value = safe;
    }
    (void)printf("%s\t%s\n", name, value);
}

static void print(const char *path, char *values[NAMES])
{
    bool terminal = isatty(STDOUT_FILENO);
    print_line("path", path, terminal);
    for (size_t i = 0; i < NAMES; i++)
        if (values[i])
            print_line(names[i], values[i], terminal);
}

static void add_json(json_t *array, const char *path, char *values[NAMES])
{
    json_t *entry = json_object();
    (void)json_object_set_new(entry, "path", json_text(path));
    for (size_t i = 0; i < NAMES; i++)
        if (values[i])
            (void)json_object_set_new(entry, names[i], json_text(values[i]));
    (void)json_array_append_new(array, entry);
}

static int show(const char *path, json_t *array)
{
    __attribute__((cleanup(free_values))) char *values[NAMES] = {0};
    struct error err = {0};
    if (ask(path, values, &err) < 0)
        return command_failed(&err);
    if (array)
        add_json(array, path, values);
    else
        print(path, values);
    return EXIT_DONE;
}

static bool on_flag(void *json, int flag, const char *value)
{
    (void)value;
    *(bool *)json = flag == FLAG_JSON;
    return *(bool *)json;
}

int cmd_which(int argc, char **argv)
{
    static const struct option longs[] = {{"json", no_argument, NULL, FLAG_JSON}, {0}};
    bool json = false;
    int first;
    int code = arguments_parse(argc, argv, "", longs, on_flag, &json, 1, -1, NULL, &first);
    if (code)
        return code;
    json_t *array = json ? json_array() : NULL;
    for (int i = first; i < argc; i++)
        if (show(argv[i], array) != EXIT_DONE)
            code = EXIT_FAILED;
    if (array) {
        (void)json_dumpf(array, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(array);
    }
    return code;
}
