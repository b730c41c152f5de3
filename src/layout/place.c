/* Where runs are: the bucket rules (run-outputs, section 3) as a function of time, the places to probe around their
   changes, and roots that no rule computes. */
#include <errno.h>
#include <runfs/place.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "layout/day.h"
#include "layout/fail.h"
#include "layout/run.h"
#include "layout/text.h"

#define NS_PER_SECOND INT64_C(1000000000)

/* A run can be started again for 30 days, by the workflow files and scripts of its first time. */
#define NEAR (INT64_C(30) * 86400 * NS_PER_SECOND)

#define RELEASE_WITHOUT_REPO (INT64_C(1775606400) * NS_PER_SECOND)     /* 2026-04-08T00:00:00Z */
#define BUCKETS_BY_TYPE      (INT64_C(1762877928) * NS_PER_SECOND + 1) /* after 2025-11-11T16:18:48Z */
#define EXTERNAL_REPO        (INT64_C(1748908800) * NS_PER_SECOND)     /* 2025-06-03T00:00:00Z */
#define PLATFORM_IN_PREFIX   (INT64_C(1747094400) * NS_PER_SECOND)     /* 2025-05-13T00:00:00Z */

/* Where the rules changed, newest first: a run of time T is of the rules before where T < at. */
static const struct change {
    int64_t at;
    const char *before; /* how the rules before it are described */
    const char *after;
} changes[RUNFS_PLACES_MAX - 1] = {
    {RELEASE_WITHOUT_REPO, "before 2026-04-08", "since 2026-04-08"},
    {BUCKETS_BY_TYPE, "up to 2025-11-11T16:18:48Z", "after 2025-11-11T16:18:48Z"},
    {EXTERNAL_REPO, "before 2025-06-03", "since 2025-06-03"},
    {PLATFORM_IN_PREFIX, "before 2025-05-13", "since 2025-05-13"},
};

/* The release types, and the word of each in its bucket's name. */
static const struct release {
    const char *type;
    const char *bucket;
} releases[] = {
    {"ci", "ci"},
    {"dev", "dev"},
    {"dev-bkc", "dev"},
    {"nightly", "nightly"},
    {"nightly-bkc", "nightly"},
    {"prerelease", "prerelease"},
};

#define RELEASE_COUNT (sizeof releases / sizeof *releases)

/* A checked request. */
struct placing {
    const char *run_id;
    const char *platform;
    char external_repo[RUNFS_KEY_MAX + 1]; /* "OWNER-REPO/" */
    const char *release;                   /* the bucket's word for the release type */
    bool main_repository;
    bool external; /* of another repository or a fork */
    const char *key_prefix;
};

static int find_release(const char *type, const char **ret_bucket, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf allowed = STRBUF_INIT(RUNFS_ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < RELEASE_COUNT; i++) {
        if (strcmp(type, releases[i].type) == 0) {
            *ret_bucket = releases[i].bucket;
            return 0;
        }
        strbuf_addf(&allowed, "%s%s", i ? ", " : "", releases[i].type);
    }
    return layout_fail(err, EINVAL, "release type '%.64s': not one of %s", type, strbuf_text(&allowed));
}

/* Whether TEXT is a GitHub name of at most MAX characters, where '.' counts as one of them if DOTS. */
static bool is_github_name(struct runfs_span text, size_t max, bool dots)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (text.len > max || !is_component(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(allowed, text.text[i], sizeof allowed - 1) && !(dots && text.text[i] == '.'))
            return false;
    return true;
}

/* Reads "OWNER/NAME" into "OWNER-NAME/". */
static int parse_repository(const char *repository, char *ret_external_repo, size_t size,
                            struct runfs_error *err)
{
    struct runfs_span name = span_of(repository);
    struct runfs_span owner;
    if (!span_take(&name, '/', &owner) || !is_github_name(owner, 39, false) ||
        !is_github_name(name, 100, true))
        return layout_fail(err, EINVAL, "repository '%s': not OWNER/NAME, such as " RUNFS_REPOSITORY,
                           repository);
    (void)snprintf(ret_external_repo, size, "%.*s-%.*s/", SPAN_ARG(owner), SPAN_ARG(name));
    return 0;
}

static int check_request(const struct runfs_request *request, struct placing *placing,
                         struct runfs_error *err)
{
    const char *repository = request->repository ? request->repository : RUNFS_REPOSITORY;
    placing->run_id = request->run_id ? request->run_id : "";
    placing->platform = runfs_platform_name(platform_or_here(request->platform));
    placing->key_prefix = request->key_prefix ? request->key_prefix : "";
    placing->main_repository = strcmp(repository, RUNFS_REPOSITORY) == 0;
    placing->external = !placing->main_repository || request->fork == RUNFS_FORK_YES;
    if (request->updated_at < 0)
        return layout_fail(err, EINVAL, "time of the run: before 1970");
    int r = run_id_check(placing->run_id, false, err);
    if (r == 0)
        r = parse_repository(repository, placing->external_repo, sizeof placing->external_repo, err);
    if (r == 0)
        r = find_release(request->release_type ? request->release_type : RUNFS_RELEASE_TYPE,
                         &placing->release, err);
    return r < 0 ? r : key_prefix_check(placing->key_prefix, err);
}

