/* Where the cache directory is; see cache_dir.h. */
#include "disk/cache_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/environment.h"

char *cache_dir_path(const char *directory)
{
    const char *cache = getenv("XDG_CACHE_HOME"); /* a relative one is to be ignored (XDG base directories) */
    char *path = NULL;
    if (directory)
        return strdup(directory);
    if (cache && cache[0] == '/')
        return asprintf(&path, "%s/runfs", cache) < 0 ? NULL : path;
    _cleanup_free_ char *home = environment_home();
    return !home || asprintf(&path, "%s/.cache/runfs", home) < 0 ? NULL : path;
}

int cache_dir_open(const struct disk_config *config, struct disk **ret_disk, struct error *err)
{
    struct disk_config placed = *config;
    _cleanup_free_ char *path = cache_dir_path(config->directory);
    if (!path)
        return error_set(err, ENOENT, "cache: no home directory is known, cache=DIR names another");
    placed.directory = path;
    return disk_open(&placed, ret_disk, err);
}
