/* runfs which: prints where a file of a mount is stored, from extended attributes (fs/xattr.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "base/mounts.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/mount_query.h"
#include "cli/common/output.h"

#define PREFIX "user.runfs."

/* In the order in which they are printed. */
static const char *const names[] = {"s3_uri", "https_url", "etag", "sha256", "cached", "source", "error"};

#define NAMES (sizeof names / sizeof *names)

static void free_values(char *(*values)[NAMES])
{
    for (size_t i = 0; i < NAMES; i++)
        free((*values)[i]);
}

/* Queries all attributes; absent ones are NULL. */
static int query_all(const char *path, char *ret_values[NAMES], struct error *err)
{
    struct mount mount;
    uint64_t id;
    int result = mount_query_id(path, &id);
    if (result < 0)
        return mount_query_error(path, result, err);
    if (mount_by_id(id, &mount) < 0 || strcmp(mount.type, MOUNT_TYPE_RUNFS) != 0)
        return error_set(err, EINVAL, "%s: not on a runfs mount", path);
    for (size_t i = 0; i < NAMES; i++) {
        char attribute[64];
        (void)snprintf(attribute, sizeof attribute, PREFIX "%s", names[i]);
        result = mount_query(path, attribute, &ret_values[i]);
        if (result < 0 && result != -ENODATA)
            return mount_query_error(path, result, err);
    }
    return 0;
}

static void print_value_line(const char *name, const char *value)
{
    (void)printf("%s\t", name);
    output_name(value);
    (void)putchar('\n');
}

static void print_values(const char *path, char *values[NAMES])
{
    print_value_line("path", path);
    for (size_t i = 0; i < NAMES; i++)
        if (values[i])
            print_value_line(names[i], values[i]);
}

static void add_values_json(json_t *array, const char *path, char *values[NAMES])
{
    json_t *entry = json_object();
    (void)json_object_set_new(entry, "path", json_text(path));
    for (size_t i = 0; i < NAMES; i++)
        if (values[i])
            (void)json_object_set_new(entry, names[i], json_text(values[i]));
    (void)json_array_append_new(array, entry);
}

static int locate_path(const char *path, json_t *array)
{
    __attribute__((cleanup(free_values))) char *values[NAMES] = {0};
    struct error err = {0};
    if (query_all(path, values, &err) < 0)
        return command_failed(&err);
    if (array)
        add_values_json(array, path, values);
    else
        print_values(path, values);
    return EXIT_DONE;
}

int cmd_which(int argc, char **argv)
{
    bool json = false;
    const struct flag flags[] = {{0, "json", FLAG_SET, &json}, {0}};
    int first;
    int code = arguments_parse(argc, argv, flags, 1, -1, &first);
    if (code)
        return code;
    json_t *array = json ? json_array() : NULL;
    for (int i = first; i < argc; i++)
        if (locate_path(argv[i], array) != EXIT_DONE)
            code = EXIT_FAILED;
    if (array)
        (void)output_json(array);
    return code;
}
