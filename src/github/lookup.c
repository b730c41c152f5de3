/* Asking GitHub, with a memory; see lookup.h. */
#include "github/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/format.h"
#include "base/lock.h"
#include "disk/blob.h"
#include "disk/identity.h"
#include "github/github.h"

#define SECOND_MS UINT64_C(1000)
#define HOUR_MS   (3600 * SECOND_MS)

#define ANSWER_MAX 4096 /* bytes of one that is kept */

struct lookup {
    char *api_url; /* owned */
    char *token;   /* owned, NULL: none */
    const char *token_name;
    char *directory;             /* owned, of the cache; NULL: the default */
    struct lookup_config config; /* with that directory */
    struct lock lock;            /* guards what follows, which the first question opens, without the lock */
    pthread_cond_t changed;      /* OPENING has become false */
    bool opening;
    bool opened;
    struct github *github; /* NULL where offline */
    struct disk *disk;     /* NULL: nothing is kept */
};

static void build_identity(const struct lookup *lookup, const struct lookup_question *question,
                           struct strbuf *out)
{
    const char *const fields[] = {"github",
                                  lookup->api_url,
                                  question->repository,
                                  question->id ? "run" : "commit",
                                  question->id ? question->id : question->workflow,
                                  question->id ? "" : question->sha};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        strbuf_add(out, fields[i], strlen(fields[i]) + 1);
}

static void answer_write(struct disk *disk, const struct strbuf *identity, const struct github_run *run,
                         uint64_t asked_ms)
{
    _cleanup_strbuf_ struct strbuf json = STRBUF_INIT(ANSWER_MAX);
    const struct blob_id id = blob_table(strbuf_text(identity), identity->len);
    github_run_format(run, &json);
    if (!json.failed)
        blob_write(disk, &id, asked_ms, strbuf_text(&json), json.len);
}

/* The answer that is kept, and when it was asked. */
static bool answer_read(struct disk *disk, const struct strbuf *identity, struct github_run *ret_run,
                        uint64_t *ret_asked_ms)
{
    struct blob blob;
    const struct blob_id id = blob_table(strbuf_text(identity), identity->len);
    if (!disk || !blob_read(disk, &id, 0, &blob))
        return false;
    _cleanup_free_ char *json = blob.bytes;
    *ret_asked_ms = blob.made_ms;
    return github_run_parse(json, blob.len, ret_run, NULL) == 0;
}

/* A run that has ended changes only by being started again; a commit may get another run. */
static uint64_t life_ms(const struct lookup *lookup, const struct lookup_question *question,
                        const struct github_run *run)
{
    uint64_t ended = question->id ? 24 * HOUR_MS : HOUR_MS;
    return lookup->config.refresh_ms && github_run_finished(run) ? ended : lookup->config.refresh_ms;
}

static bool is_new_enough(const struct lookup *lookup, const struct lookup_question *question,
                          const struct github_run *run, uint64_t asked_ms)
{
    uint64_t now = clock_real_ms();
    return asked_ms <= now && now - asked_ms < life_ms(lookup, question, run);
}

static int ask_github(struct lookup *lookup, const struct lookup_question *question, const struct wait *wait,
                      struct github_run *ret_run, struct error *err)
{
    if (question->id)
        return github_get_run(lookup->github, question->repository, question->id, wait, ret_run, err);
    return github_get_newest(lookup->github, question->repository, question->workflow, question->sha, wait,
                             ret_run, err);
}

static int not_here(const struct lookup *lookup, const struct lookup_question *question, struct error *err)
{
    return error_set(err, ENOENT, "%s%s%s: offline, and what GitHub says of it is not in the cache %s",
                     question->repository, question->id ? ": run " : "@",
                     question->id ? question->id : question->sha,
                     lookup->disk ? disk_directory(lookup->disk) : "(there is none)");
}

