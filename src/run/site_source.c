/* SOURCE, as users write it; see site_source.h. */
#include "run/site_source.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/strbuf.h"

#define TEXT_LIMIT  8192
#define GITHUB      "https://github.com/"
#define GITHUB_RUNS "/actions/runs/"
#define AWS_DOMAIN  ".amazonaws.com"
#define INDEX_PAGE  "index.html"
#define SHA_MIN     7
#define SHA_MAX     40
#define ALLOWED                                                                                              \
    "a run id, runs, OWNER/REPO@SHA, s3://BUCKET/PREFIX, an https:// address of a run or prefix, or a "      \
    "directory "                                                                                             \
    "with a slash"

static int source_refuse(struct error *err, const char *text, const char *why)
{
    return error_set(err, EINVAL, "source '%s': %s", text, why);
}

/* Copies LEN bytes into an owned string. */
static int source_keep(char **field, const char *text, size_t len)
{
    *field = strndup(text, len);
    return *field ? 0 : -ENOMEM;
}

static void drop_trailing_slashes(char *text)
{
    size_t len = strlen(text);
    while (len && text[len - 1] == '/')
        text[--len] = '\0';
}

/* BUCKET/PREFIX; the prefix may be percent-encoded (ENCODED). */
static int read_prefix(struct source *source, const char *prefix, bool encoded, const char *text,
                       struct error *err)
{
    _cleanup_strbuf_ struct strbuf decoded = STRBUF_INIT(TEXT_LIMIT);
    if (encoded && unescape_percent(&decoded, prefix, strlen(prefix)) < 0)
        return source_refuse(err, text, "malformed percent-encoding");
    if (!encoded)
        strbuf_adds(&decoded, prefix);
    if (memchr(strbuf_text(&decoded), '\0', decoded.len))
        return source_refuse(err, text, "a NUL byte in the prefix");
    if (decoded.failed || source_keep(&source->prefix, strbuf_text(&decoded), decoded.len) < 0)
        return error_errno(err, ENOMEM, "source");
    drop_trailing_slashes(source->prefix);
    return 0;
}

static int read_s3(const char *text, struct source *source, struct error *err)
{
    const char *bucket = text + strlen("s3://");
    size_t len = strcspn(bucket, "/");
    source->kind = SOURCE_S3;
    if (len == 0)
        return source_refuse(err, text, "no bucket: s3://BUCKET/PREFIX is the form");
    if (source_keep(&source->bucket, bucket, len) < 0)
        return error_errno(err, ENOMEM, "source");
    return read_prefix(source, bucket + len + strspn(bucket + len, "/"), false, text, err);
}

/* https://github.com/OWNER/REPO/actions/runs/ID[/…] */
static int read_github(const char *text, struct source *source, struct error *err)
{
    const char *repository = text + strlen(GITHUB);
    const char *runs = strstr(repository, GITHUB_RUNS);
    const char *slash = strchr(repository, '/');
    source->kind = SOURCE_RUN;
    if (!runs || !slash || slash == repository || slash >= runs || slash + 1 == runs ||
        memchr(slash + 1, '/', (size_t)(runs - slash - 1)))
        return source_refuse(err, text,
                             "not a run: https://github.com/OWNER/REPO/actions/runs/ID is the form");
    const char *id = runs + strlen(GITHUB_RUNS);
    if (source_keep(&source->repository, repository, (size_t)(runs - repository)) < 0 ||
        source_keep(&source->run, id, strcspn(id, "/?#")) < 0)
        return error_errno(err, ENOMEM, "source");
    return 0;
}

/* BUCKET.s3.amazonaws.com or BUCKET.s3.REGION.amazonaws.com; false for another host. */
static bool split_host(const char *host, size_t len, size_t *ret_bucket_len, const char **ret_region,
                       size_t *ret_region_len)
{
    size_t domain = strlen(AWS_DOMAIN);
    if (len <= domain || memcmp(host + len - domain, AWS_DOMAIN, domain) != 0)
        return false;
    const char *end = host + len - domain;
    const char *s3 = NULL; /* the last one: a bucket's name may hold it, too */
    for (const char *p = host; p + 3 <= end; p++)
        if (memcmp(p, ".s3", 3) == 0 && (p + 3 == end || p[3] == '.'))
            s3 = p;
    if (!s3 || s3 == host)
        return false;
    *ret_bucket_len = (size_t)(s3 - host);
    *ret_region = s3 + 3 < end ? s3 + 4 : NULL;
    *ret_region_len = *ret_region ? (size_t)(end - *ret_region) : 0;
    return !*ret_region || (*ret_region_len && !memchr(*ret_region, '.', *ret_region_len));
}

