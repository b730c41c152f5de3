/* The client of GitHub's API; see github.h. */
#include "github/github.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/environment.h"
#include "base/escape.h"
#include "github/github_get.h"
#include "http/http.h"

#define URL_MAX     2048
#define CONNECTIONS 4

struct github {
    struct http_engine *engine;
    struct http_client *client;
    struct github_config config;
};

/* A header line of its own must not come of it. */
static bool is_token(const char *token)
{
    for (; *token; token++)
        if (*token <= ' ' || *token > '~')
            return false;
    return true;
}

/* http or https, a host, at most a path; nothing that must not be shown in messages. */
static bool is_api_url(const char *text)
{
    char *host = NULL;
    CURLU *url = curl_url();
    bool good = url && (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0) &&
                strlen(text) < URL_MAX && !strpbrk(text, "?#") &&
                curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    curl_free(host);
    curl_url_cleanup(url);
    return good;
}

int github_open(const struct github_config *config, struct github **ret_github, struct error *err)
{
    if (!is_api_url(config->api_url))
        return error_set(err, EINVAL,
                         "GITHUB_API_URL: not an address such as " GITHUB_API
                         ", without user, query and fragment");
    if (config->token && !is_token(config->token))
        return error_set(err, EINVAL, "%s: it holds blanks or characters that no token has",
                         config->token_name);
    struct github *github = calloc(1, sizeof *github);
    if (!github)
        return error_errno(err, ENOMEM, "GitHub");
    const struct http_config http = {.connections = CONNECTIONS};
    github->config = *config;
    int result = http_engine_open(&http, &github->engine, err);
    if (result == 0)
        result = http_client_open(github->engine, &github->client, err);
    if (result < 0)
        github_close(github);
    else
        *ret_github = github;
    return result;
}

/* {api}/repos/{owner}/{name}/actions: REPOSITORY has one slash, that stays. */
static void add_actions(const struct github *github, const char *repository, struct strbuf *url)
{
    const char *api_url = github->config.api_url;
    size_t len = strlen(api_url);
    while (len && api_url[len - 1] == '/')
        len--;
    strbuf_addf(url, "%.*s/repos/", (int)len, api_url);
    escape_percent(url, repository, strlen(repository), true);
    strbuf_adds(url, "/actions/");
}

static void add_escaped(struct strbuf *url, const char *before, const char *text)
{
    strbuf_adds(url, before);
    escape_percent(url, text, strlen(text), false);
}

static int get(struct github *github, const struct strbuf *url, const char *missing, const struct wait *wait,
               struct strbuf *out, struct error *err)
{
    if (url->failed)
        return error_errno(err, url->failed, "GitHub: the address of what is asked");
    struct github_get request = {
        .client = github->client,
        .url = strbuf_text(url),
        .token = github->config.token,
        .token_name = github->config.token_name,
        .missing = missing,
    };
    return github_get(&request, wait, out, err);
}

int github_get_run(struct github *github, const char *repository, const char *id, const struct wait *wait,
                   struct github_run *ret_run, struct error *err)
{
    struct github_run run;
    _cleanup_strbuf_ struct strbuf url = STRBUF_INIT(URL_MAX * 2);
    _cleanup_strbuf_ struct strbuf answer = STRBUF_INIT(GITHUB_ANSWER_MAX);
    add_actions(github, repository, &url);
    add_escaped(&url, "runs/", id);
    int result = get(github, &url, "no such run, or not for everybody to see", wait, &answer, err);
    if (result < 0)
        return result;
    result = github_run_parse(strbuf_text(&answer), answer.len, &run, err);
    if (result == 0 && strcmp(run.id, id) != 0)
        result = error_set(err, EBADMSG, "its answer is of run %s", run.id);
    if (result < 0)
        return error_prefix(err, result, "%s", strbuf_text(&url));
    *ret_run = run;
    return 0;
}

/* A list may leave out what a place depends on. */
static int complete(struct github *github, const char *repository, const struct wait *wait,
                    struct github_run *run, struct error *err)
{
    char id[sizeof run->id];
    memcpy(id, run->id, sizeof id);
    return run->has_place ? 0 : github_get_run(github, repository, id, wait, run, err);
}

int github_get_newest(struct github *github, const char *repository, const char *workflow, const char *sha,
                      const struct wait *wait, struct github_run *ret_run, struct error *err)
{
    struct github_run run;
    _cleanup_strbuf_ struct strbuf url = STRBUF_INIT(URL_MAX * 2);
    _cleanup_strbuf_ struct strbuf answer = STRBUF_INIT(GITHUB_ANSWER_MAX);
    add_actions(github, repository, &url);
    add_escaped(&url, "workflows/", workflow);
    add_escaped(&url, "/runs?head_sha=", sha);
    int result =
        get(github, &url, "no such repository or workflow, or not for everybody to see", wait, &answer, err);
    if (result < 0)
        return result;
    result = github_runs_parse(strbuf_text(&answer), answer.len, sha, &run, err);
    if (result == -ENOENT)
        return error_set(err, ENOENT, "%s: %s has not run for this commit%s", strbuf_text(&url), workflow,
                         strlen(sha) < 40 ? "; GitHub may want all 40 digits of it" : "");
    if (result < 0)
        return error_prefix(err, result, "%s", strbuf_text(&url));
    result = complete(github, repository, wait, &run, err);
    if (result == 0)
        *ret_run = run;
    return result;
}

void github_close(struct github *github)
{
    if (!github)
        return;
    http_client_close(github->client);
    http_engine_close(github->engine);
    free(github);
}

static const char *const token_names[] = {"GITHUB_TOKEN", "GH_TOKEN"};

#define TOKENS (sizeof token_names / sizeof *token_names)

void github_environment_read(struct github_config *ret_config)
{
    const char *api_url = getenv("GITHUB_API_URL");
    struct github_config config = {.api_url = api_url && api_url[0] ? api_url : GITHUB_API};
    for (size_t i = 0; i < TOKENS && !config.token; i++) {
        const char *token = getenv(token_names[i]);
        if (!token || !token[0])
            continue;
        config.token = token;
        config.token_name = token_names[i];
    }
    *ret_config = config;
}

void github_environment_wipe(void)
{
    for (size_t i = 0; i < TOKENS; i++)
        environment_wipe(token_names[i]);
}
