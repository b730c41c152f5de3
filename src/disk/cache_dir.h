/* The cache directory of the user. */
#ifndef RUNFS_DISK_CACHE_DIR_H
#define RUNFS_DISK_CACHE_DIR_H

#include "disk/disk.h"

/* DIRECTORY, else $XDG_CACHE_HOME/runfs, else .cache/runfs in the user's home. NULL where there is none; owned by the caller. */
char *cache_dir_path(const char *directory);

/* disk_open() there, whose directory may be NULL. */
int cache_dir_open(const struct disk_config *config, struct disk **ret_disk, struct error *err);

#endif
