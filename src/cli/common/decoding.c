/* A progress bar for archives that are being decoded; see decoding.h. */
#include "cli/common/decoding.h"

#include "base/clock.h"
#include "base/thread.h"

#define MOMENT_MS 300
#define EVERY_MS  100

static void draw(struct decoding *decoding)
{
    struct run_stats stats;
    run_stats(decoding->run, &stats);
    if (stats.archives.passes)
        progress_set(&decoding->progress, stats.archives.encoded, stats.archives.encoded_total);
}

/* Waits for so long; false where there is no more to watch. */
static bool watch(struct decoding *decoding, uint64_t ms)
{
    struct timespec until = clock_timespec(clock_ms() + ms);
    int code = 0;
    (void)pthread_mutex_lock(&decoding->lock);
    while (!decoding->done && !code)
        code = pthread_cond_clockwait(&decoding->changed, &decoding->lock, CLOCK_MONOTONIC, &until);
    bool done = decoding->done;
    (void)pthread_mutex_unlock(&decoding->lock);
    return !done;
}

static void *run_watch(void *context)
{
    uint64_t pause_ms = MOMENT_MS;
    while (watch(context, pause_ms)) {
        draw(context);
        pause_ms = EVERY_MS;
    }
    return NULL;
}

void decoding_begin(struct decoding *decoding, struct run *run, bool quiet)
{
    *decoding = (struct decoding){.run = run};
    progress_begin(&decoding->progress, 1, quiet);
    (void)pthread_mutex_init(&decoding->lock, NULL);
    (void)pthread_cond_init(&decoding->changed, NULL);
    decoding->watched =
        decoding->progress.shown && thread_create(&decoding->thread, 0, run_watch, decoding) == 0;
}

void decoding_end(struct decoding *decoding)
{
    if (decoding->watched) {
        (void)pthread_mutex_lock(&decoding->lock);
        decoding->done = true;
        (void)pthread_cond_broadcast(&decoding->changed);
        (void)pthread_mutex_unlock(&decoding->lock);
        (void)pthread_join(decoding->thread, NULL);
    }
    (void)pthread_cond_destroy(&decoding->changed);
    (void)pthread_mutex_destroy(&decoding->lock);
    progress_end(&decoding->progress);
}
