/* runfs diff: what differs between two runs. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/files.h"
#include "cli/diff.h"

static void diff_done(struct diff *diff)
{
    for (size_t i = 0; i < diff->count; i++)
        free(diff->changes[i].path);
    free(diff->changes);
    command_run_done(&diff->sides[OLD]);
    command_run_done(&diff->sides[NEW]);
}

/* The second may need what the environment has, too. */
static int open_sides(struct diff *diff, char **sources, struct error *err)
{
    int result = 0;
    for (int side = 0; side < SIDES && result == 0; side++) {
        struct run_config *config = &diff->sides[side].options.run;
        files_configure(config);
        config->site.keep_environment = side == OLD;
        result = command_run_open(&diff->sides[side], sources[side], err);
    }
    return result;
}

int cmd_diff(int argc, char **argv)
{
    __attribute__((cleanup(diff_done))) struct diff diff = {0};
    const struct flag flags[] = {{'o', "old", FLAG_OPTIONS, &diff.sides[OLD].options},
                                 {'o', "new", FLAG_OPTIONS, &diff.sides[NEW].options},
                                 {'q', NULL, FLAG_SET, &diff.quiet},
                                 {0, "json", FLAG_SET, &diff.json},
                                 {0}};
    struct error err = {0};
    int first;
    command_run_init(&diff.sides[OLD]);
    command_run_init(&diff.sides[NEW]);
    int code = arguments_parse(argc, argv, flags, 2, 3, &first);
    if (code)
        return code;
    if (open_sides(&diff, argv + first, &err) < 0 ||
        diff_walk(&diff, argc - first > 2 ? argv[first + 2] : "", &err) < 0 || diff_read(&diff, &err) < 0)
        return command_failed(&err);
    diff_print(&diff);
    return diff.failed ? EXIT_FAILED : EXIT_DONE;
}
