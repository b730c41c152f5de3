/* The table of subcommands, their help, and how commands complain. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/log.h"
#include "cli/cli.h"

#define SOURCE_OPTIONS "  -o OPT[,OPT...]  options of the source, see runfs-mount(1)\n"

static const struct command commands[] = {
    {"mount", "SOURCE MOUNTPOINT [-o OPT,...] [-f]", "mount a run as a directory tree",
     SOURCE_OPTIONS "  -f               stay in the foreground and log to stderr\n", cmd_mount},
    {"umount", "MOUNTPOINT", "unmount a run and wait for its process to end", "", cmd_umount},
    {"ls", "[-l] [-R] [-q] [--json] SOURCE [PATH...] | --check [-q] SOURCE", "list a run without mounting it",
     SOURCE_OPTIONS "  -l               mode, size, time, content id and logical path\n"
                    "  -R               everything below, too\n"
                    "  -q               no progress bar\n"
                    "  --json           as JSON\n"
                    "  --check          the conflicts and overlaps of its view, in place of files\n",
     cmd_ls},
    {"cat", "[-q] SOURCE PATH...", "write files of a run to standard output",
     SOURCE_OPTIONS "  -q               no progress bar\n", cmd_cat},
    {"fetch",
     "[--include RE] [--exclude RE] [--group G] [--target T] [--flatten] [--dry-run] [-q] SOURCE DIR",
     "copy a run, or a selection of it, to a directory",
     SOURCE_OPTIONS "  --include RE     only files whose name the expression is found in; repeatable\n"
                    "  --exclude RE     no files whose name the expression is found in; repeatable\n"
                    "  --group G        only artifacts of that group, and generic ones\n"
                    "  --target T       only artifacts for that target, and generic ones; repeatable\n"
                    "  --flatten        the install tree that the artifacts make\n"
                    "  --dry-run        say what would be copied\n"
                    "  -q               no progress bar\n",
     cmd_fetch},
    {"diff", "[--old OPT,...] [--new OPT,...] [--json] [-q] SOURCE SOURCE [PATH]",
     "show what differs between two runs",
     "  -o OPT[,OPT...]  options of both sources, see runfs-mount(1)\n"
     "  --old OPT,...    options of the first source only\n"
     "  --new OPT,...    options of the second source only\n"
     "  -q               no progress bar\n"
     "  --json           as JSON\n",
     cmd_diff},
    {"verify", "[-q] SOURCE [PATH...]", "check artifacts against their .sha256sum",
     SOURCE_OPTIONS "  -q               no progress bar\n", cmd_verify},
    {"resolve", "[--json] [--staging-dir DIR] SOURCE OUTPUT [ARG...]",
     "print where an output of a run lies, without looking for it",
     SOURCE_OPTIONS "  --staging-dir DIR  its path below a local staging directory, too\n"
                    "  --json           as JSON\n",
     cmd_resolve},
    {"which", "[--json] PATH...", "print where what lies on a mount is stored",
     "  --json           as JSON\n", cmd_which},
    {"index", "[-o FILE] [-q] ARCHIVE", "write an archive's table of contents, to be stored beside it",
     "  -o FILE          the table, in place of ARCHIVE.runfs-toc; - for standard output\n"
     "  -q               no progress bar\n",
     cmd_index},
    {"status", "[--json] MOUNTPOINT", "show what a mount has done and does", "  --json           as JSON\n",
     cmd_status},
    {"cache", "[status|list|prefetch SOURCE [PATH...]|prune|verify|clear] [--json] [-q]",
     "look after what is kept on disk",
     SOURCE_OPTIONS "  -q               no progress bar\n"
                    "  --json           as JSON\n",
     cmd_cache},
    {"help", "[COMMAND]", "show how the program, or a command, is used", "", cmd_help},
};

#define COMMANDS (sizeof commands / sizeof *commands)

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

void command_help(const struct command *command)
{
    (void)printf("Usage: runfs %s %s\n%c%s.\n", command->name, command->operands,
                 command->summary[0] - 'a' + 'A', command->summary + 1);
    if (command->options[0])
        (void)printf("\n%s", command->options);
    (void)printf("\nSee runfs-%s(1).\n", command->name);
}

static void print_message(const char *text)
{
    char line[ERROR_MESSAGE_MAX * 2];
    escape_control(line, sizeof line, text);
    (void)fprintf(stderr, "runfs: %s\n", line);
}

int command_misuse(const char *command, const char *format, ...)
{
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_message(text);
    const struct command *found = command_find(command);
    if (found)
        (void)fprintf(stderr, "Usage: runfs %s %s\n", found->name, found->operands);
    return EXIT_MISUSE;
}

int command_failed(const struct error *err)
{
    print_message(err->message);
    return EXIT_FAILED;
}

void command_note(const char *what, const char *why)
{
    log_warning("%s: %s", what, why);
}

void command_chosen(const char *what, const char *why)
{
    char text[ERROR_MESSAGE_MAX];
    (void)snprintf(text, sizeof text, "%s: %s", what, why);
    print_message(text);
}

void command_conflict(const char *line)
{
    print_message(line);
}

void commands_overview(FILE *out)
{
    (void)fprintf(out, "Usage: runfs COMMAND [ARGUMENT...]\n\nShows what a CI run left in S3 as files.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].summary);
    (void)fprintf(out, "\nrunfs help COMMAND tells more, runfs(1) all.\n");
}

int cmd_help(int argc, char **argv)
{
    if (argc > 2)
        return command_misuse("help", "help: one command at a time");
    if (argc < 2) {
        commands_overview(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return command_misuse("help", "'%s' is not a command", argv[1]);
    command_help(command);
    return EXIT_DONE;
}
