/* An S3 bucket's prefix as a store; see s3.h. */
#include "store/s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/s3_request.h"

#define DEFAULT_REGION "us-east-1"

static void s3_close(struct store *store)
{
    struct s3 *s3 = (struct s3 *)store;
    http_client_close(s3->client);
    s3_address_done(&s3->address);
    lock_done(&s3->lock);
    free(s3->prefix);
    free(s3);
}

static void s3_stats(struct store *store, struct request_stats *ret_stats)
{
    http_client_stats(((struct s3 *)store)->client, ret_stats);
}

static void s3_wake(struct store *store)
{
    http_wake(((struct s3 *)store)->client);
}

static const struct store_ops s3_ops = {
    .list = s3_list, .fetch = s3_fetch, .wake = s3_wake, .stats = s3_stats, .close = s3_close};

static int set_up(struct s3 *s3, const struct s3_config *config, struct error *err)
{
    const char *region = config->region ? config->region : DEFAULT_REGION;
    if (!s3_region_valid(region))
        return error_set(err, EINVAL, "region '%s': not a region name", region);
    (void)snprintf(s3->region, sizeof s3->region, "%s", region);
    s3->timeout_ms = config->timeout_ms;
    s3->prefix = strdup(config->prefix);
    if (!s3->prefix)
        return error_errno(err, ENOMEM, "s3://%s", config->bucket);
    int result = s3_address_init(&s3->address, config->endpoint, config->bucket, config->path_style, err);
    return result < 0 ? result : http_client_open(config->engine, &s3->client, err);
}

int s3_open(const struct s3_config *config, struct store **ret_store, struct error *err)
{
    struct s3 *s3 = calloc(1, sizeof *s3);
    if (!s3)
        return error_errno(err, ENOMEM, "s3://%s", config->bucket);
    s3->store.ops = &s3_ops;
    s3->provider = config->provider;
    lock_init(&s3->lock, LOCK_LEAF);
    int result = set_up(s3, config, err);
    if (result < 0) {
        s3_close(&s3->store);
        return result;
    }
    *ret_store = &s3->store;
    return 0;
}
