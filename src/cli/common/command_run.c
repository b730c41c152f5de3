#include "cli/common/command_run.h"

#include "cli/common/progress.h"

#define PROBLEM_LIMIT (64U * 1024)

void command_run_init(struct command_run *command)
{
    *command = (struct command_run){0};
    options_init(&command->options);
    command->wait.timeout_ms = command->options.run.timeout_ms;
}

int command_run_open(struct command_run *command, const char *source, struct error *err)
{
    command->options.run.source = source;
    command->wait.timeout_ms = command->options.run.timeout_ms;
    return run_open(&command->options.run, &command->run, err);
}

int command_run_find(struct command_run *command,
                     int (*find)(struct run *run, const char *path, const struct wait *wait,
                                 struct node **ret_node, struct error *err),
                     const char *path, struct node **ret_node, struct error *err)
{
    struct archive_progress progress;
    archive_progress_begin(&progress, command->run, command->quiet);
    int result = find(command->run, path, &command->wait, ret_node, err);
    archive_progress_end(&progress);
    return result;
}

int command_run_populate(struct command_run *command, struct node *node, bool *ret_damaged, struct error *err)
{
    int result = run_populate(command->run, node, NULL, &command->wait, err);
    *ret_damaged = command_run_damaged(command, node);
    return result;
}

bool command_run_damaged(struct command_run *command, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf problem = STRBUF_INIT(PROBLEM_LIMIT);
    tree_lock_read(run_tree(command->run));
    bool damaged = run_problem(command->run, node, &problem) == 0;
    tree_unlock(run_tree(command->run));
    return damaged;
}

int command_run_read(struct command_run *command, const struct node *node, uint64_t offset,
                     int (*take)(void *context, const void *bytes, size_t len, struct error *err),
                     void *context, struct error *err)
{
    struct reader *reader;
    int result = run_open_node(command->run, node, &reader, err);
    if (result < 0)
        return result;
    result = reader_pass(reader, offset, &command->wait, take, context, err);
    reader_close(reader);
    return result;
}

void command_run_done(struct command_run *command)
{
    run_close(command->run);
    options_done(&command->options);
}
