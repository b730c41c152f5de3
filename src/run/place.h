/* From a source and options to places to look at: run-outputs.md §3 by way of librunfs-layout. */
#ifndef RUNFS_RUN_PLACE_H
#define RUNFS_RUN_PLACE_H

#include "run/lookup.h"
#include "run/run.h"
#include "run/source.h"

/* Where a run may be: roots to try in order, or one local directory. */
struct places {
    struct runfs_root roots[RUNFS_PLACES_MAX];
    size_t count;
    char *directory; /* owned; NULL for S3 */
};

/* Resolves SOURCE and CONFIG; reads the environment, and asks GitHub, by way of LOOKUP, where it is to be asked. LOCAL is whether THEROCK_LOCAL_STAGING_DIR counts. */
int places_resolve(const struct source *source, const struct run_config *config, bool local,
                   struct lookup *lookup, struct places *ret_places, struct error *err);

void places_done(struct places *places);

#endif
