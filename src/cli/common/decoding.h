/* A progress bar for archives that are being decoded, while a command waits for them. */
#ifndef RUNFS_CLI_COMMON_DECODING_H
#define RUNFS_CLI_COMMON_DECODING_H

#include "cli/common/progress.h"
#include "run/run.h"

struct decoding {
    struct run *run;
    struct progress progress;
    pthread_t thread;
    bool watched; /* there is a thread */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done; /* guarded by the lock */
};

/* Begins to watch what RUN decodes. Nothing is shown where QUIET, where stderr is no terminal, nor of what takes a moment. */
void decoding_begin(struct decoding *decoding, struct run *run, bool quiet);

/* Ends it, and clears the line. */
void decoding_end(struct decoding *decoding);

#endif