/* Whether the run's prefix at TIME begins with "OWNER-REPO/". */
static bool has_external_repo(const struct placing *placing, int64_t time)
{
    if (time < EXTERNAL_REPO)
        return false;
    if (time < BUCKETS_BY_TYPE || strcmp(placing->release, "ci") == 0)
        return placing->external;
    return !placing->main_repository && time < RELEASE_WITHOUT_REPO;
}

/* The place by the rules of TIME, 0 meaning today. */
static int place_at(const struct placing *placing, int64_t time, struct runfs_root *ret_root,
                    struct runfs_error *err)
{
    struct runfs_root root = {.updated_at = time};
    int64_t rules = time ? time : INT64_MAX;
    size_t key_prefix_len = strlen(placing->key_prefix);
    bool slash = key_prefix_len && placing->key_prefix[key_prefix_len - 1] != '/';
    bool platform = rules >= PLATFORM_IN_PREFIX;
    bool legacy = rules < BUCKETS_BY_TYPE;
    bool external = placing->external && (legacy || strcmp(placing->release, "ci") == 0);
    (void)snprintf(root.bucket, sizeof root.bucket, "therock-%s%sartifacts%s", legacy ? "" : placing->release,
                   legacy ? "" : "-", external ? "-external" : "");
    int len = snprintf(root.prefix, sizeof root.prefix, "%s%s%s%s%s%s", placing->key_prefix, slash ? "/" : "",
                       has_external_repo(placing, rules) ? placing->external_repo : "", placing->run_id,
                       platform ? "-" : "", platform ? placing->platform : "");
    if (len < 0 || (size_t)len >= sizeof root.prefix)
        return layout_fail(err, ENAMETOOLONG, "key prefix: over %d bytes with the run's own", RUNFS_KEY_MAX);
    *ret_root = root;
    return 0;
}

/* The time whose rules are on the other side of CHANGE, seen from TIME (0: unknown).
   0 where it is too far away. */
static int64_t other_side(const struct change *change, int64_t time)
{
    if (time == 0)
        return change->at - 1;
    if (time >= change->at)
        return time - change->at <= NEAR ? change->at - 1 : 0;
    return change->at - time <= NEAR ? change->at : 0;
}

int runfs_places(const struct runfs_request *request, struct runfs_root ret_places[RUNFS_PLACES_MAX],
                 size_t *ret_count, struct runfs_error *err)
{
    struct placing placing = {.release = ""};
    struct runfs_root places[RUNFS_PLACES_MAX];
    struct runfs_root root;
    size_t count = 1;
    int64_t time = request->updated_at;
    int r = check_request(request, &placing, err);
    if (r == 0)
        r = place_at(&placing, time, &places[0], err);
    if (r < 0)
        return r;
    char day[DAY_TEXT_MAX];
    if (time)
        (void)snprintf(places[0].reason, sizeof places[0].reason, "by the rules for a run of %s",
                       layout_day_text(layout_day(time), day));
    else
        (void)snprintf(places[0].reason, sizeof places[0].reason,
                       "by today's rules, the run's time being unknown");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct change *change = &changes[i];
        int64_t other = other_side(change, time);
        if (!other)
            continue;
        r = place_at(&placing, other, &root, err);
        if (r < 0)
            return r;
        bool seen = false;
        for (size_t j = 0; j < count && !seen; j++)
            seen = strcmp(places[j].bucket, root.bucket) == 0 && strcmp(places[j].prefix, root.prefix) == 0;
        if (seen)
            continue;
        (void)snprintf(root.reason, sizeof root.reason, "as runs %s were placed",
                       other < change->at ? change->before : change->after);
        places[count++] = root;
    }
    memcpy(ret_places, places, count * sizeof *places);
    *ret_count = count;
    return 0;
}

int runfs_root_local(const char *run_id, enum runfs_platform platform, struct runfs_root *ret_root,
                     struct runfs_error *err)
{
    struct runfs_root root = {.bucket = "local", .reason = "a local run"};
    run_id = run_id ? run_id : LOCAL_RUN_ID;
    int r = run_id_check(run_id, true, err);
    if (r < 0)
        return r;
    (void)snprintf(root.prefix, sizeof root.prefix, "%s-%s", run_id,
                   runfs_platform_name(platform_or_here(platform)));
    *ret_root = root;
    return 0;
}

/* S3's old and new rules together, which other servers share: a name that is safe in a URL's host. */
static bool is_bucket(const char *bucket)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = strlen(bucket);
    return len >= 3 && len <= RUNFS_BUCKET_MAX && strspn(bucket, allowed) == len && !strchr("-_.", bucket[0]);
}

int runfs_root_at(const char *bucket, const char *prefix, struct runfs_root *ret_root,
                  struct runfs_error *err)
{
    struct runfs_root root = {.reason = "as named"};
    if (!is_bucket(bucket))
        return layout_fail(err, EINVAL, "bucket '%s': not 3 to %d letters, digits, '-', '_' or '.'", bucket,
                           RUNFS_BUCKET_MAX);
    size_t len = strlen(prefix);
    if (len && prefix[len - 1] == '/')
        len--;
    if (len > RUNFS_KEY_MAX)
        return layout_fail(err, ENAMETOOLONG, "prefix '%.64s...': longer than a key's %d bytes", prefix,
                           RUNFS_KEY_MAX);
    memcpy(root.bucket, bucket, strlen(bucket));
    memcpy(root.prefix, prefix, len);
    *ret_root = root;
    return 0;
}
