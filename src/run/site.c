/* The server and the places of a run; see site.h. */
#include "run/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_chain.h"
#include "aws/aws_config.h"
#include "aws/aws_credentials.h"
#include "base/format.h"
#include "github/github_event.h"
#include "github/lookup.h"
#include "http/http.h"
#include "layout/error.h"
#include "store/s3.h"

struct server {
    struct aws_config aws;
    struct aws_provider *provider; /* NULL: unsigned */
    char *region;                  /* owned: what the user said; NULL: nothing */
    struct http_engine *engine;    /* of all stores; NULL where offline */
    char access[AWS_FINGERPRINT];
    bool path_style;
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

/* The credentials are asked for at once, so that what is on disk is given only to those who can list it. */
static int load_credentials(struct server *server, const struct run_config *config, struct error *err)
{
    struct aws_credentials credentials = {0};
    int result = 0;
    if (!config->site.no_sign_request && !config->offline)
        result = aws_chain_open(&server->aws, config->timeout_ms, &server->provider, err);
    if (!config->site.keep_environment)
        aws_environment_wipe();
    if (result == 0 && server->provider)
        result = aws_provider_get(server->provider, config->timeout_ms, &credentials, err);
    if (result == 0)
        result = aws_credentials_fingerprint(&credentials, server->access, err);
    aws_credentials_done(&credentials);
    return result;
}

static int server_load(struct server *server, const struct run_config *config, struct error *err)
{
    struct aws_config_options options = {config->site.profile, config->site.region, config->site.endpoint};
    int result = aws_config_load(&options, &server->aws, err);
    if (result < 0)
        return result;
    if (config->site.region && !(server->region = strdup(config->site.region)))
        return error_errno(err, ENOMEM, "region");
    server->path_style = config->site.path_style || server->aws.addressing == AWS_ADDRESSING_PATH;
    server->timeout_ms = config->timeout_ms;
    result = load_credentials(server, config, err);
    const struct http_config http = {.connections = config->connections, .ca_bundle = server->aws.ca_bundle};
    return result < 0 || config->offline ? result : http_engine_open(&http, &server->engine, err);
}

int server_resolve(const struct run_config *config, struct server **ret_server, struct error *err)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return error_errno(err, ENOMEM, "server");
    int result = server_load(server, config, err);
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
        .engine = server->engine,
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
    http_engine_close(server->engine);
    aws_provider_free(server->provider);
    aws_config_done(&server->aws);
    free(server->region);
    free(server);
}

#define UNKNOWN_ID "1" /* stands for the run of a commit until that is known */

int site_read_environment(struct runfs_environment *ret_environment, struct error *err)
{
    bool known;
    bool fork;
    struct runfs_environment environment;
    runfs_environment_read(&environment);
    if (environment.event_path && environment.event_name &&
        strcmp(environment.event_name, "pull_request") == 0) {
        int result = github_event_fork(environment.event_path, &known, &fork, err);
        if (result < 0)
            return result;
        if (known)
            environment.event_fork = fork ? RUNFS_FORK_YES : RUNFS_FORK_NO;
    }
    *ret_environment = environment;
    return 0;
}

static int build_request(const struct source *source, const struct placing *placing,
                         const struct runfs_run *run, struct runfs_request *ret_request, struct error *err)
{
    struct runfs_error failure;
    struct runfs_environment read;
    const struct runfs_environment *environment = placing->environment;
    const struct site_config *site = &placing->config->site;
    struct runfs_request request = {
        .run_id = run->id,
        .platform = run->platform == RUNFS_PLATFORM_UNSAID ? site->platform : run->platform,
        .repository = source->repository ? source->repository : site->repository,
        .release_type = site->release_type,
        .fork = site->fork ? RUNFS_FORK_YES : RUNFS_FORK_UNKNOWN,
        .updated_at = site->updated_at,
        .key_prefix = site->key_prefix,
    };
    if (!environment) {
        int result = site_read_environment(&read, err);
        if (result < 0)
            return result;
        environment = &read;
    }
    if (runfs_request_complete(&request, environment, &failure) < 0)
        return layout_error(err, &failure);
    *ret_request = request;
    return 0;
}

/* A staging directory stands for the bucket: {that}/{run_id}-{platform}. */
static int staging_directory(const struct runfs_request *request, const char *staging, struct places *places,
                             struct error *err)
{
    struct runfs_error failure;
    struct runfs_root root;
    if (runfs_root_local(request->run_id, request->platform, &root, &failure) < 0)
        return layout_error(err, &failure);
    if (asprintf(&places->directory, "%s/%s", staging, root.prefix) < 0) {
        places->directory = NULL;
        return error_errno(err, ENOMEM, "%s", staging);
    }
    return 0;
}

void run_note_chosen(const struct run_config *config, const char *what, const char *why)
{
    void (*note)(const char *, const char *) = config->chosen ? config->chosen : config->note;
    if (note)
        note(what, why);
}

