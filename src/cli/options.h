/* The -o options of a SOURCE and a mount: one table, one row each. */
#ifndef RUNFS_CLI_OPTIONS_H
#define RUNFS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "fs/fs.h"
#include "run/run.h"

/* The values of an option that may be repeated. */
struct option_list {
    char **items; /* owned, as each of them */
    size_t count;
    size_t capacity;
};

struct options {
    struct run_config run;
    struct fs_config fs;
    const char *log; /* "syslog", "stderr" or a file; NULL: the command's choice */
    enum log_level log_level;
    struct option_list include; /* the lists that run.artifacts and run.binds point to */
    struct option_list exclude;
    struct option_list targets;
    struct option_list binds;
    struct option_list texts; /* copies of the arguments, which the strings above point into */
};

/* Sets the defaults: those of the interface, the caller's ids, and this program's messages for what a run reports. */
void options_init(struct options *options);

/* Reads one -o argument: OPT[=VALUE],…, a backslash before a comma that belongs to a value. Later ones win.
   -EINVAL naming the option that is unknown or has a bad value, -ENOMEM. */
int options_parse(struct options *options, const char *text, struct error *err);

/* Frees what was parsed; run and fs must not be used any more. */
void options_done(struct options *options);

#define _cleanup_options_ __attribute__((cleanup(options_done)))

#endif
