/* Command lines: options and operands in any order, misuse. What is said on stderr is kept out of the way. */
#include "cli/common/arguments.h"

#include "cli/cli.h"
#include "cli/options.h"
#include "testing.h"

static struct options options;
static bool is_long;
static const char *value;

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

/* Parses "ls" with 1 to 3 operands, flags -l, --long, -v VALUE, --value=VALUE and --target=VALUE; the operands, joined by blanks, or the exit code. */
static const char *parse(const char *const *arguments)
{
    static const struct flag flags[] = {{'o', NULL, FLAG_OPTIONS, &options},
                                        {'l', "long", FLAG_SET, &is_long},
                                        {'v', "value", FLAG_TEXT, &value},
                                        {0, "target", FLAG_OPTION, &options},
                                        {0}};
    static char joined[256];
    char copies[16][64] = {"ls"};
    char *argv[17] = {copies[0]};
    int argc = 1;
    int first;
    for (; arguments[argc - 1]; argc++) {
        (void)snprintf(copies[argc], sizeof copies[argc], "%s", arguments[argc - 1]);
        argv[argc] = copies[argc];
    }
    joined[0] = '\0';
    is_long = false;
    value = NULL;
    int code = arguments_parse(argc, argv, flags, 1, 3, &first);
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
    cr_assert(is_long);
    cr_assert(options.run.site.fork);
    cr_assert_str_eq(PARSE("--", "-l", "-o"), "-l -o");
    cr_assert_not(is_long);
    cr_assert_str_eq(PARSE("-"), "-");
}

Test(arguments, options_may_be_given_often_and_joined)
{
    cr_assert_str_eq(PARSE("-otimeout=5", "a", "-o", "timeout=6,repo=x/y"), "a");
    cr_assert_eq(options.run.timeout_ms, 6000);
    cr_assert_str_eq(options.run.site.repository, "x/y");
    cr_assert_str_eq(PARSE("-lv5", "a"), "a");
    cr_assert(is_long);
    cr_assert_str_eq(value, "5");
    cr_assert_str_eq(PARSE("-v", "5", "--value=6", "--long", "a"), "a");
    cr_assert(is_long);
    cr_assert_str_eq(value, "6");
}

Test(arguments, misuse_is_exit_code_2)
{
    cr_assert_str_eq(parse((const char *const[]){NULL}), "2", "too few operands");
    cr_assert_str_eq(PARSE("a", "b", "c", "d"), "2", "too many operands");
    cr_assert_str_eq(PARSE("a", "-x"), "2", "an unknown letter");
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

Test(arguments, a_flag_may_be_an_option_of_its_name)
{
    cr_assert_str_eq(PARSE("a", "--target", "x"), "a");
    cr_assert_eq(options.targets.count, 1);
    cr_assert_str_eq(options.targets.items[0], "x");
    cr_assert_str_eq(PARSE("a", "--target", ""), "1");
}

Test(arguments, of_rows_with_one_letter_all_apply)
{
    _cleanup_options_ struct options more;
    const struct flag flags[] = {
        {'o', "old", FLAG_OPTIONS, &options}, {'o', "new", FLAG_OPTIONS, &more}, {0}};
    char *argv[] = {(char[]){"diff"}, (char[]){"-o"}, (char[]){"timeout=5"}, (char[]){"--new=timeout=6"},
                    NULL};
    int first;
    options_init(&more);
    cr_assert_eq(arguments_parse(4, argv, flags, 0, 0, &first), 0);
    cr_assert_eq(options.run.timeout_ms, 5000);
    cr_assert_eq(more.run.timeout_ms, 6000);
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
