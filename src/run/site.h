/* Where a run is: from its source and options to places to look at (run-outputs.md §3 by way of librunfs-layout), and to the
   server there, with its credentials: AWS's environment and files, the options, and the store that follows from them. */
#ifndef RUNFS_RUN_SITE_H
#define RUNFS_RUN_SITE_H

#include "github/lookup.h"
#include "run/run.h"
#include "run/site_source.h"
#include "store/store.h"

/* Stands for AWS where the names of what is cached have an endpoint: buckets have one name in all regions. */
#define SERVER_AWS "https://s3.amazonaws.com"

struct server;

/* Resolves endpoint and credentials, for any number of sources; what the environment says of those is wiped from it.
   *RET_SERVER is NULL on failure. */
int server_resolve(const struct run_config *config, struct server **ret_server, struct error *err);

/* Opens the store of a place on the server, over the one HTTP engine that its stores share; PREFIX is "" or ends in '/'. The region is what was said, else what SOURCE says,
   else AWS's setting; for a run of the layout's own buckets on AWS the layout's. */
int server_open_store(const struct server *server, const struct source *source, const char *bucket,
                      const char *prefix, struct store **ret_store, struct error *err);

/* The server, for the names of what is cached: its endpoint, or SERVER_AWS. */
const char *server_endpoint(const struct server *server);

/* An opaque hash of the credentials, for the names of what is cached. */
const char *server_access(const struct server *server);

/* Its stores must be closed before; NULL is allowed. */
void server_free(struct server *server);

/* Where a run may be: roots to try in order, or one local directory. */
struct places {
    struct runfs_root roots[RUNFS_PLACES_MAX];
    size_t count;
    char *directory; /* owned; NULL for S3 */
};

/* What the environment says of runs, with the event of a pull request where this is a job for one (the fork rule's third
   source), whose file is read. An event that cannot be read is an error. */
int site_read_environment(struct runfs_environment *ret_environment, struct error *err);

/* By what a source is resolved. */
struct placing {
    const struct run_config *config;
    const struct runfs_environment *environment; /* NULL: it is read where a run needs it */
    struct lookup *lookup;                       /* where GitHub may have to be asked */
    const struct wait *wait;
    bool local; /* THEROCK_LOCAL_STAGING_DIR counts */
};

/* lookup_open() as CONFIG says. */
int site_open_lookup(const struct run_config *config, struct lookup **ret_lookup, struct error *err);

/* Resolves SOURCE; reads the environment, and asks GitHub where it is to be asked. All runs are in no place: -EINVAL. */
int places_resolve(const struct source *source, const struct placing *placing, struct places *ret_places,
                   struct error *err);

/* Calls config->chosen, else config->note. */
void run_note_chosen(const struct run_config *config, const char *what, const char *why);

void places_done(struct places *places);

#endif