/* Whether an answer from before will do where GitHub gave none now: it does where GitHub said nothing of the run itself. */
static bool make_do(const struct lookup *lookup, const struct lookup_question *question, int result,
                    uint64_t asked_ms, const struct error *err)
{
    char when[FORMAT_MAX];
    char why[ERROR_MESSAGE_MAX + 64];
    if (result != -EBUSY && result != -EIO && result != -ETIMEDOUT)
        return false;
    format_time(when, (int64_t)(asked_ms / SECOND_MS));
    (void)snprintf(why, sizeof why, "%s; going by what it said at %s", err->message, when);
    if (lookup->config.note)
        lookup->config.note(question->repository, why);
    return true;
}

/* Without a cache every question is asked anew; offline there is nothing without it. */
static int open_all(struct lookup *lookup, struct error *err)
{
    const struct github_config config = {lookup->api_url, lookup->token, lookup->token_name};
    int result = lookup->config.offline || lookup->github ? 0 : github_open(&config, &lookup->github, err);
    if (result < 0)
        return result;
    result = lookup->config.no_cache ? 0 : cache_dir_open(&lookup->config.disk, &lookup->disk, err);
    return result < 0 && lookup->config.offline ? result : 0;
}

static int open_late(struct lookup *lookup, struct error *err)
{
    int result = 0;
    lock_take(&lookup->lock);
    while (lookup->opening)
        lock_wait(&lookup->lock, &lookup->changed);
    if (!lookup->opened) {
        lookup->opening = true;
        lock_drop(&lookup->lock);
        result = open_all(lookup, err);
        lock_take(&lookup->lock);
        lookup->opening = false;
        lookup->opened = result == 0;
        (void)pthread_cond_broadcast(&lookup->changed);
    }
    lock_drop(&lookup->lock);
    return result;
}

int lookup_ask(struct lookup *lookup, const struct lookup_question *question, const struct wait *wait,
               struct github_run *ret_run, struct error *err)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct github_run kept;
    struct github_run fresh;
    struct error why = {0};
    uint64_t asked_ms = 0;
    int result = open_late(lookup, err);
    if (result < 0)
        return result;
    build_identity(lookup, question, &identity);
    if (identity.failed)
        return error_errno(err, identity.failed, "GitHub");
    bool known = answer_read(lookup->disk, &identity, &kept, &asked_ms);
    if (known && (lookup->config.offline || is_new_enough(lookup, question, &kept, asked_ms))) {
        *ret_run = kept;
        return 0;
    }
    if (lookup->config.offline)
        return not_here(lookup, question, err);
    uint64_t now = clock_real_ms();
    result = ask_github(lookup, question, wait, &fresh, &why);
    if (result == 0 && lookup->disk)
        answer_write(lookup->disk, &identity, &fresh, now);
    if (result < 0 && known && make_do(lookup, question, result, asked_ms, &why))
        fresh = kept;
    else if (result < 0)
        return error_set(err, -result, "%s", why.message);
    *ret_run = fresh;
    return 0;
}

int lookup_open(const struct lookup_config *config, struct lookup **ret_lookup, struct error *err)
{
    struct github_config github;
    char *directory = NULL;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return error_errno(err, ENOMEM, "GitHub");
    github_environment_read(&github);
    lock_init(&lookup->lock, LOCK_LEAF);
    (void)pthread_cond_init(&lookup->changed, NULL);
    lookup->config = *config;
    lookup->token_name = github.token_name;
    bool copied = text_copy(github.api_url, &lookup->api_url) && text_copy(github.token, &lookup->token) &&
                  text_copy(config->disk.directory, &directory);
    lookup->config.disk.directory = lookup->directory = directory;
    lookup->config.disk.make = true;
    lookup->config.disk.note = config->note;
    if (!copied) {
        lookup_close(lookup);
        return error_errno(err, ENOMEM, "GitHub");
    }
    *ret_lookup = lookup;
    return 0;
}

void lookup_close(struct lookup *lookup)
{
    if (!lookup)
        return;
    github_close(lookup->github);
    disk_close(lookup->disk);
    if (lookup->token)
        explicit_bzero(lookup->token, strlen(lookup->token));
    (void)pthread_cond_destroy(&lookup->changed);
    lock_done(&lookup->lock);
    free(lookup->token);
    free(lookup->api_url);
    free(lookup->directory);
    free(lookup);
}
