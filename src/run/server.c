/* Which server, as whom; see server.h. */
#include "run/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_chain.h"
#include "aws/aws_config.h"
#include "aws/aws_credentials.h"
#include "aws/aws_environment.h"
#include "store/s3.h"

struct server {
    struct aws_config aws;
    struct aws_provider *provider; /* NULL: unsigned */
    char *region;                  /* owned: what the user said; NULL: nothing */
    char access[AWS_FINGERPRINT];
    bool path_style;
    unsigned connections;
    uint64_t timeout_ms;
};

/* NULL: the store's default. */
static const char *choose_region(const struct server *server, const struct source *source)
{
    if (server->region)
        return server->region;
    if (source->region)
        return source->region;
    if (server->aws.region)
        return server->aws.region;
    bool placed = source->kind == SOURCE_RUN || source->kind == SOURCE_COMMIT || source->kind == SOURCE_RUNS;
    return placed && !server->aws.endpoint ? RUNFS_REGION : NULL;
}

/* The credentials are asked for at once, so that what is on disk is given to whoever could list it only. */
static int set_access(struct server *server, uint64_t timeout_ms, struct error *err)
{
    struct aws_credentials credentials = {0};
    int result = server->provider ? aws_provider_get(server->provider, timeout_ms, &credentials, err) : 0;
    if (result == 0)
        result = aws_credentials_fingerprint(&credentials, server->access, err);
    aws_credentials_done(&credentials);
    return result;
}

static int load_credentials(struct server *server, const struct run_config *config, struct error *err)
{
    int result = 0;
    if (!config->no_sign_request && !config->offline)
        result = aws_chain_open(&server->aws, config->timeout_ms, &server->provider, NULL, err);
    if (!config->keep_environment)
        aws_environment_wipe();
    return result < 0 ? result : set_access(server, config->timeout_ms, err);
}

static int load(struct server *server, const struct run_config *config, struct error *err)
{
    struct aws_config_options options = {config->profile, config->region, config->endpoint};
    int result = aws_config_load(&options, &server->aws, err);
    if (result < 0)
        return result;
    if (config->region && !(server->region = strdup(config->region)))
        return error_errno(err, ENOMEM, "region");
    server->path_style = config->path_style || server->aws.addressing == AWS_ADDRESSING_PATH;
    server->connections = config->connections;
    server->timeout_ms = config->timeout_ms;
    return load_credentials(server, config, err);
}

int server_resolve(const struct run_config *config, struct server **ret_server, struct error *err)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return error_errno(err, ENOMEM, "server");
    int result = load(server, config, err);
    if (result < 0)
        server_free(server);
    else
        *ret_server = server;
    return result;
}

int server_open_store(const struct server *server, const struct source *source, const char *bucket,
                      const char *prefix, struct store **ret_store, struct error *err)
{
    struct s3_config config = {
        .bucket = bucket,
        .prefix = prefix,
        .endpoint = server->aws.endpoint,
        .region = choose_region(server, source),
        .path_style = server->path_style,
        .ca_bundle = server->aws.ca_bundle,
        .connections = server->connections,
        .timeout_ms = server->timeout_ms,
        .provider = server->provider,
    };
    return s3_open(&config, ret_store, err);
}

const char *server_endpoint(const struct server *server)
{
    return server->aws.endpoint ? server->aws.endpoint : SERVER_AWS;
}

const char *server_access(const struct server *server)
{
    return server->access;
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
