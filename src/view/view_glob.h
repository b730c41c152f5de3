/* glob(7) patterns with braces over a tree in place of the file system. */
#ifndef RUNFS_VIEW_VIEW_GLOB_H
#define RUNFS_VIEW_VIEW_GLOB_H

#include <glob.h>

#include "base/error.h"
#include "tree/tree.h"

/* Finds the paths in TREE that match PATTERN, sorted by their bytes, each once, into *RET_FOUND, to be freed with
   globfree(). No match is none. The tree must not be renewed during the call. -ENOMEM, -E2BIG for braces that
   stand for very many patterns. */
int view_glob(struct tree *tree, const char *pattern, glob_t *ret_found, struct error *err);

#define _cleanup_glob_ __attribute__((cleanup(globfree)))

/* Whether PATTERN is more than one name. */
bool view_is_pattern(const char *pattern);

#endif
