/* Inside of runfs cache: its actions (cache.c has their table), and what they share. */
#ifndef RUNFS_CLI_CACHE_H
#define RUNFS_CLI_CACHE_H

#include <stdbool.h>

#include "cli/common/command_run.h"
#include "disk/disk.h"

/* What was asked for. */
struct cache_request {
    struct command_run source; /* opened by prefetch only */
    bool json;
    char **operands; /* those of the action */
    int count;
};

/* Each prints its results and returns an exit code, or a negative errno with *ERR, which the caller prints. */
int action_status(struct cache_request *request, struct error *err);
int action_list(struct cache_request *request, struct error *err);
int action_prefetch(struct cache_request *request, struct error *err);
int action_prune(struct cache_request *request, struct error *err);
int action_verify(struct cache_request *request, struct error *err);
int action_clear(struct cache_request *request, struct error *err);

/* Opens the cache of the options. *RET_DISK is NULL where its directory does not exist: an empty cache. */
int action_open_disk(const struct cache_request *request, struct disk **ret_disk, struct error *err);

/* Appends s3://BUCKET/KEY; "?" for an invalid identity. */
void action_item_uri(const struct disk_item *item, struct strbuf *out);

#define _cleanup_disk_ __attribute__((cleanup(action_close_disk)))
void action_close_disk(struct disk **disk);

#endif
