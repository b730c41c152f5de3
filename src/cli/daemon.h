/* Going into the background: the parent waits until the child is ready or has failed. */
#ifndef RUNFS_CLI_DAEMON_H
#define RUNFS_CLI_DAEMON_H

#include <stdbool.h>

#include "base/error.h"

/* What the child talks through; fd is -1 in the foreground. */
struct readiness {
    int fd;
};

/* Forks, before any thread runs. In the parent: waits for the child's word, passes on its notes to stderr and
   returns false with the exit code in *RET_CODE. In the child: a session of its own, returns true. */
bool daemon_fork(struct readiness *ret_readiness, int *ret_code);

/* Ready (ERR NULL) or failed. The child's standard streams are let go of when it is ready. False where nobody
   waits any more: then nothing must stay mounted. True and without effect in the foreground. */
bool readiness_done(struct readiness *readiness, const struct error *err);

#endif
