/* The directory that a run is copied to. Nothing is ever made outside of it: whatever is opened or made in it is found from its
   descriptor, and no symbolic link in it is followed. What is not whole yet lies in a directory of its own there. */
#ifndef RUNFS_CLI_FETCH_TARGET_H
#define RUNFS_CLI_FETCH_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define FETCH_PARTS                                                                                          \
    ".runfs-fetch" /* the directory for incomplete files; locked by the process that writes there */

struct fetch_target {
    int fd;    /* -1 where it is not there, and only looked at */
    int parts; /* -1 likewise */
    const char *name;
    mode_t mask; /* the process's umask */
};

/* Opens the directory NAME, and makes it where it does not exist; where LOOK, nothing is made or locked. -EBUSY where
   another process copies to it. */
int fetch_target_open(struct fetch_target *target, const char *name, bool look, struct error *err);

/* Makes directory PATH and those above it. "" is the target itself. 0 or -errno, as all below. */
int fetch_target_make_directory(const struct fetch_target *target, const char *path, struct error *err);

/* Opens the directory that PATH is in; *RET_NAME is the last part of PATH. */
int fetch_target_open_parent(const struct fetch_target *target, const char *path, int *ret_fd,
                             const char **ret_name, struct error *err);

/* Gives PART its place PATH, where no directory may be; a file or link there is replaced. */
int fetch_target_place(const struct fetch_target *target, const char *part, const char *path,
                       struct error *err);

/* Closes it; all parts are removed where there is nothing TO_CONTINUE. */
void fetch_target_close(struct fetch_target *target, bool to_continue);

#endif
