/* Fuzzes SOURCE: any text is refused with a message, or read into exactly the fields that its form has. */
#include "run/site_source.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_s3(const struct source *source)
{
    size_t len = strlen(source->prefix);
    CHECK(source->bucket[0] && !strchr(source->bucket, '/'));
    CHECK(!len || source->prefix[len - 1] != '/');
    CHECK(!source->region || (source->region[0] && !strchr(source->region, '.')));
    CHECK(!source->run && !source->repository && !source->path);
}

static void check_run(const struct source *source)
{
    const char *slash = source->repository ? strchr(source->repository, '/') : NULL;
    CHECK(source->run);
    CHECK(!source->repository ||
          (slash && slash > source->repository && slash[1] && !strchr(slash + 1, '/')));
    CHECK(!source->bucket && !source->prefix && !source->region && !source->path);
}

static void check_commit(const struct source *source)
{
    size_t len = strlen(source->commit);
    CHECK(len >= 7 && len <= 40 && strspn(source->commit, "0123456789abcdef") == len);
    CHECK(strchr(source->repository, '/') > source->repository && !strchr(source->repository, '@'));
    CHECK(!source->run && !source->bucket && !source->prefix && !source->region && !source->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = {0};
    struct error err = {0};
    char *text = strndup(size ? (const char *)data : "", size);
    CHECK(text);
    int result = source_parse(text, &source, &err);
    if (result < 0) {
        CHECK((result == -EINVAL || result == -ENAMETOOLONG) && err.message[0] && is_plain_line(err.message));
        CHECK(!source.run && !source.bucket && !source.path);
    } else if (source.kind == SOURCE_S3) {
        check_s3(&source);
    } else if (source.kind == SOURCE_RUN) {
        check_run(&source);
    } else if (source.kind == SOURCE_COMMIT) {
        check_commit(&source);
    } else {
        CHECK(source.kind == SOURCE_LOCAL && strcmp(source.path, text) == 0 && strchr(text, '/'));
    }
    source_done(&source);
    free(text);
    return 0;
}
