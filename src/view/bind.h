/* bind=NAME=SOURCE: other runs under names that a view's rows may use. No I/O. */
#ifndef RUNFS_VIEW_BIND_H
#define RUNFS_VIEW_BIND_H

#include <stddef.h>

#include "base/error.h"

/* Reads NAME=SOURCE: the length of NAME, which is as runfs_bind_name_check() says; SOURCE stands behind the '=' and is not
   empty. -EINVAL. */
int bind_split(const char *text, size_t *ret_name_len);

/* Finds the source that NAME (LEN bytes) stands for in the COUNT texts of BINDS, all of which bind_split() has passed: of
   several of one name the last counts, and a source that is another's name stands for that one's. *RET_BIND is which text
   has the source in the end. -ENOENT where nothing is bound to NAME; -ELOOP for a cycle, "bind=a: cycle: a, b, a". */
int bind_resolve(const char *const *binds, size_t count, const char *name, size_t len, size_t *ret_bind,
                 struct error *err);

/* The source of a text. */
const char *bind_source(const char *text);

#endif
