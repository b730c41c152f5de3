/* Subcommands: one file and one row of the table in main.c each. */
#ifndef RUNFS_CLI_CLI_H
#define RUNFS_CLI_CLI_H

#include <stdio.h>

#include "base/error.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSE = 2 };

struct command {
    const char *name;
    const char *operands;              /* as the synopsis shows them */
    const char *summary;               /* one line, lower case */
    const char *options;               /* help text of the options, lines; may be "" */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
};

int cmd_mount(int argc, char **argv);
int cmd_umount(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_cat(int argc, char **argv);
int cmd_fetch(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_which(int argc, char **argv);
int cmd_resolve(int argc, char **argv);
int cmd_index(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* The command called NAME, or NULL. */
const struct command *command_find(const char *name);

/* Writes what the program is and its commands, a line each. */
void commands_overview(FILE *out);

/* Writes a command's synopsis and options to stdout. */
void command_help(const struct command *command);

/* Writes the message and the usage of COMMAND to stderr; returns EXIT_MISUSE. */
int command_misuse(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes "runfs: MESSAGE" to stderr; returns EXIT_FAILED. */
int command_failed(const struct error *err);

/* For run_config.note: logged. */
void command_note(const char *what, const char *why);

/* For run_config.chosen: written to stderr, whatever the log. */
void command_chosen(const char *what, const char *why);

/* For view_config.conflict: written to stderr. */
void command_conflict(const char *line);

#endif
