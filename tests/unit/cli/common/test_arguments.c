/* Command lines: options and operands in any order, misuse. What is said on stderr is kept out of the way. */
#include "cli/common/arguments.h"

#include "cli/cli.h"
#include "testing.h"

static struct options options;
static char flags[16];

static void set_up(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(null, STDERR_FILENO);
    (void)close(null);
    options_init(&options);
}

static void tear_down(void)
{
    options_done(&options);
}

TestSuite(arguments, .init = set_up, .fini = tear_down);

static bool on_flag(void *context, int flag, const char *value)
{
    cr_assert_eq(context, flags);
    size_t used = strlen(flags);
    (void)snprintf(flags + used, sizeof flags - used, "%c%s", flag, value ? value : "");
    return flag != 'r';
}

/* Parses "ls" with 1 to 3 operands, flags l, r and v=VALUE; the operands, joined by blanks, or the exit code. */
static const char *parse(const char *const *arguments)
{
    static const struct option longs[] = {
        {"long", no_argument, NULL, 'l'}, {"value", required_argument, NULL, 'v'}, {0}};
    static char joined[256];
    char copies[16][64] = {"ls"};
    char *argv[17] = {copies[0]};
    int argc = 1;
    int first;
    for (; arguments[argc - 1]; argc++) {
        (void)snprintf(copies[argc], sizeof copies[argc], "%s", arguments[argc - 1]);
        argv[argc] = copies[argc];
    }
    flags[0] = joined[0] = '\0';
    int code = arguments_parse(argc, argv, "lrv:", longs, on_flag, flags, 1, 3, &options, &first);
    if (code)
        (void)snprintf(joined, sizeof joined, "%d", code);
    for (int i = first; !code && i < argc; i++)
        (void)snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i == first ? "" : " ",
                       argv[i]);
    return joined;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

Test(arguments, operands_may_stand_anywhere)
{
    cr_assert_str_eq(PARSE("a"), "a");
    cr_assert_str_eq(PARSE("a", "-l", "b", "-o", "fork", "c"), "a b c");
    cr_assert_str_eq(flags, "l");
    cr_assert(options.run.site.fork);
    cr_assert_str_eq(PARSE("--", "-l", "-o"), "-l -o");
    cr_assert_str_eq(flags, "");
    cr_assert_str_eq(PARSE("-"), "-");
}

Test(arguments, options_may_be_given_often_and_joined)
{
    cr_assert_str_eq(PARSE("-otimeout=5", "a", "-o", "timeout=6,repo=x/y"), "a");
    cr_assert_eq(options.run.timeout_ms, 6000);
    cr_assert_str_eq(options.run.site.repository, "x/y");
    cr_assert_str_eq(PARSE("-lv5", "--value=6", "--long", "a"), "a");
    cr_assert_str_eq(flags, "lv5v6l");
}

Test(arguments, misuse_is_exit_code_2)
{
    cr_assert_str_eq(parse((const char *const[]){NULL}), "2", "too few operands");
    cr_assert_str_eq(PARSE("a", "b", "c", "d"), "2", "too many operands");
    cr_assert_str_eq(PARSE("a", "-x"), "2", "an unknown letter");
    cr_assert_str_eq(PARSE("a", "-r"), "2", "a letter that the command refuses");
    cr_assert_str_eq(PARSE("a", "--unheard-of"), "2");
    cr_assert_str_eq(PARSE("a", "--long=5"), "2");
    cr_assert_str_eq(PARSE("a", "-o"), "2", "no value");
    cr_assert_str_eq(PARSE("a", "--value"), "2", "no value");
}

Test(arguments, a_bad_option_is_exit_code_1)
{
    cr_assert_str_eq(PARSE("a", "-o", "unheard-of"), "1");
    cr_assert_str_eq(PARSE("a", "-o", "timeout=0"), "1");
}

Test(arguments, o_is_the_commands_own_where_there_are_no_options)
{
    char *argv[] = {(char[]){"ls"}, (char[]){"-o"}, (char[]){"file"}, (char[]){"a"}, NULL};
    int first;
    flags[0] = '\0';
    cr_assert_eq(arguments_parse(4, argv, "", NULL, on_flag, flags, 1, 1, NULL, &first), 0);
    cr_assert_str_eq(flags, "ofile");
    cr_assert_eq(first, 3);
}

Test(arguments, each_command_is_found_by_its_name)
{
    static const char *const names[] = {"mount", "umount", "ls",    "cat", "resolve",
                                        "index", "status", "cache", "help"};
    for (size_t i = 0; i < COUNT(names); i++)
        cr_assert_str_eq(command_find(names[i])->name, names[i]);
    cr_assert_null(command_find("Mount"));
    cr_assert_null(command_find(""));
}
