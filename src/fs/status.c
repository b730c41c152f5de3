/* What a mount has done and does, as JSON: the value of user.runfs.status. The names of its members are a contract, see
   runfs-status(1). Everything here is read from counters, so it is answered while reads wait. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/json.h"
#include "fs/fs_internal.h"

/* Adds PART, taken over, as a member; without memory it is missing. */
static void add(json_t *object, const char *name, json_t *part)
{
    (void)json_object_set_new(object, name, part);
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void add_mount(json_t *status, const struct fs *fs)
{
    char since[FORMAT_MAX];
    format_time(since, (int64_t)(fs->opened_real_ms / 1000));
    add(status, "source", json_text(run_title(fs->own.run)));
    add(status, "pid", number((uint64_t)getpid()));
    add(status, "mounted_since", json_string(since));
    add(status, "uptime_s", number((clock_us() - fs->opened_us) / 1000000));
}

static void add_bytes(json_t *status, const struct fs *fs, const struct run_stats *stats)
{
    json_t *bytes = json_object();
    add(bytes, "given", number(fs->reads.bytes));
    if (stats->remote) {
        add(bytes, "fetched", number(stats->cache.bytes_fetched));
        add(bytes, "prefetched", number(stats->cache.bytes_ahead));
        add(bytes, "prefetched_used", number(stats->cache.bytes_ahead_used));
    }
    if (stats->has_disk) {
        add(bytes, "from_disk", number(stats->disk.bytes_read));
        add(bytes, "written_to_disk", number(stats->disk.bytes_written));
    }
    add(status, "bytes", bytes);
}

static json_t *percentiles_of(const struct histogram *histogram)
{
    struct percentiles percentiles = histogram_percentiles(histogram);
    json_t *object = json_object();
    add(object, "p50", number(percentiles.p50));
    add(object, "p90", number(percentiles.p90));
    add(object, "p99", number(percentiles.p99));
    return object;
}

/* What became of requests of one kind. */
static json_t *results_of(const uint64_t results[REQUEST_RESULTS])
{
    static const char *const names[REQUEST_RESULTS] = {
        [REQUEST_OK] = "ok",
        [REQUEST_DENIED] = "denied",
        [REQUEST_MISSING] = "missing",
        [REQUEST_CHANGED] = "changed",
        [REQUEST_FAILED] = "failed",
        [REQUEST_CANCELLED] = "cancelled",
        [REQUEST_THROTTLED] = "throttled",
        [REQUEST_SERVER_ERROR] = "server_error",
        [REQUEST_TIMEOUT] = "timeout",
        [REQUEST_CONNECTION] = "connection",
    };
    json_t *object = json_object();
    for (int i = 0; i < REQUEST_RESULTS; i++)
        add(object, names[i], number(results[i]));
    return object;
}

static void add_requests(json_t *status, const struct request_stats *store)
{
    json_t *requests = json_object();
    add(requests, "attempts", number(store->attempts));
    add(requests, "queued", number(store->waiting));
    add(requests, "active", number(store->active));
    add(requests, "connections_allowed", number(store->allowed));
    add(requests, "list", results_of(store->results[REQUEST_LIST]));
    add(requests, "get", results_of(store->results[REQUEST_GET]));
    add(requests, "first_byte_us", percentiles_of(&store->first_byte));
    add(requests, "latency_us", percentiles_of(&store->whole));
    add(status, "requests", requests);
}

static void add_pool(json_t *status, const struct run_stats *stats)
{
    json_t *pool = json_object();
    add(pool, "bytes", number(stats->cache.pool_bytes));
    add(pool, "max", number(stats->cache.pool_max));
    add(status, "pool", pool);
}

static void add_decoding(json_t *status, const struct archives_stats *archives)
{
    json_t *decoding = json_object();
    add(decoding, "passes", number(archives->passes));
    add(decoding, "taken", number(archives->encoded));
    add(decoding, "of", number(archives->encoded_total));
    add(decoding, "decoded", number(archives->decoded));
    add(status, "decoding", decoding);
}

static void add_composing(json_t *status, const struct composing_stats *composing)
{
    json_t *part = json_object();
    add(part, "directories", number(composing->directories));
    add(part, "archives", number(composing->archives));
    add(part, "ready", number(composing->ready));
    add(part, "conflicts", number(composing->conflicts));
    add(part, "overlaps", number(composing->overlaps));
    add(status, "composing", part);
}

static void add_cache(json_t *status, struct fs *fs, const struct run_stats *stats)
{
    const struct disk *disk = run_disk(fs->own.run);
    json_t *cache = json_object();
    add(cache, "directory", json_text(disk_directory(disk)));
    add(cache, "size_max", number(disk_size_max(disk)));
    add(cache, "min_free", number(disk_free_min(disk)));
    add(cache, "bad_blocks", number(stats->disk.blocks_bad));
    add(cache, "evicted", number(stats->disk.blocks_evicted));
    add(cache, "write_failures", number(stats->disk.writes_failed));
    add(status, "cache", cache);
}

static void add_reads(json_t *status, const struct fs *fs)
{
    json_t *reads = json_object();
    add(reads, "count", number(fs->reads.count));
    add(reads, "errors", number(fs->reads.errors));
    add(reads, "latency_us", percentiles_of(&fs->reads.latency));
    add(status, "reads", reads);
}

/* Of all runs: of those that are open, the age being that of the oldest listing. */
static void add_listing(json_t *status, struct fs *fs)
{
    struct runs_totals all = {.listed_at = run_listed_at(fs->own.run)};
    if (fs->runs) {
        runs_count(fs->runs, &all);
    } else {
        tree_lock_read(fs->own.tree);
        all.listing = tree_totals(fs->own.tree);
        tree_unlock(fs->own.tree);
    }
    struct tree_totals totals = all.listing;
    json_t *listing = json_object();
    add(listing, "age_s", number((clock_ms() - all.listed_at) / 1000));
    add(listing, "files", number(totals.files));
    add(listing, "directories", number(totals.directories));
    add(listing, "bytes", number(totals.bytes));
    add(status, "listing", listing);
    if (fs->runs) {
        json_t *runs = json_object();
        add(runs, "named", number(all.named));
        add(runs, "open", number(all.open));
        add(status, "runs", runs);
    }
}

int fs_status(struct fs *fs, struct strbuf *out)
{
    struct run_stats stats;
    json_t *status = json_object();
    run_stats(fs->own.run, &stats);
    add(status, "version", json_string(RUNFS_VERSION));
    add_mount(status, fs);
    add_listing(status, fs);
    add_reads(status, fs);
    add(status, "open_files", number(fs->open_files));
    add_bytes(status, fs, &stats);
    if (stats.has_store)
        add_requests(status, &stats.store);
    if (stats.remote)
        add_pool(status, &stats);
    if (stats.has_archives)
        add_decoding(status, &stats.archives);
    if (stats.has_view)
        add_composing(status, &stats.composing);
    if (stats.has_disk)
        add_cache(status, fs, &stats);
    _cleanup_free_ char *text = json_dumps(status, JSON_COMPACT);
    json_decref(status);
    if (!text)
        return -ENOMEM;
    strbuf_adds(out, text);
    return -out->failed;
}
