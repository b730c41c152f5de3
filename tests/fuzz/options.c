/* Fuzzes the -o options: any text is refused with a message, or leaves every value within its bounds. */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Walks over a text, so that a sanitizer sees where it lies. */
static void check_text(const char *text)
{
    CHECK(!text || strlen(text) > 0);
}

static void check_values(const struct options *options)
{
    CHECK(options->run.connections >= 1 && options->run.connections <= 256);
    CHECK(options->run.timeout_ms >= 1000 && options->run.timeout_ms <= 365 * 86400 * UINT64_C(1000));
    CHECK(options->fs.refresh_ms <= 365 * 86400 * UINT64_C(1000));
    CHECK(options->fs.umask <= 0777);
    CHECK(options->fs.uid != (uid_t)-1 && options->fs.gid != (gid_t)-1);
    CHECK(options->log_level >= LOG_LEVEL_ERROR && options->log_level <= LOG_LEVEL_DEBUG);
    check_text(options->run.site.repository);
    CHECK(options->run.site.platform <= RUNFS_PLATFORM_WINDOWS);
    check_text(options->run.site.release_type);
    check_text(options->run.site.key_prefix);
    CHECK(options->run.view.artifacts_dir <= ARTIFACTS_SUBDIR && options->run.view.kind <= VIEW_TABLE);
    check_text(options->run.site.endpoint);
    check_text(options->run.site.region);
    check_text(options->run.site.profile);
    check_text(options->log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    struct error err = {0};
    char *text = strndup(size ? (const char *)data : "", size);
    CHECK(text);
    options_init(&options);
    int result = options_parse(&options, text, &err);
    free(text);
    CHECK(result == 0 || ((result == -EINVAL || result == -E2BIG) && err.code == -result && err.message[0]));
    CHECK(is_plain_line(err.message));
    check_values(&options);
    options_done(&options);
    return 0;
}
