/* For the rooms that use the layout library: its errors as theirs. */
#ifndef RUNFS_LAYOUT_ERROR_H
#define RUNFS_LAYOUT_ERROR_H

#include <runfs/types.h>

#include "base/error.h"

/* Sets *err to FROM and returns -code. */
static inline int layout_error(struct error *err, const struct runfs_error *from)
{
    return error_set(err, from->code, "%s", from->message);
}

#endif
