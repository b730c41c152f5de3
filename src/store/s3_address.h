/* Where a bucket is: endpoint, region, addressing style; and the URLs of its objects. */
#ifndef RUNFS_STORE_S3_ADDRESS_H
#define RUNFS_STORE_S3_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

#define S3_REGION_MAX 64
#define S3_URL_MAX    (64 * 1024)

struct s3_address {
    char *bucket;
    char *scheme;    /* "http" or "https"; NULL for AWS's own endpoint */
    char *authority; /* host[:port] of a given endpoint */
    char *path;      /* of a given endpoint, "" or "/base" */
    bool path_style;
};

/* Reads the endpoint (NULL for AWS's) and decides the style: path style where asked for, or where the
   bucket's name cannot stand in a host name or the host is an address or a bare "localhost". -EINVAL for a
   bad name or URL. */
int s3_address_init(struct s3_address *address, const char *endpoint, const char *bucket, bool path_style,
                    struct error *err);

void s3_address_done(struct s3_address *address);

/* Appends the URL of KEY (KEY_LEN bytes; 0 for the bucket itself), percent-encoded, without a query. */
void s3_address_url(const struct s3_address *address, const char *region, const char *key, size_t key_len,
                    struct strbuf *out);

/* Whether TEXT has the form of a region name: lower-case letters, digits and hyphens, at most S3_REGION_MAX
 * - 1. */
bool s3_region_valid(const char *text);

#endif
