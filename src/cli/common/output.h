/* What commands write: files, whole or not at all; names and JSON on standard output. */
#ifndef RUNFS_CLI_COMMON_OUTPUT_H
#define RUNFS_CLI_COMMON_OUTPUT_H

#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/error.h"

/* Writes the LEN bytes to the file PATH, "-" for standard output. A file is made under another name and takes its place
   once it is whole; a device, pipe or socket is written to as it is. 0 or -errno. */
int output_write(const char *path, const void *bytes, size_t len, struct error *err);

/* Writes all of the LEN bytes to FD, a file or pipe that blocks. 0 or -errno. */
int output_write_all(int fd, const char *bytes, size_t len);

/* The process's umask. Not while other threads make files. */
mode_t output_umask(void);

/* Writes a name to standard output; with escapes for control characters where that is a terminal. By one thread only. */
void output_name(const char *name);

/* Writes JSON, which it takes over, to standard output. -ENOMEM where JSON is NULL, else EXIT_DONE. */
int output_json(json_t *json);

#endif
