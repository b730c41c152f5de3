/* The three forms of a location; see runfs/output.h. */
#include <errno.h>
#include <runfs/output.h>
#include <string.h>

#include "base/escape.h"
#include "base/strbuf.h"
#include "layout/fail.h"
#include "layout/text.h"

/* An encoded path is at most three times as long; the rest is scheme, bucket and host. */
#define URL_MAX (3 * RUNFS_KEY_MAX + RUNFS_BUCKET_MAX + 64)

int runfs_location_s3_uri(const struct runfs_location *location, char **ret_uri, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(URL_MAX);
    strbuf_addf(&uri, "s3://%s/%s", location->bucket, location->path);
    return layout_take(&uri, "s3 uri", ret_uri, err);
}

int runfs_location_https_url(const struct runfs_location *location, char **ret_url, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf url = STRBUF_INIT(URL_MAX);
    strbuf_addf(&url, "https://%s.s3.amazonaws.com/", location->bucket);
    escape_percent(&url, location->path, strlen(location->path), true);
    return layout_take(&url, "https url", ret_url, err);
}

int runfs_location_local_path(const struct runfs_location *location, const char *staging_dir, char **ret_path,
                              struct runfs_error *err)
{
    size_t len = strlen(staging_dir);
    if (len == 0)
        return layout_fail(err, EINVAL, "staging directory: empty");
    if (!is_path(span_of(location->path)))
        return layout_fail(err, EINVAL, "path '%s': may leave the staging directory", location->path);
    while (len && staging_dir[len - 1] == '/')
        len--;
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(len + 1 + RUNFS_KEY_MAX);
    strbuf_add(&path, staging_dir, len);
    strbuf_addf(&path, "/%s", location->path);
    return layout_take(&path, "local path", ret_path, err);
}
