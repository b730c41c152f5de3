/* The event of the GitHub job that we run in, as far as the layout's fork rule needs it. */
#ifndef RUNFS_GITHUB_GITHUB_EVENT_H
#define RUNFS_GITHUB_GITHUB_EVENT_H

#include <stdbool.h>

#include "base/error.h"

/* Reads pull_request.head.repo.fork from the JSON file PATH (GITHUB_EVENT_PATH; GitHub's webhook payload of a
   pull request). *RET_KNOWN is false where the file does not say. An unreadable or malformed file is an
   error. */
int github_event_fork(const char *path, bool *ret_known, bool *ret_fork, struct error *err);

#endif
