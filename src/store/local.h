/* A local directory as a store: regular files, symbolic links as they are, empty directories as "name/" keys. */
#ifndef RUNFS_STORE_LOCAL_H
#define RUNFS_STORE_LOCAL_H

#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

/* Opens the directory PATH. Calls NOTE with the path of each thing that cannot be shown (devices, sockets,
   pipes) while listing; NOTE may be NULL. -ENOENT, -ENOTDIR, -EACCES. */
int local_open(const char *path, void (*note)(const char *path, const char *why), struct store **ret_store,
               struct error *err);

#endif