static void drop_index_page(char *prefix)
{
    size_t len = strlen(prefix);
    size_t page = strlen(INDEX_PAGE);
    if (len >= page && strcmp(prefix + len - page, INDEX_PAGE) == 0 &&
        (len == page || prefix[len - page - 1] == '/'))
        prefix[len - page] = '\0';
    drop_trailing_slashes(prefix);
}

static int read_https(const char *text, struct source *source, struct error *err)
{
    const char *host = text + strlen("https://");
    size_t len = strcspn(host, "/?#");
    size_t bucket_len;
    size_t region_len;
    const char *region;
    source->kind = SOURCE_S3;
    if (!split_host(host, len, &bucket_len, &region, &region_len))
        return source_refuse(err, text, "neither a run on github.com nor BUCKET.s3.amazonaws.com");
    if (strpbrk(host + len, "?#"))
        return source_refuse(err, text, "an address with a query or fragment");
    if (source_keep(&source->bucket, host, bucket_len) < 0 ||
        (region && source_keep(&source->region, region, region_len) < 0))
        return error_errno(err, ENOMEM, "source");
    int result = read_prefix(source, host + len + strspn(host + len, "/"), true, text, err);
    if (result == 0)
        drop_index_page(source->prefix);
    return result;
}

/* OWNER/REPO@SHA */
static int read_commit(const char *text, struct source *source, struct error *err)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = strchr(text, '@');
    const char *sha = at + 1;
    const char *slash = memchr(text, '/', (size_t)(at - text));
    size_t len = strspn(sha, digits);
    source->kind = SOURCE_COMMIT;
    if (!slash || slash == text || slash + 1 == at || memchr(slash + 1, '/', (size_t)(at - slash - 1)))
        return source_refuse(err, text, "not a commit: OWNER/REPO@SHA is the form");
    if (sha[len] || len < SHA_MIN || len > SHA_MAX)
        return source_refuse(err, text, "a commit is named by 7 to 40 hexadecimal digits");
    if (source_keep(&source->repository, text, (size_t)(at - text)) < 0 ||
        source_keep(&source->commit, sha, len) < 0)
        return error_errno(err, ENOMEM, "source");
    for (char *p = source->commit; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return 0;
}

static bool begins(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

/* All of TEXT is one field of a source of this KIND. */
static int read_whole(const char *text, struct source *source, enum source_kind kind, char **field,
                      struct error *err)
{
    source->kind = kind;
    return source_keep(field, text, strlen(text)) < 0 ? error_errno(err, ENOMEM, "source") : 0;
}

static int read_any(const char *text, struct source *source, struct error *err)
{
    if (strlen(text) > TEXT_LIMIT)
        return error_set(err, ENAMETOOLONG, "source: longer than %d bytes", TEXT_LIMIT);
    if (begins(text, "s3://"))
        return read_s3(text, source, err);
    if (begins(text, GITHUB))
        return read_github(text, source, err);
    if (begins(text, "https://"))
        return read_https(text, source, err);
    if (text[0] == '/' || begins(text, "./") || begins(text, "../"))
        return read_whole(text, source, SOURCE_LOCAL, &source->path, err);
    if (strcmp(text, "runs") == 0) {
        source->kind = SOURCE_RUNS;
        return 0;
    }
    if (strchr(text, '@'))
        return read_commit(text, source, err);
    if (text[0] >= '0' && text[0] <= '9')
        return read_whole(text, source, SOURCE_RUN, &source->run, err);
    return source_refuse(err, text, "not one of " ALLOWED);
}

int source_parse(const char *text, struct source *ret_source, struct error *err)
{
    struct source source = {0};
    int result = read_any(text, &source, err);
    if (result < 0)
        source_done(&source);
    else
        *ret_source = source;
    return result;
}

void source_done(struct source *source)
{
    free(source->run);
    free(source->repository);
    free(source->commit);
    free(source->bucket);
    free(source->prefix);
    free(source->region);
    free(source->path);
    *source = (struct source){0};
}
