/* Which server, as whom; see server.h. */
#include "run/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/aws_chain.h"
#include "store/aws_config.h"
#include "store/aws_environment.h"
#include "store/s3.h"

struct server {
    struct aws_config aws;
    struct aws_provider *provider; /* NULL: unsigned */
    char *region;                  /* owned; NULL: the store's default */
    bool path_style;
    unsigned connections;
    uint64_t timeout_ms;
};

/* What the user said; then what the address says; then AWS's settings; for a run of the layout's own buckets
   on AWS the layout's region. */
static const char *choose_region(const struct server *server, const struct run_config *config,
                                 const struct source *source)
{
    if (config->region)
        return config->region;
    if (source->region)
        return source->region;
    if (server->aws.region)
        return server->aws.region;
    return source->kind == SOURCE_RUN && !server->aws.endpoint ? RUNFS_REGION : NULL;
}

static int load_credentials(struct server *server, const struct run_config *config, struct error *err)
{
    int result = 0;
    if (!config->no_sign_request)
        result = aws_chain_open(&server->aws, config->timeout_ms, &server->provider, NULL, err);
    aws_environment_wipe();
    return result;
}

static int load(struct server *server, const struct run_config *config, const struct source *source,
                struct error *err)
{
    struct aws_config_options options = {config->profile, config->region, config->endpoint};
    int result = aws_config_load(&options, &server->aws, err);
    if (result < 0)
        return result;
    const char *region = choose_region(server, config, source);
    if (region && !(server->region = strdup(region)))
        return error_errno(err, ENOMEM, "region");
    server->path_style = config->path_style || server->aws.addressing == AWS_ADDRESSING_PATH;
    server->connections = config->connections;
    server->timeout_ms = config->timeout_ms;
    return load_credentials(server, config, err);
}

int server_resolve(const struct run_config *config, const struct source *source, struct server **ret_server,
                   struct error *err)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return error_errno(err, ENOMEM, "server");
    int result = load(server, config, source, err);
    if (result < 0)
        server_free(server);
    else
        *ret_server = server;
    return result;
}

int server_open_store(const struct server *server, const struct runfs_root *root, struct store **ret_store,
                      struct error *err)
{
    _cleanup_strbuf_ struct strbuf prefix = STRBUF_INIT(RUNFS_KEY_MAX + 1);
    strbuf_adds(&prefix, root->prefix);
    if (root->prefix[0])
        strbuf_adds(&prefix, "/");
    if (prefix.failed)
        return error_errno(err, prefix.failed, "s3://%s/%s", root->bucket, root->prefix);
    struct s3_config config = {
        .bucket = root->bucket,
        .prefix = strbuf_text(&prefix),
        .endpoint = server->aws.endpoint,
        .region = server->region,
        .path_style = server->path_style,
        .ca_bundle = server->aws.ca_bundle,
        .connections = server->connections,
        .timeout_ms = server->timeout_ms,
        .provider = server->provider,
    };
    return s3_open(&config, ret_store, err);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    aws_provider_free(server->provider);
    aws_config_done(&server->aws);
    free(server->region);
    free(server);
}
