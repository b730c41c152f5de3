/* runfs cat: writes files of a run to standard output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/arguments.h"
#include "cli/cli.h"

#define CHUNK (1024U * 1024)

static int copy(struct reader *reader, const struct wait *wait, struct error *err)
{
    _cleanup_free_ char *chunk = malloc(CHUNK);
    if (!chunk)
        return error_errno(err, ENOMEM, "cat");
    for (uint64_t offset = 0; offset < reader->size;) {
        size_t n;
        int result = reader_pread(reader, chunk, CHUNK, offset, wait, &n, err);
        if (result < 0)
            return result;
        if (fwrite(chunk, 1, n, stdout) != n || fflush(stdout) == EOF)
            return error_errno(err, errno, "standard output");
        offset += n;
    }
    return 0;
}

static int cat_path(struct run *run, const char *path, const struct wait *wait, struct error *err)
{
    struct node *node; /* nothing renews this tree: it stays */
    int result = run_find(run, path, wait, &node, err);
    if (result < 0)
        return result;
    if (node->type == NODE_DIRECTORY)
        return error_errno(err, EISDIR, "%s", path);
    if (node->type == NODE_LINK)
        return error_set(err, ELOOP, "%s: a symbolic link", path);
    struct reader *reader;
    result = run_open_node(run, node, &reader, err);
    if (result < 0)
        return result;
    result = copy(reader, wait, err);
    reader_close(reader);
    return result;
}

int cmd_cat(int argc, char **argv)
{
    _cleanup_options_ struct options options;
    struct error err = {0};
    struct run *run;
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "", NULL, NULL, NULL, 2, -1, &options, &first);
    if (code)
        return code;
    options.run.source = argv[first];
    options.run.note = command_note;
    options.run.chosen = command_chosen;
    if (run_open(&options.run, &run, &err) < 0)
        return command_failed(&err);
    struct wait wait = {.timeout_ms = options.run.timeout_ms};
    for (int i = first + 1; i < argc; i++)
        if (cat_path(run, argv[i], &wait, &err) < 0)
            code = command_failed(&err);
    run_close(run);
    return code;
}
