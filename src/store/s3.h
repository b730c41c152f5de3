/* An S3 bucket's prefix as a store: ListObjectsV2 and ranged GETs, anonymous or signed (AWS Signature Version
 * 4). */
#ifndef RUNFS_STORE_S3_H
#define RUNFS_STORE_S3_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

struct aws_provider;
struct http_engine;

struct s3_config {
    const char *bucket;
    const char *prefix;            /* "" or a prefix ending in '/' */
    const char *endpoint;          /* such as "http://127.0.0.1:7480"; NULL for AWS's own of the region */
    const char *region;            /* NULL: us-east-1, until the server names another */
    bool path_style;               /* the bucket in the path, not in the host name */
    struct http_engine *engine;    /* borrowed, must outlive the store */
    uint64_t timeout_ms;           /* the most time a request may go without progress */
    struct aws_provider *provider; /* borrowed, must outlive the store; NULL for unsigned requests */
};

/* Opens the store; no request is made yet. Strings are copied. -EINVAL: a bad bucket name,
   endpoint or region. */
int s3_open(const struct s3_config *config, struct store **ret_store, struct error *err);

#endif
