/* A progress bar for long work, in one line of a terminal on stderr. */
#ifndef RUNFS_CLI_COMMON_PROGRESS_H
#define RUNFS_CLI_COMMON_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "run/run.h"

struct progress {
    uint64_t total;
    uint64_t began_ms; /* clock_ms */
    bool shown;        /* constant: false where stderr is no terminal, or QUIET */
    _Atomic uint64_t done;
    _Atomic uint64_t drawn_ms; /* when it was drawn last */
    struct lock lock;          /* guards the terminal's line, and: */
    bool drawn;                /* there is something to clear */
};

/* Begins work on TOTAL bytes. Nothing is ever shown where QUIET, or where stderr is no terminal. */
void progress_begin(struct progress *progress, uint64_t total, bool quiet);

/* BYTES more are done. Thread-safe. Draws at most ten times a second. */
void progress_add(struct progress *progress, uint64_t bytes);

/* DONE bytes of TOTAL are done, which may be others than before. By one thread only. Draws. */
void progress_set(struct progress *progress, uint64_t done, uint64_t total);

/* Clears the line for other output, by one thread at a time, and resumes. */
void progress_pause(struct progress *progress);
void progress_resume(struct progress *progress);

/* Writes the message of a failure in place of the bar, which is drawn again later. Thread-safe. */
void progress_failed(struct progress *progress, const struct error *err);

/* Clears the line and frees. */
void progress_end(struct progress *progress);

/* The bar as it is after ELAPSED_MS, in no more than WIDTH columns where that is enough. For progress_add(), and tests. */
void progress_text(char *text, size_t size, unsigned width, uint64_t done, uint64_t total,
                   uint64_t elapsed_ms);

/* The same for archives that are being decoded, while a command waits for them. */
struct archive_progress {
    struct run *run;
    struct progress progress;
    pthread_t thread;
    bool watched; /* there is a thread */
    struct lock lock;
    pthread_cond_t changed;
    bool done; /* guarded by the lock */
};

/* Begins to watch what RUN decodes. Nothing is shown where QUIET, where stderr is no terminal, nor of what takes a moment. */
void archive_progress_begin(struct archive_progress *watch, struct run *run, bool quiet);

/* Ends it, and clears the line. */
void archive_progress_end(struct archive_progress *watch);

#endif
