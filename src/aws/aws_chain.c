/* The chain of sources of AWS credentials; see aws_chain.h. */
#include "aws/aws_chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_process.h"
#include "aws/aws_profile.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/strbuf.h"

struct chain {
    char *profile;          /* owned */
    char *config_path;      /* owned, or NULL */
    char *credentials_path; /* owned, or NULL */
    uint64_t timeout_ms;
    bool ask_environment; /* not again after the first time */
    bool asked;           /* then a source that has nothing any more is an error */
};

/* What a source is asked with, and its answer. */
struct question {
    const struct chain *chain;
    const struct aws_profile *profile;
    struct aws_credentials *answer;
};

/* ASK returns 1 with the answer set, 0 where the source has none, or a negative errno. ERR is never NULL. */
struct source {
    bool once; /* what it gives cannot be had again */
    int (*ask)(const struct question *question, struct error *err);
};

static int answer(const struct question *q, const char *access_key, const char *secret_key, const char *token,
                  struct error *err)
{
    int r = aws_credentials_make(access_key, secret_key, token, 0, q->answer, err);
    return r < 0 ? r : 1;
}

static int ask_environment(const struct question *q, struct error *err)
{
    const char *access_key = getenv("AWS_ACCESS_KEY_ID");
    const char *secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    if (!q->chain->ask_environment || !access_key || !*access_key)
        return 0;
    if (!secret_key || !*secret_key)
        return error_set(err, EINVAL, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
    int r = answer(q, access_key, secret_key, getenv("AWS_SESSION_TOKEN"), err);
    return error_prefix(err, r, "AWS environment variables");
}

/* Static keys in the file PATH, which GET reads. */
static int ask_file(const struct question *q, const char *path,
                    const char *(*get)(const struct aws_profile *, const char *, const char *),
                    struct error *err)
{
    const char *access_key = get(q->profile, NULL, "aws_access_key_id");
    const char *secret_key = get(q->profile, NULL, "aws_secret_access_key");
    if (!access_key)
        return 0;
    int r = secret_key ? answer(q, access_key, secret_key, get(q->profile, NULL, "aws_session_token"), err)
                       : error_set(err, EINVAL, "it has aws_access_key_id but no aws_secret_access_key");
    return error_prefix(err, r, "%s: profile '%s'", path, q->profile->name);
}

static int ask_credentials_file(const struct question *q, struct error *err)
{
    return ask_file(q, q->chain->credentials_path, aws_profile_credentials, err);
}

static int ask_config_file(const struct question *q, struct error *err)
{
    return ask_file(q, q->chain->config_path, aws_profile_config, err);
}

static int ask_process(const struct question *q, struct error *err)
{
    const char *command = aws_profile_get(q->profile, NULL, "credential_process");
    if (!command)
        return 0;
    int r = aws_process_credentials(command, q->chain->timeout_ms, q->answer, err);
    return r < 0 ? error_prefix(err, r, "credential_process of profile '%s'", q->profile->name) : 1;
}

static const struct source sources[] = {
    {true, ask_environment},
    {false, ask_credentials_file},
    {false, ask_process},
    {false, ask_config_file},
};

/* Asks one source after the other until one answers; NULL where none does. */
static int ask_all(const struct question *question, const struct source **ret_source, struct error *err)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        int r = sources[i].ask(question, err);
        if (r < 0)
            return r;
        if (r > 0) {
            *ret_source = &sources[i];
            return 0;
        }
    }
    *ret_source = NULL;
    return 0;
}

static int chain_fetch(void *arg, struct aws_credentials *ret_credentials, bool *ret_final, struct error *err)
{
    struct chain *chain = arg;
    _cleanup_aws_profile_ struct aws_profile profile = {0};
    int r = aws_profile_read(chain->profile, chain->config_path, chain->credentials_path, &profile, err);
    if (r < 0)
        return r;
    const struct source *source = NULL;
    r = ask_all(&(struct question){chain, &profile, ret_credentials}, &source, err);
    if (r < 0)
        return r;
    if (!source && chain->asked)
        return error_set(err, EACCES, "AWS profile '%s': its credentials are gone", chain->profile);
    *ret_final = !source || source->once;
    chain->ask_environment = false;
    chain->asked = true;
    return 0;
}

static int64_t chain_now_ns(void *arg)
{
    (void)arg;
    return (int64_t)clock_real_ms() * 1000000;
}

static void chain_free(void *arg)
{
    struct chain *chain = arg;
    free(chain->profile);
    free(chain->config_path);
    free(chain->credentials_path);
    free(chain);
}

static const struct aws_provider_ops chain_ops = {chain_fetch, chain_now_ns, chain_free};

int aws_chain_open(const struct aws_config *config, uint64_t timeout_ms, struct aws_provider **ret_provider,
                   struct error *err)
{
    struct chain *chain = calloc(1, sizeof *chain);
    if (!chain)
        return error_errno(err, ENOMEM, "AWS credentials");
    chain->timeout_ms = timeout_ms;
    chain->ask_environment = !config->profile_by_option;
    if (!text_copy(config->profile, &chain->profile) ||
        !text_copy(config->config_path, &chain->config_path) ||
        !text_copy(config->credentials_path, &chain->credentials_path)) {
        chain_free(chain);
        return error_errno(err, ENOMEM, "AWS credentials");
    }
    return aws_provider_new(&chain_ops, chain, ret_provider, err);
}

void aws_environment_wipe(void)
{
    environment_wipe("AWS_ACCESS_KEY_ID");
    environment_wipe("AWS_SECRET_ACCESS_KEY");
    environment_wipe("AWS_SESSION_TOKEN");
    environment_wipe("AWS_SECURITY_TOKEN");
}
