/* The run that a command works on, with the options that name it, and how long the command waits for it. */
#ifndef RUNFS_CLI_COMMON_COMMAND_RUN_H
#define RUNFS_CLI_COMMON_COMMAND_RUN_H

#include "cli/options.h"

struct command_run {
    struct options options;
    struct run *run; /* NULL until it is open */
    struct wait wait;
    bool quiet; /* without progress bars */
};

/* Sets the defaults. */
void command_run_init(struct command_run *command);

/* Opens SOURCE as the options say. 0 or -errno. */
int command_run_open(struct command_run *command, const char *source, struct error *err);

/* Finds PATH by run_find() or run_follow(), with a progress bar for archives that have to be decoded for it. The node stays, for
   nothing renews the tree. 0 or -errno. */
int command_run_find(struct command_run *command,
                     int (*find)(struct run *run, const char *path, const struct wait *wait,
                                 struct node **ret_node, struct error *err),
                     const char *path, struct node **ret_node, struct error *err);

/* Puts the members of the directory NODE into the tree, see run_populate(). *RET_DAMAGED says whether some could not be read; a note
   has named them. 0 or -errno. */
int command_run_populate(struct command_run *command, struct node *node, bool *ret_damaged,
                         struct error *err);

/* Whether something is known to be wrong with what NODE is, or is in. */
bool command_run_damaged(struct command_run *command, const struct node *node);

/* Opens NODE, a file, and gives all bytes from OFFSET on to TAKE, as reader_pass() does. 0 or -errno. */
int command_run_read(struct command_run *command, const struct node *node, uint64_t offset,
                     int (*take)(void *context, const void *bytes, size_t len, struct error *err),
                     void *context, struct error *err);

/* Closes the run and frees the options. */
void command_run_done(struct command_run *command);

#define _cleanup_command_run_ __attribute__((cleanup(command_run_done)))

#endif
