/* From a source and options to places to look at: run-outputs.md §3 by way of librunfs-layout. */
#ifndef RUNFS_RUN_SITE_H
#define RUNFS_RUN_SITE_H

#include "github/lookup.h"
#include "run/run.h"
#include "run/site_source.h"

/* Where a run may be: roots to try in order, or one local directory. */
struct places {
    struct runfs_root roots[RUNFS_PLACES_MAX];
    size_t count;
    char *directory; /* owned; NULL for S3 */
};

/* By what a source is resolved. */
struct placing {
    const struct run_config *config;
    struct lookup *lookup; /* where GitHub may have to be asked */
    const struct wait *wait;
    bool local; /* THEROCK_LOCAL_STAGING_DIR counts */
};

/* Resolves SOURCE; reads the environment, and asks GitHub where it is to be asked. All runs are in no place: -EINVAL. */
int places_resolve(const struct source *source, const struct placing *placing, struct places *ret_places,
                   struct error *err);

void places_done(struct places *places);

#endif
