/* Roots that no bucket rule computes: of a local run, and of a prefix that somebody names. */
#include <errno.h>
#include <runfs/place.h>
#include <stdio.h>
#include <string.h>

#include "layout/fail.h"
#include "layout/run.h"

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
