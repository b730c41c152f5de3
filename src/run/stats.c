/* What a run and its origins have done, summed up; see stats.h. */
#include "run/stats.h"

#include "run/runs_internal.h"

#define RESULT(kind, result) [COUNT_RESULTS + (int)(kind) * (int)REQUEST_RESULTS + (int)(result)]
#define RESULTS(kind, path)                                                                                  \
    RESULT(kind, REQUEST_OK) = {path ".ok", PART_STORE},                                                     \
                 RESULT(kind, REQUEST_DENIED) = {path ".denied", PART_STORE},                                \
                 RESULT(kind, REQUEST_MISSING) = {path ".missing", PART_STORE},                              \
                 RESULT(kind, REQUEST_CHANGED) = {path ".changed", PART_STORE},                              \
                 RESULT(kind, REQUEST_FAILED) = {path ".failed", PART_STORE},                                \
                 RESULT(kind, REQUEST_CANCELLED) = {path ".cancelled", PART_STORE},                          \
                 RESULT(kind, REQUEST_THROTTLED) = {path ".throttled", PART_STORE},                          \
                 RESULT(kind, REQUEST_SERVER_ERROR) = {path ".server_error", PART_STORE},                    \
                 RESULT(kind, REQUEST_TIMEOUT) = {path ".timeout", PART_STORE},                              \
                 RESULT(kind, REQUEST_CONNECTION) = {path ".connection", PART_STORE}

const struct run_count_info run_counts[RUN_COUNTS] = {
    [COUNT_FETCHED] = {"bytes.fetched", PART_REMOTE},
    [COUNT_AHEAD] = {"bytes.prefetched", PART_REMOTE},
    [COUNT_AHEAD_USED] = {"bytes.prefetched_used", PART_REMOTE},
    [COUNT_DISK_READ] = {"bytes.from_disk", PART_DISK},
    [COUNT_DISK_WRITTEN] = {"bytes.written_to_disk", PART_DISK},
    [COUNT_ATTEMPTS] = {"requests.attempts", PART_STORE},
    RESULTS(REQUEST_LIST, "requests.list"),
    RESULTS(REQUEST_GET, "requests.get"),
    [COUNT_DECODED] = {"decoding.decoded", PART_ARCHIVES},
    [COUNT_BLOCKS_BAD] = {"cache.bad_blocks", PART_DISK},
    [COUNT_BLOCKS_EVICTED] = {"cache.evicted", PART_DISK},
    [COUNT_WRITES_FAILED] = {"cache.write_failures", PART_DISK},
    [COUNT_REQUESTS_WAITING] = {"requests.queued", PART_STORE},
    [COUNT_REQUESTS_ACTIVE] = {"requests.active", PART_STORE},
    [COUNT_REQUESTS_ALLOWED] = {"requests.connections_allowed", PART_STORE},
    [COUNT_POOL_BYTES] = {"pool.bytes", PART_REMOTE},
    [COUNT_POOL_MAX] = {"pool.max", PART_REMOTE},
    [COUNT_PASSES] = {"decoding.passes", PART_ARCHIVES},
    [COUNT_ENCODED] = {"decoding.taken", PART_ARCHIVES},
    [COUNT_ENCODED_TOTAL] = {"decoding.of", PART_ARCHIVES},
    [COUNT_COMPOSING] = {"composing.directories", PART_VIEW},
    [COUNT_COMPOSING_ARCHIVES] = {"composing.archives", PART_VIEW},
    [COUNT_COMPOSING_READY] = {"composing.ready", PART_VIEW},
    [COUNT_CONFLICTS] = {"composing.conflicts", PART_VIEW},
    [COUNT_OVERLAPS] = {"composing.overlaps", PART_VIEW},
};

static void add_histogram(struct histogram *sum, const struct histogram *one)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->counts[i] += one->counts[i];
}

static void add_cache(struct cache *cache, struct run_stats *stats)
{
    struct cache_stats one;
    cache_stats(cache, &one);
    stats->has[PART_REMOTE] = true;
    stats->counts[COUNT_FETCHED] += one.bytes_fetched;
    stats->counts[COUNT_AHEAD] += one.bytes_ahead;
    stats->counts[COUNT_AHEAD_USED] += one.bytes_ahead_used;
    stats->counts[COUNT_POOL_BYTES] += one.pool_bytes;
    stats->counts[COUNT_POOL_MAX] += one.pool_max;
}

