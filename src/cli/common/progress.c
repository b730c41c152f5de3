#include "cli/common/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/format.h"
#include "base/thread.h"
#include "cli/cli.h"

#define DRAW_EVERY_MS 100
#define BAR_MAX       40
#define LINE_MAX_COLS 160
#define CLEAR_LINE    "\r\033[K"

/* Rounded, and no more than a text has room for. */
static uint64_t round_double(double value)
{
    return value < 1e18 ? (uint64_t)(value + 0.5) : (uint64_t)1e18;
}

/* Bytes, rate and what is left as they stand beside the bar. */
static void describe_rate(char *text, size_t size, uint64_t done, uint64_t total, uint64_t elapsed_ms)
{
    char have[FORMAT_MAX];
    char all[FORMAT_MAX];
    char rate[FORMAT_MAX];
    char left[FORMAT_MAX];
    double seconds = (double)elapsed_ms / 1000;
    double speed = seconds > 0 ? (double)done / seconds : 0;
    format_bytes(have, done);
    format_bytes(all, total);
    format_bytes(rate, round_double(speed));
    format_seconds(left, speed > 0 ? round_double((double)(total - done) / speed) : 0);
    (void)snprintf(text, size, " %s of %s, %s/s%s%s", have, all, rate, speed > 0 ? ", ETA " : "",
                   speed > 0 ? left : "");
}

void progress_text(char *text, size_t size, unsigned width, uint64_t done, uint64_t total,
                   uint64_t elapsed_ms)
{
    char beside[LINE_MAX_COLS];
    char bar[BAR_MAX + 1];
    if (done > total)
        done = total;
    double share = total ? (double)done / (double)total : 1;
    describe_rate(beside, sizeof beside, done, total, elapsed_ms);
    size_t taken = strlen("100 % []") + strlen(beside);
    size_t cells = width > taken ? width - taken : 0;
    if (cells > BAR_MAX)
        cells = BAR_MAX;
    for (size_t i = 0; i < cells; i++)
        bar[i] = (double)i < share * (double)cells ? '#' : ' ';
    bar[cells] = '\0';
    (void)snprintf(text, size, "%3u %% [%s]%s", (unsigned)(share * 100), bar, beside);
}

static unsigned terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* The last column stays free, or some terminals go on in the next line. */
static void draw_bar(struct progress *progress)
{
    char text[LINE_MAX_COLS];
    progress_text(text, sizeof text, terminal_width() - 1, progress->done, progress->total,
                  clock_ms() - progress->began_ms);
    (void)fprintf(stderr, "%s%s", CLEAR_LINE, text);
    (void)fflush(stderr);
}

void progress_begin(struct progress *progress, uint64_t total, bool quiet)
{
    *progress = (struct progress){
        .total = total, .began_ms = clock_ms(), .shown = !quiet && total && isatty(STDERR_FILENO)};
    lock_init(&progress->lock, LOCK_LEAF);
}

void progress_add(struct progress *progress, uint64_t bytes)
{
    atomic_fetch_add(&progress->done, bytes);
    uint64_t now = clock_ms();
    uint64_t drawn = atomic_load(&progress->drawn_ms);
    if (!progress->shown || now < drawn + DRAW_EVERY_MS ||
        !atomic_compare_exchange_strong(&progress->drawn_ms, &drawn, now))
        return;
    lock_take(&progress->lock);
    progress->drawn = true;
    draw_bar(progress);
    lock_drop(&progress->lock);
}

void progress_set(struct progress *progress, uint64_t done, uint64_t total)
{
    if (!progress->shown)
        return;
    lock_take(&progress->lock);
    progress->total = total;
    atomic_store(&progress->done, done);
    progress->drawn = true;
    draw_bar(progress);
    lock_drop(&progress->lock);
}

void progress_pause(struct progress *progress)
{
    lock_take(&progress->lock);
    if (progress->drawn)
        (void)fputs(CLEAR_LINE, stderr);
}

void progress_resume(struct progress *progress)
{
    lock_drop(&progress->lock);
}

void progress_failed(struct progress *progress, const struct error *err)
{
    progress_pause(progress);
    (void)command_failed(err);
    progress_resume(progress);
}

void progress_end(struct progress *progress)
{
    progress_pause(progress);
    progress_resume(progress);
    lock_done(&progress->lock);
}

#define ARCHIVE_AFTER_MS 300
#define ARCHIVE_EVERY_MS 100

static void archive_progress_draw(struct archive_progress *watch)
{
    struct run_stats stats;
    run_stats(watch->run, &stats);
    if (stats.counts[COUNT_PASSES])
        progress_set(&watch->progress, stats.counts[COUNT_ENCODED], stats.counts[COUNT_ENCODED_TOTAL]);
}

/* Waits for MS; false where the command has ended. */
static bool archive_progress_wait(struct archive_progress *watch, uint64_t ms)
{
    uint64_t until_ms = clock_ms() + ms;
    lock_take(&watch->lock);
    while (!watch->done && lock_wait_until(&watch->lock, &watch->changed, until_ms))
        continue;
    bool done = watch->done;
    lock_drop(&watch->lock);
    return !done;
}

static void *archive_progress_thread(void *context)
{
    uint64_t pause_ms = ARCHIVE_AFTER_MS;
    while (archive_progress_wait(context, pause_ms)) {
        archive_progress_draw(context);
        pause_ms = ARCHIVE_EVERY_MS;
    }
    return NULL;
}

void archive_progress_begin(struct archive_progress *watch, struct run *run, bool quiet)
{
    *watch = (struct archive_progress){.run = run};
    progress_begin(&watch->progress, 1, quiet);
    lock_init(&watch->lock, LOCK_LEAF);
    (void)pthread_cond_init(&watch->changed, NULL);
    watch->watched =
        watch->progress.shown && thread_create(&watch->thread, 0, archive_progress_thread, watch) == 0;
}

void archive_progress_end(struct archive_progress *watch)
{
    if (watch->watched) {
        lock_take(&watch->lock);
        watch->done = true;
        (void)pthread_cond_broadcast(&watch->changed);
        lock_drop(&watch->lock);
        thread_join(watch->thread);
    }
    (void)pthread_cond_destroy(&watch->changed);
    lock_done(&watch->lock);
    progress_end(&watch->progress);
}
