/* Signals that ask a long command to end: noted, so that it can end in order, and then ended by. */
#ifndef RUNFS_CLI_SIGNALS_H
#define RUNFS_CLI_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/wait.h"

struct signals {
    struct cancel *stop; /* set when SIGINT, SIGTERM or SIGHUP comes */
    atomic_bool done;
    int number; /* of the signal that came; 0: none. Valid after signals_end() */
    pthread_t thread;
    bool watched;
    sigset_t before;
};

/* From now on such a signal sets *STOP, but for those that are ignored. Before other threads start that take signals. */
void signals_begin(struct signals *signals, struct cancel *stop);

/* As before again. */
void signals_end(struct signals *signals);

/* Ends the process by the signal that came, so that its parent knows; returns where none came. */
void signals_die(const struct signals *signals);

#endif