static void add_archives(struct archives *archives, struct run_stats *stats)
{
    struct archives_stats one;
    archives_stats(archives, &one);
    stats->has[PART_ARCHIVES] = true;
    stats->counts[COUNT_PASSES] += one.passes;
    stats->counts[COUNT_ENCODED] += one.encoded;
    stats->counts[COUNT_ENCODED_TOTAL] += one.encoded_total;
    stats->counts[COUNT_DECODED] += one.decoded;
}

static void add_store(struct store *store, struct run_stats *stats)
{
    struct request_stats one;
    store->ops->stats(store, &one);
    stats->has[PART_STORE] = true;
    for (int i = 0; i < (int)REQUEST_KINDS * (int)REQUEST_RESULTS; i++)
        stats->counts[COUNT_RESULTS + i] += one.results[i / REQUEST_RESULTS][i % REQUEST_RESULTS];
    stats->counts[COUNT_ATTEMPTS] += one.attempts;
    stats->counts[COUNT_REQUESTS_WAITING] += one.waiting;
    stats->counts[COUNT_REQUESTS_ACTIVE] += one.active;
    if (one.allowed > stats->counts[COUNT_REQUESTS_ALLOWED]) /* of the engine that they share */
        stats->counts[COUNT_REQUESTS_ALLOWED] = one.allowed;
    add_histogram(&stats->first_byte, &one.first_byte);
    add_histogram(&stats->latency, &one.whole);
}

static void add_composing(struct run *run, struct run_stats *stats)
{
    const struct composite *composite;
    lock_take(&run->composition.lock);
    const struct stage *stage = run->composition.stage;
    stats->has[PART_VIEW] = true;
    stats->counts[COUNT_CONFLICTS] += stage ? stage_conflicts(stage)->total : 0;
    stats->counts[COUNT_OVERLAPS] += stage ? stage_overlaps(stage)->total : 0;
    LIST_FOREACH(composite, &run->composition.composites, link)
    {
        stats->counts[COUNT_CONFLICTS] += composite->conflicts;
        stats->counts[COUNT_OVERLAPS] += composite->overlaps;
        if (!composite->growers)
            continue;
        stats->counts[COUNT_COMPOSING]++;
        stats->counts[COUNT_COMPOSING_ARCHIVES] += composite->parts.archives;
        stats->counts[COUNT_COMPOSING_READY] += composite->ready;
    }
    lock_drop(&run->composition.lock);
}

void run_stats_add(struct run *run, struct run_stats *stats)
{
    for (uint16_t i = 0; i < origins_count(run->origins); i++) {
        const struct run *from = origins_at(run->origins, i).run;
        if (from && from->cache)
            add_cache(from->cache, stats);
        if (from && from->archives)
            add_archives(from->archives, stats);
        if (from && from->store && from->store->ops->stats)
            add_store(from->store, stats);
    }
    if (run->composition.view)
        add_composing(run, stats);
    if (run->runs)
        runs_add_stats(run->runs, stats);
}

void run_stats_add_past(const struct run_stats *past, struct run_stats *stats)
{
    for (int part = 0; part < RUN_PARTS; part++)
        stats->has[part] |= past->has[part];
    for (int i = 0; i < COUNT_NOW; i++)
        stats->counts[i] += past->counts[i];
    add_histogram(&stats->first_byte, &past->first_byte);
    add_histogram(&stats->latency, &past->latency);
}

void run_stats(struct run *run, struct run_stats *ret_stats)
{
    struct disk_stats disk;
    *ret_stats = (struct run_stats){.has[PART_DISK] = run->disk};
    run_stats_add(run, ret_stats);
    if (!run->disk)
        return;
    disk_stats(run->disk, &disk); /* which guests share */
    ret_stats->counts[COUNT_DISK_READ] = disk.bytes_read;
    ret_stats->counts[COUNT_DISK_WRITTEN] = disk.bytes_written;
    ret_stats->counts[COUNT_BLOCKS_BAD] = disk.blocks_bad;
    ret_stats->counts[COUNT_BLOCKS_EVICTED] = disk.blocks_evicted;
    ret_stats->counts[COUNT_WRITES_FAILED] = disk.writes_failed;
}
