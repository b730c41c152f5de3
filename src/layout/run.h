/* Inside the layout room: pieces of run identity that places are made of. */
#ifndef RUNFS_LAYOUT_RUN_H
#define RUNFS_LAYOUT_RUN_H

#include <runfs/run.h>
#include <stdbool.h>

#define LOCAL_RUN_ID "local"

/* -EINVAL where ID is neither a run id nor, where ALLOW_LOCAL, "local". */
int run_id_check(const char *id, bool allow_local, struct runfs_error *err);

/* PLATFORM, or this system's where it is unsaid. */
enum runfs_platform platform_or_here(enum runfs_platform platform);

/* -EINVAL where KEY_PREFIX is not a path of plain components, with or without '/' at its end. */
int key_prefix_check(const char *key_prefix, struct runfs_error *err);

#endif
