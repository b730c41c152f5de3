/* What a run has done so far, and does now: counters, each with the name that the status of a mount has it by. */
#ifndef RUNFS_RUN_STATS_H
#define RUNFS_RUN_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/request.h"

/* What a run may have or not. */
enum run_part {
    PART_REMOTE, /* a server's objects, by way of the cache in memory */
    PART_STORE,  /* requests to a server: not where offline */
    PART_ARCHIVES,
    PART_VIEW, /* of which directories are composed */
    PART_DISK,
    RUN_PARTS
};

enum run_count {
    COUNT_FETCHED,    /* bytes from the store */
    COUNT_AHEAD,      /* those fetched before they were read, ... */
    COUNT_AHEAD_USED, /* ...and those of them that were read */
    COUNT_DISK_READ,  /* bytes */
    COUNT_DISK_WRITTEN,
    COUNT_ATTEMPTS,                                                            /* of requests */
    COUNT_RESULTS,                                                             /* by kind and result */
    COUNT_DECODED = COUNT_RESULTS + (int)REQUEST_KINDS * (int)REQUEST_RESULTS, /* bytes of archives */
    COUNT_BLOCKS_BAD,
    COUNT_BLOCKS_EVICTED,
    COUNT_WRITES_FAILED,
    COUNT_NOW, /* what follows is so now: */
    COUNT_REQUESTS_WAITING = COUNT_NOW,
    COUNT_REQUESTS_ACTIVE,
    COUNT_REQUESTS_ALLOWED,
    COUNT_POOL_BYTES,
    COUNT_POOL_MAX,
    COUNT_PASSES,        /* first passes under way, or paused, which have taken... */
    COUNT_ENCODED,       /* ...so many bytes... */
    COUNT_ENCODED_TOTAL, /* ...of so many */
    COUNT_COMPOSING,     /* directories that are waited for; they take... */
    COUNT_COMPOSING_ARCHIVES,
    COUNT_COMPOSING_READY, /* ...of which so many have been read */
    COUNT_CONFLICTS,       /* in what has been composed so far */
    COUNT_OVERLAPS,
    RUN_COUNTS
};

struct run_stats {
    bool has[RUN_PARTS];
    uint64_t counts[RUN_COUNTS];
    struct histogram first_byte; /* of requests */
    struct histogram latency;
};

/* Where a counter is in the status: names with dots between them, such as "bytes.fetched". */
struct run_count_info {
    const char *path;
    enum run_part part;
};
extern const struct run_count_info run_counts[RUN_COUNTS];

#endif
