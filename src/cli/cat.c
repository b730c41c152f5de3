/* runfs cat: writes files of a run to standard output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/progress.h"

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

struct request {
    struct run *run;
    struct wait wait;
    bool quiet;
};

/* Looks for a file, which may take decoding an archive. */
static int find(struct request *request, const char *path, struct node **ret_node, struct error *err)
{
    struct decoding decoding;
    decoding_begin(&decoding, request->run, request->quiet);
    int result = run_follow(request->run, path, &request->wait, ret_node, err);
    decoding_end(&decoding);
    return result;
}

static int cat_path(struct request *request, const char *path, struct error *err)
{
    struct node *node; /* nothing renews this tree: it stays */
    struct reader *reader;
    int result = find(request, path, &node, err);
    if (result < 0)
        return result;
    if (node->type == NODE_DIRECTORY)
        return error_errno(err, EISDIR, "%s", path);
    result = run_open_node(request->run, node, &reader, err);
    if (result < 0)
        return result;
    result = copy(reader, &request->wait, err);
    reader_close(reader);
    return result;
}

static bool on_flag(void *context, int flag, const char *value)
{
    struct request *request = context;
    (void)value;
    request->quiet = flag == 'q';
    return request->quiet;
}

int cmd_cat(int argc, char **argv)
{
    _cleanup_options_ struct options options;
    struct request request = {0};
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "q", NULL, on_flag, &request, 2, -1, &options, &first);
    if (code)
        return code;
    options.run.source = argv[first];
    options.run.note = command_note;
    options.run.chosen = command_chosen;
    options.run.view.conflict = command_conflict;
    if (run_open(&options.run, &request.run, &err) < 0)
        return command_failed(&err);
    request.wait.timeout_ms = options.run.timeout_ms;
    for (int i = first + 1; i < argc; i++)
        if (cat_path(&request, argv[i], &err) < 0)
            code = command_failed(&err);
    run_close(request.run);
    return code;
}
