/* runfs cat: writes files of a run to standard output. */
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/command_run.h"

static int write_piece(void *context, const void *bytes, size_t len, struct error *err)
{
    (void)context;
    if (fwrite(bytes, 1, len, stdout) != len || fflush(stdout) == EOF)
        return error_errno(err, errno, "standard output");
    return 0;
}

static int cat_path(struct command_run *cat, const char *path, struct error *err)
{
    struct node *node;
    int result = command_run_find(cat, run_follow, path, &node, err);
    if (result < 0)
        return result;
    if (node->type == NODE_DIRECTORY)
        return error_errno(err, EISDIR, "%s", path);
    return command_run_read(cat, node, 0, write_piece, NULL, err);
}

int cmd_cat(int argc, char **argv)
{
    _cleanup_command_run_ struct command_run cat;
    const struct flag flags[] = {
        {'o', NULL, FLAG_OPTIONS, &cat.options}, {'q', NULL, FLAG_SET, &cat.quiet}, {0}};
    struct error err = {0};
    int first;
    command_run_init(&cat);
    int code = arguments_parse(argc, argv, flags, 2, -1, &first);
    if (code)
        return code;
    if (command_run_open(&cat, argv[first], &err) < 0)
        return command_failed(&err);
    for (int i = first + 1; i < argc; i++)
        if (cat_path(&cat, argv[i], &err) < 0)
            code = command_failed(&err);
    return code;
}
