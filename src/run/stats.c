/* What a run and its origins have done, summed up; see run.h. */
#include "run/runs_internal.h"

static void add_cache(struct cache_stats *sum, const struct cache_stats *one)
{
    sum->bytes_given += one->bytes_given;
    sum->bytes_fetched += one->bytes_fetched;
    sum->bytes_ahead += one->bytes_ahead;
    sum->bytes_ahead_used += one->bytes_ahead_used;
    sum->pool_bytes += one->pool_bytes;
    sum->pool_max += one->pool_max;
}

static void add_archives(struct archives_stats *sum, const struct archives_stats *one)
{
    sum->passes += one->passes;
    sum->encoded += one->encoded;
    sum->encoded_total += one->encoded_total;
    sum->decoded += one->decoded;
    add_cache(&sum->cache, &one->cache);
}

static void add_histogram(struct histogram *sum, const struct histogram *one)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->counts[i] += one->counts[i];
}

static void add_store(struct request_stats *sum, const struct request_stats *one)
{
    for (int kind = 0; kind < REQUEST_KINDS; kind++)
        for (int i = 0; i < REQUEST_RESULTS; i++)
            sum->results[kind][i] += one->results[kind][i];
    sum->attempts += one->attempts;
    sum->bytes += one->bytes;
    sum->waiting += one->waiting;
    sum->active += one->active;
    if (one->allowed > sum->allowed) /* of the engine that they share */
        sum->allowed = one->allowed;
    add_histogram(&sum->first_byte, &one->first_byte);
    add_histogram(&sum->whole, &one->whole);
}

static void add_origin(const struct run *from, struct run_stats *stats)
{
    struct cache_stats cache;
    struct archives_stats archives;
    struct request_stats store;
    if (from->cache) {
        cache_stats(from->cache, &cache);
        add_cache(&stats->cache, &cache);
        stats->remote = true;
    }
    if (from->archives) {
        archives_stats(from->archives, &archives);
        add_archives(&stats->archives, &archives);
        stats->has_archives = true;
    }
    if (from->store && from->store->ops->stats) {
        from->store->ops->stats(from->store, &store);
        add_store(&stats->store, &store);
        stats->has_store = true;
    }
}

static void add_stage(struct composing_stats *stats, const struct stage *stage)
{
    stats->conflicts += stage ? stage_conflicts(stage)->total : 0;
    stats->overlaps += stage ? stage_overlaps(stage)->total : 0;
}

static void add_composing(struct run *run, struct composing_stats *stats)
{
    const struct composite *composite;
    lock_take(&run->composition.lock);
    add_stage(stats, run->composition.stage);
    LIST_FOREACH(composite, &run->composition.composites, link)
    {
        stats->conflicts += composite->conflicts;
        stats->overlaps += composite->overlaps;
        if (!composite->growers)
            continue;
        stats->directories++;
        stats->archives += composite->parts.archives;
        stats->ready += composite->ready;
    }
    lock_drop(&run->composition.lock);
}

void run_stats_add(struct run_stats *sum, const struct run_stats *one)
{
    sum->remote = sum->remote || one->remote;
    sum->has_archives = sum->has_archives || one->has_archives;
    sum->has_store = sum->has_store || one->has_store;
    sum->has_view = sum->has_view || one->has_view;
    add_cache(&sum->cache, &one->cache);
    add_archives(&sum->archives, &one->archives);
    add_store(&sum->store, &one->store);
    sum->composing.directories += one->composing.directories;
    sum->composing.archives += one->composing.archives;
    sum->composing.ready += one->composing.ready;
    sum->composing.conflicts += one->composing.conflicts;
    sum->composing.overlaps += one->composing.overlaps;
}

void run_stats_add_past(struct run_stats *sum, const struct run_stats *one)
{
    struct run_stats past = *one;
    past.cache.pool_bytes = past.cache.pool_max = 0;
    past.archives.cache.pool_bytes = past.archives.cache.pool_max = 0;
    past.archives.passes = 0;
    past.archives.encoded = past.archives.encoded_total = 0;
    past.composing = (struct composing_stats){0};
    past.store.waiting = 0;
    past.store.active = past.store.allowed = 0;
    run_stats_add(sum, &past);
}

void run_stats(struct run *run, struct run_stats *ret_stats)
{
    *ret_stats = (struct run_stats){.has_disk = run->disk};
    for (uint16_t i = 0; i < origins_count(run->origins); i++) {
        const struct run *from = origins_at(run->origins, i).run;
        if (from)
            add_origin(from, ret_stats);
    }
    ret_stats->has_view = run->composition.view;
    if (run->composition.view)
        add_composing(run, &ret_stats->composing);
    if (run->runs)
        runs_add_stats(run->runs, ret_stats);
    if (run->disk)
        disk_stats(run->disk, &ret_stats->disk); /* which guests share */
}
