/* What a run keeps on disk between mounts: where the cache is, and the run's listing in it. */
#ifndef RUNFS_RUN_CACHE_DIR_H
#define RUNFS_RUN_CACHE_DIR_H

#include "disk/disk.h"
#include "run/run.h"

/* The directory of the cache: what CONFIG says, else $XDG_CACHE_HOME/runfs, else .cache/runfs in the user's home. NULL
   where there is none; owned by the caller. */
char *keep_directory(const struct run_config *config);

/* The user's home, owned by the caller; a mount by systemd or fstab has no HOME. NULL where there is none. */
char *keep_home(void);

/* Opens the disk cache that CONFIG wants, made where MAKE. *RET_DISK is NULL with no-cache. */
int keep_open(const struct run_config *config, bool make, struct disk **ret_disk, struct error *err);

#endif
