/* What every S3 request shares: address, signing, refusals and region redirects. */
#ifndef RUNFS_STORE_S3_REQUEST_H
#define RUNFS_STORE_S3_REQUEST_H

#include "aws/aws_credentials.h"
#include "aws/aws_provider.h"
#include "base/lock.h"
#include "http/http.h"
#include "store/s3_address.h"
#include "store/store.h"

struct s3 {
    struct store store;
    struct s3_address address;
    char *prefix; /* "" or ending in '/' */
    struct http_client *client;
    struct aws_provider *provider; /* NULL: unsigned */
    uint64_t timeout_ms;
    struct lock lock;           /* guards region */
    char region[S3_REGION_MAX]; /* as configured, then as the server taught us */
};

/* Embedded as the first member of each kind of S3 request. */
struct s3_request {
    struct http_request http;
    struct s3 *s3;
    struct aws_credentials credentials; /* empty where unsigned */
    char region[S3_REGION_MAX];         /* of the attempt under way */
    char *what;                         /* s3://bucket/key, owned */
};

/* Sets up a request for KEY (below the store's prefix), whose caller has waited since SINCE_MS (0: now); gets
   credentials, for which it waits as long as the request may, where MAY_WAIT; else -EAGAIN. The caller sets http.ops.
   On failure nothing is held. */
int s3_request_init(struct s3_request *request, struct s3 *s3, const char *key, size_t key_len, bool may_wait,
                    uint64_t since_ms, struct error *err);

void s3_request_done(struct s3_request *request);

/* For http_request_ops.prepare: URL (KEY below the bucket, and QUERY or NULL) and signature. */
int s3_request_prepare(struct s3_request *request, CURL *easy, struct curl_slist **headers, const char *key,
                       size_t key_len, const char *query, struct error *err);

/* For http_request_ops.refused. Follows the server to another region; else the verdict with the server's own
   code: -EACCES, -ENOENT, -ESTALE (412, 416) or -EIO. */
enum http_verdict s3_request_refused(struct http_request *request, const struct http_response *response,
                                     struct error *err);

/* store_ops.list, in s3_list.c, and store_ops.fetch, in s3_fetch.c. */
int s3_list(struct store *store, const char *const *subtrees, list_fn fn, void *context,
            const struct wait *wait, struct error *err);
int s3_fetch(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
             enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err);

#endif
