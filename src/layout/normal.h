/* Inside the layout room: normal forms of paths that people write. */
#ifndef RUNFS_LAYOUT_NORMAL_H
#define RUNFS_LAYOUT_NORMAL_H

#include "layout/text.h"

struct strbuf;

/* Appends PATH without empty and "." components, and without '/' at either end. False, with a part of it appended, where
   a component is "..". */
bool path_normalise(struct runfs_span path, struct strbuf *out);

#endif
