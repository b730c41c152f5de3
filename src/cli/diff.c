/* runfs diff: what differs between two runs. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/prefetch.h"
#include "cli/diff.h"

enum { FLAG_JSON = 256, FLAG_OLD, FLAG_NEW };

struct request {
    struct options options[SIDES];
    bool quiet;
    bool json;
    struct error err; /* of an option that was refused */
};

static void request_done(struct request *request)
{
    options_done(&request->options[OLD]);
    options_done(&request->options[NEW]);
}

/* The first refusal counts. */
static void add_options(struct request *request, int side, const char *text)
{
    if (!request->err.code)
        (void)options_parse(&request->options[side], text, &request->err);
}

static bool on_flag(void *context, int flag, const char *value)
{
    struct request *request = context;
    if (flag == 'o' || flag == FLAG_OLD)
        add_options(request, OLD, value);
    if (flag == 'o' || flag == FLAG_NEW)
        add_options(request, NEW, value);
    request->quiet = request->quiet || flag == 'q';
    request->json = request->json || flag == FLAG_JSON;
    return flag != '?';
}

static void close_runs(struct diff *diff)
{
    for (size_t i = 0; i < diff->count; i++)
        free(diff->changes[i].path);
    free(diff->changes);
    run_close(diff->runs[OLD]);
    run_close(diff->runs[NEW]);
}

/* The second may need what the environment has, too. */
static int open_runs(struct diff *diff, struct request *request, char **sources, struct error *err)
{
    int result = 0;
    for (int side = 0; side < SIDES && result == 0; side++) {
        struct run_config *config = &request->options[side].run;
        config->source = sources[side];
        config->note = command_note;
        config->chosen = command_chosen;
        config->view.conflict = command_conflict;
        batch_configure(config);
        config->site.keep_environment = side == OLD;
        result = run_open(config, &diff->runs[side], err);
    }
    return result;
}

static int compare(struct request *request, char **operands, int count)
{
    const struct run_config *config = &request->options[NEW].run;
    struct diff diff = {.wait.timeout_ms = config->timeout_ms,
                        .connections = config->connections,
                        .quiet = request->quiet,
                        .json = request->json};
    struct error err = {0};
    int result = open_runs(&diff, request, operands, &err);
    if (result == 0)
        result = diff_walk(&diff, count > 2 ? operands[2] : "", &err);
    if (result == 0) {
        diff_read(&diff);
        diff_print(&diff);
    } else {
        (void)command_failed(&err);
    }
    close_runs(&diff);
    return result < 0 || diff.failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_diff(int argc, char **argv)
{
    static const struct option longs[] = {{"json", no_argument, NULL, FLAG_JSON},
                                          {"old", required_argument, NULL, FLAG_OLD},
                                          {"new", required_argument, NULL, FLAG_NEW},
                                          {0}};
    __attribute__((cleanup(request_done))) struct request request = {0};
    int first;
    options_init(&request.options[OLD]);
    options_init(&request.options[NEW]);
    int code = arguments_parse(argc, argv, "q", longs, on_flag, &request, 2, 3, NULL, &first);
    if (code)
        return code;
    if (request.err.code)
        return command_failed(&request.err);
    return compare(&request, argv + first, argc - first);
}
