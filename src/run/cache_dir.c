/* What a run keeps on disk; see cache_dir.h. */
#include "run/cache_dir.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PASSWD_BYTES 4096

char *keep_home(void)
{
    const char *home = getenv("HOME");
    char buffer[PASSWD_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;
    if (!home || home[0] != '/')
        home =
            getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found ? found->pw_dir : NULL;
    return home && home[0] == '/' ? strdup(home) : NULL;
}

char *keep_directory(const struct run_config *config)
{
    const char *cache = getenv("XDG_CACHE_HOME"); /* a relative one is to be ignored (XDG base directories) */
    char *directory = NULL;
    if (config->cache_directory)
        return strdup(config->cache_directory);
    if (cache && cache[0] == '/')
        return asprintf(&directory, "%s/runfs", cache) < 0 ? NULL : directory;
    _cleanup_free_ char *home = keep_home();
    return !home || asprintf(&directory, "%s/.cache/runfs", home) < 0 ? NULL : directory;
}

int keep_open(const struct run_config *config, bool make, struct disk **ret_disk, struct error *err)
{
    struct disk *disk = NULL;
    if (!config->no_cache) {
        _cleanup_free_ char *directory = keep_directory(config);
        if (!directory)
            return error_set(err, ENOENT, "cache: no home directory is known, cache=DIR names another");
        struct disk_config disk_config = {
            .directory = directory,
            .size_max = config->cache_size,
            .free_min = config->cache_min_free,
            .make = make,
            .note = config->note,
        };
        int result = disk_open(&disk_config, &disk, err);
        if (result < 0)
            return result;
    }
    *ret_disk = disk;
    return 0;
}
