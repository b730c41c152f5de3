/* Which server, as whom: AWS's environment and files, the options, and the store that follows from them. */
#ifndef RUNFS_RUN_SERVER_H
#define RUNFS_RUN_SERVER_H

#include "run/run.h"
#include "run/site_source.h"
#include "store/store.h"

/* Stands for AWS where the names of what is cached have an endpoint: buckets have one name in all regions. */
#define SERVER_AWS "https://s3.amazonaws.com"

struct server;

/* Resolves endpoint and credentials, for any number of sources; what the environment says of those is wiped from it.
   *RET_SERVER is NULL on failure. */
int server_resolve(const struct run_config *config, struct server **ret_server, struct error *err);

/* Opens the store of a place on the server; PREFIX is "" or ends in '/'. The region is what was said, else what SOURCE says,
   else AWS's setting; for a run of the layout's own buckets on AWS the layout's. */
int server_open_store(const struct server *server, const struct source *source, const char *bucket,
                      const char *prefix, struct store **ret_store, struct error *err);

/* The server, for the names of what is cached: its endpoint, or SERVER_AWS. */
const char *server_endpoint(const struct server *server);

/* Who asks: a text that is another for other credentials, and tells nothing of them. */
const char *server_access(const struct server *server);

/* NULL is allowed. Stores opened stay. */
void server_free(struct server *server);

#endif
