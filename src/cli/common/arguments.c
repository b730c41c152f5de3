/* Command lines by way of getopt_long(3). */
#include "cli/common/arguments.h"

#include <assert.h>
#include <getopt.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/options.h"

#define OPTION_LIMIT (64U * 1024)
#define FIRST_LONG   256 /* what getopt_long() returns for the long flag of the first row */

/* What getopt_long() takes. */
struct getopt_table {
    char letters[2 * FLAGS_MAX + 2];
    struct option longs[FLAGS_MAX + 1];
};

static void fill_table(struct getopt_table *table, const struct flag *flags)
{
    char *letter = table->letters;
    struct option *option = table->longs;
    *letter++ = ':';
    for (int i = 0; flags[i].letter || flags[i].name; i++) {
        bool has_value = flags[i].kind != FLAG_SET;
        assert(i < FLAGS_MAX);
        if (flags[i].letter) {
            *letter++ = flags[i].letter;
            if (has_value)
                *letter++ = ':';
        }
        if (flags[i].name)
            *option++ = (struct option){flags[i].name, has_value, NULL, FIRST_LONG + i};
    }
}

static int set_option(struct options *options, const char *name, const char *value, struct error *err)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(OPTION_LIMIT);
    strbuf_addf(&text, "%s=", name);
    for (; *value; value++) {
        if (*value == ',' || *value == '\\')
            strbuf_adds(&text, "\\");
        strbuf_add(&text, value, 1);
    }
    return text.failed ? error_errno(err, text.failed, "--%s", name)
                       : options_parse(options, strbuf_text(&text), err);
}

static int set_flag(const struct flag *flag, const char *value, struct error *err)
{
    switch (flag->kind) {
    case FLAG_SET:
        *(bool *)flag->target = true;
        return 0;
    case FLAG_TEXT:
        *(const char **)flag->target = value;
        return 0;
    case FLAG_OPTIONS:
        return options_parse(flag->target, value, err);
    case FLAG_OPTION:
        return set_option(flag->target, flag->name, value, err);
    }
    return 0;
}

static int set_flags(const struct flag *flags, int found, const char *value, struct error *err)
{
    int result = 0;
    for (int i = 0; result == 0 && (flags[i].letter || flags[i].name); i++)
        if (found == flags[i].letter || found == FIRST_LONG + i)
            result = set_flag(&flags[i], value, err);
    return result;
}

int arguments_parse(int argc, char **argv, const struct flag *flags, int min, int max, int *ret_first)
{
    struct getopt_table table = {0};
    struct error err = {0};
    int found;
    fill_table(&table, flags);
    opterr = 0;
    optind = 0;
    while ((found = getopt_long(argc, argv, table.letters, table.longs, NULL)) != -1) {
        if (found == ':')
            return command_misuse(argv[0], "%s: '%s' needs a value", argv[0], argv[optind - 1]);
        if (found == '?')
            return command_misuse(argv[0], "%s: unknown option '%s'", argv[0], argv[optind - 1]);
        if (set_flags(flags, found, optarg, &err) < 0)
            return command_failed(&err);
    }
    if (argc - optind < min)
        return command_misuse(argv[0], "%s: too few operands", argv[0]);
    if (max >= 0 && argc - optind > max)
        return command_misuse(argv[0], "%s: '%s' is one operand too many", argv[0], argv[optind + max]);
    *ret_first = optind;
    return 0;
}
