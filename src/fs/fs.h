/* The FUSE face of a run: mounts its tree and serves it until it is unmounted. */
#ifndef RUNFS_FS_FS_H
#define RUNFS_FS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "run/run.h"

struct fs_config {
    const char *mountpoint; /* absolute; borrowed for fs_open() */
    uid_t uid;
    gid_t gid;
    mode_t umask; /* bits taken off every mode */
    bool allow_other;
    bool noexec;
    uint64_t refresh_ms; /* how long a listing is trusted */
    uint64_t timeout_ms; /* how long a wait goes on without progress */
};

struct fs;

/* Mounts RUN (which stays the caller's). Threads are started by fs_serve(), not before. Errors: what mount(2)
   or fusermount3 say; nothing is mounted then. */
int fs_open(const struct fs_config *config, struct run *run, struct fs **ret_fs, struct error *err);

/* Serves until the file system is unmounted or the process gets SIGINT, SIGTERM or SIGHUP. */
int fs_serve(struct fs *fs, struct error *err);

/* Unmounts where it is still mounted, and frees; NULL is allowed. */
void fs_close(struct fs *fs);

#endif
