/* Inside the layout room: reading one row of a view table. */
#ifndef RUNFS_LAYOUT_VIEW_H
#define RUNFS_LAYOUT_VIEW_H

#include <runfs/view.h>

#include "layout/text.h"

/* The names that other runs are bound to. */
struct view_binds {
    const char *const *names;
    size_t count;
};

/* A row, and what it owns. */
struct view_row {
    struct runfs_view_row shown; /* its strings are those below */
    char *bind;
    char *source;
    char *path;
};

/* Reads LINE, which is not blank and no comment, into *ROW, where shown.line is set already and the rest is zero; to be
   freed with view_row_done, also on failure. -EINVAL, -ENOMEM. */
int view_row_read(const struct view_binds *binds, struct runfs_span line, struct view_row *row,
                  struct runfs_error *err);

/* Frees what ROW owns. */
void view_row_done(struct view_row *row);

#endif
