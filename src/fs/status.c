/* What a mount has done and does, as JSON: for `runfs status` and readers of the attribute. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/json.h"
#include "fs/fs_internal.h"

#define NAME_BYTES 32

/* Adds PART, taken over, at PATH: names with dots between them. Without memory it is missing. */
static void status_add(json_t *object, const char *path, json_t *part)
{
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        if (!json_object_get(object, name))
            (void)json_object_set_new(object, name, json_object());
        object = json_object_get(object, name);
    }
    (void)json_object_set_new(object, path, part);
}

static void status_number(json_t *status, const char *path, uint64_t value)
{
    status_add(status, path, json_integer((json_int_t)value));
}

static void status_percentiles(json_t *status, const char *path, const struct histogram *histogram)
{
    struct percentiles percentiles = histogram_percentiles(histogram);
    json_t *object = json_object();
    status_number(object, "p50", percentiles.p50);
    status_number(object, "p90", percentiles.p90);
    status_number(object, "p99", percentiles.p99);
    status_add(status, path, object);
}

static void add_mount(json_t *status, const struct fs *fs)
{
    char since[FORMAT_MAX];
    format_time(since, (int64_t)(fs->opened_real_ms / 1000));
    status_add(status, "version", json_string(RUNFS_VERSION));
    status_add(status, "source", json_text(run_title(fs->own.run)));
    status_number(status, "pid", (uint64_t)getpid());
    status_add(status, "mounted_since", json_string(since));
    status_number(status, "uptime_s", (clock_us() - fs->opened_us) / 1000000);
}

/* Of all runs: of those that are open, the age being that of the oldest listing. */
static void add_listing(json_t *status, struct fs *fs)
{
    struct runs_totals all = {.listed_at = run_listed_at(fs->own.run)};
    if (fs->runs) {
        runs_count(fs->runs, &all);
        status_number(status, "runs.named", all.named);
        status_number(status, "runs.open", all.open);
    } else {
        tree_lock_read(fs->own.tree);
        all.listing = tree_totals(fs->own.tree);
        tree_unlock(fs->own.tree);
    }
    status_number(status, "listing.age_s", (clock_ms() - all.listed_at) / 1000);
    status_number(status, "listing.files", all.listing.files);
    status_number(status, "listing.directories", all.listing.directories);
    status_number(status, "listing.bytes", all.listing.bytes);
}

static void add_reads(json_t *status, const struct fs *fs)
{
    status_number(status, "reads.count", fs->reads.count);
    status_number(status, "reads.errors", fs->reads.errors);
    status_percentiles(status, "reads.latency_us", &fs->reads.latency);
    status_number(status, "open_files", fs->open_files);
    status_number(status, "bytes.given", fs->reads.bytes);
}

static void add_run(json_t *status, struct run *run)
{
    struct run_stats stats;
    run_stats(run, &stats);
    if (stats.has[PART_DISK]) {
        const struct disk *disk = run_disk(run);
        status_add(status, "cache.directory", json_text(disk_directory(disk)));
        status_number(status, "cache.size_max", disk_size_max(disk));
        status_number(status, "cache.min_free", disk_free_min(disk));
    }
    for (int i = 0; i < RUN_COUNTS; i++)
        if (stats.has[run_counts[i].part])
            status_number(status, run_counts[i].path, stats.counts[i]);
    if (stats.has[PART_STORE]) {
        status_percentiles(status, "requests.first_byte_us", &stats.first_byte);
        status_percentiles(status, "requests.latency_us", &stats.latency);
    }
}

int fs_status(struct fs *fs, struct strbuf *out)
{
    json_t *status = json_object();
    add_mount(status, fs);
    add_listing(status, fs);
    add_reads(status, fs);
    add_run(status, fs->own.run);
    _cleanup_free_ char *text = json_dumps(status, JSON_COMPACT);
    json_decref(status);
    if (!text)
        return -ENOMEM;
    strbuf_adds(out, text);
    return -out->failed;
}
