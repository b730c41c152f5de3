/* The arguments that commands with a SOURCE share; see arguments.h. */
#include "cli/common/arguments.h"

#include <stdio.h>

#include "cli/cli.h"

int arguments_parse(int argc, char **argv, const char *shorts, const struct option *longs,
                    bool (*on_flag)(void *context, int flag, const char *value), void *context, int min,
                    int max, struct options *options, int *ret_first)
{
    static const struct option none[] = {{0}};
    char letters[32];
    struct error err = {0};
    int flag;
    (void)snprintf(letters, sizeof letters, ":o:%s", shorts);
    opterr = 0;
    optind = 0;
    while ((flag = getopt_long(argc, argv, letters, longs ? longs : none, NULL)) != -1) {
        if (flag == ':')
            return command_misuse(argv[0], "%s: '%s' needs a value", argv[0], argv[optind - 1]);
        if (flag == 'o' && options) {
            if (options_parse(options, optarg, &err) < 0)
                return command_failed(&err);
        } else if (flag == '?' || !on_flag || !on_flag(context, flag, optarg)) {
            return command_misuse(argv[0], "%s: unknown option '%s'", argv[0], argv[optind - 1]);
        }
    }
    if (argc - optind < min)
        return command_misuse(argv[0], "%s: too few operands", argv[0]);
    if (max >= 0 && argc - optind > max)
        return command_misuse(argv[0], "%s: '%s' is one operand too many", argv[0], argv[optind + max]);
    *ret_first = optind;
    return 0;
}
