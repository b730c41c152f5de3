/* Queries to the driver of a mount by extended attributes, with a time limit. */
#ifndef RUNFS_CLI_COMMON_MOUNT_QUERY_H
#define RUNFS_CLI_COMMON_MOUNT_QUERY_H

#include <stdint.h>

#include "base/error.h"

/* Queries the driver of PATH, a mountpoint or a file, for an attribute, which the kernel never answers from its own memory. Returns 0 and the value, owned by the caller, or -errno: -ETIMEDOUT
   where the driver is silent for three seconds (stopped, for example), -ENOTCONN where it is dead, or what it answers: -ENODATA. */
int mount_query(const char *path, const char *attribute, char **ret_value);

/* The number by which /proc/self/mountinfo knows the mount that PATH is on, links followed. 0 or -errno as above. */
int mount_query_id(const char *path, uint64_t *ret_id);

/* Sets the message for RESULT, what one of these returned for PATH; returns RESULT. */
int mount_query_error(const char *path, int result, struct error *err);

#endif
