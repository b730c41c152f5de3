/* The arguments that commands with a SOURCE share. */
#ifndef RUNFS_CLI_COMMON_ARGUMENTS_H
#define RUNFS_CLI_COMMON_ARGUMENTS_H

#include <getopt.h>

#include "cli/options.h"

/* Reads the command line with getopt_long: "-o" goes into OPTIONS, unless they are NULL; other letters of SHORTS and LONGS
   go to ON_FLAG, which returns false for one it does not know. Operands may stand before options. Returns the index
   of the first operand in *RET_FIRST; at least MIN and at most MAX operands are there. 0, or the exit code
   after the message was written. */
int arguments_parse(int argc, char **argv, const char *shorts, const struct option *longs,
                    bool (*on_flag)(void *context, int flag, const char *value), void *context, int min,
                    int max, struct options *options, int *ret_first);

#endif