static void note_commit(const struct run_config *config, const struct github_run *found)
{
    char when[FORMAT_MAX];
    char why[sizeof found->url + 256];
    format_time(when, found->updated_at / 1000000000);
    (void)snprintf(why, sizeof why, "run %s, %s%s%s, of %s%s%s", found->id, found->status,
                   found->conclusion[0] ? ": " : "", found->conclusion, when, found->url[0] ? ", " : "",
                   found->url);
    run_note_chosen(config, config->source, why);
}

/* Asks GitHub, and fills in what was not said. A commit's run goes to RUN. */
static int ask_github(const struct source *source, const struct placing *placing, struct runfs_run *run,
                      struct runfs_request *request, struct error *err)
{
    struct github_run found;
    const struct run_config *config = placing->config;
    struct lookup_question question = {
        .repository = request->repository ? request->repository : RUNFS_REPOSITORY,
        .id = source->kind == SOURCE_COMMIT ? NULL : run->id,
        .workflow = config->site.workflow ? config->site.workflow : LOOKUP_WORKFLOW,
        .sha = source->commit,
    };
    int result = lookup_ask(placing->lookup, &question, placing->wait, &found, err);
    if (result < 0)
        return result;
    if (source->kind == SOURCE_COMMIT)
        note_commit(config, &found);
    (void)snprintf(run->id, sizeof run->id, "%.20s", found.id);
    if (!config->site.fork)
        request->fork =
            runfs_fork_of(question.repository, found.head_repository[0] ? found.head_repository : NULL);
    if (!config->site.updated_at)
        request->updated_at = found.updated_at;
    return 0;
}

static int find_places(const struct runfs_request *request, struct places *places, struct error *err)
{
    struct runfs_error failure;
    if (runfs_places(request, places->roots, &places->count, &failure) < 0)
        return layout_error(err, &failure);
    return 0;
}

/* Wrong options are an error before GitHub is asked. */
static int resolve_run(const struct source *source, const struct placing *placing, struct places *places,
                       struct error *err)
{
    struct runfs_error failure;
    struct runfs_run run = {.id = UNKNOWN_ID};
    struct runfs_request request;
    const char *staging = placing->local ? getenv("THEROCK_LOCAL_STAGING_DIR") : NULL;
    bool staged = staging && staging[0];
    if (source->kind == SOURCE_RUN && runfs_run_parse(source->run, &run, &failure) < 0)
        return layout_error(err, &failure);
    int result = build_request(source, placing, &run, &request, err);
    if (result == 0)
        result = find_places(&request, places, err);
    if (result == 0 && (source->kind == SOURCE_COMMIT || (placing->config->site.lookup && !staged))) {
        result = ask_github(source, placing, &run, &request, err);
        if (result == 0)
            result = find_places(&request, places, err);
    }
    if (result < 0)
        return result;
    return staged ? staging_directory(&request, staging, places, err) : 0;
}

static int resolve_source(const struct source *source, const struct placing *placing, struct places *places,
                          struct error *err)
{
    struct runfs_error failure;
    int result = 0;
    places->count = 1;
    switch (source->kind) {
    case SOURCE_RUN:
    case SOURCE_COMMIT:
        return resolve_run(source, placing, places, err);
    case SOURCE_S3:
        result = runfs_root_at(source->bucket, source->prefix, &places->roots[0], &failure);
        break;
    case SOURCE_LOCAL:
        result = runfs_root_local(NULL, RUNFS_PLATFORM_UNSAID, &places->roots[0], &failure);
        if (result == 0 && !(places->directory = strdup(source->path)))
            return error_errno(err, ENOMEM, "%s", source->path);
        break;
    default:
        return error_set(err, EINVAL, "runs: all of them can only be mounted; name one, as 12345678901");
    }
    return result < 0 ? layout_error(err, &failure) : 0;
}

int site_open_lookup(const struct run_config *config, struct lookup **ret_lookup, struct error *err)
{
    const struct lookup_config lookup = {
        .disk = config->disk,
        .no_cache = config->no_cache,
        .offline = config->offline,
        .refresh_ms = config->refresh_ms,
        .note = config->note,
    };
    return lookup_open(&lookup, ret_lookup, err);
}

int places_resolve(const struct source *source, const struct placing *placing, struct places *ret_places,
                   struct error *err)
{
    struct places places = {0};
    bool subdir = placing->config->view.artifacts_dir == ARTIFACTS_SUBDIR;
    int result = resolve_source(source, placing, &places, err);
    if (result < 0) {
        places_done(&places);
        return result;
    }
    for (size_t i = 0; i < places.count; i++)
        places.roots[i].artifacts_dir = subdir ? RUNFS_ARTIFACTS_SUBDIR : RUNFS_ARTIFACTS_ROOT;
    *ret_places = places;
    return 0;
}

void places_done(struct places *places)
{
    free(places->directory);
    places->directory = NULL;
}
