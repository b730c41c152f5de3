/* The status of a mount for people. */
#ifndef RUNFS_CLI_STATUS_H
#define RUNFS_CLI_STATUS_H

#include <jansson.h>
#include <stdio.h>

/* Writes STATUS, the object that a driver gives (runfs-status(1) has its members), as aligned lines; without lines for members
   that are absent. */
void status_print(const json_t *status, FILE *out);

#endif
